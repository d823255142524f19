"""What an EVSE is taken to want and to hold, and currents out of meters' words: tables."""

from datetime import timedelta
from decimal import Decimal

import pytest

from monitoring.load import wishes
from monitoring.load.measuring import Sample, measured
from monitoring.load.wishes import Point
from tests.make import NOON

ALL = (0, 1, 2)
AMPS, WATTS = "Current.Import", "Power.Active.Import"


def point(**words):
    words = {"wired": ALL, "rating": 320, "has_session": True, "default": 60} | words
    return Point(key="e", group="g", **words)


@pytest.mark.parametrize(
    ("words", "wants"),
    [
        ({"has_session": False}, 0),
        # Nobody knows: all that it is rated for.
        ({}, 320),
        ({"cap": 160}, 160),
        # Others allow less than a car needs.
        ({"cap": 50}, 0),
        # What it was told has not shown in its readings yet.
        ({"told": 160, "told_s": 10, "draw": (40, 40, 40), "draw_at_most": 40}, 320),
        # It takes less than it may: a little more than it takes, in whole amperes.
        ({"told": 160, "told_s": 100, "draw": (93, 93, 93), "draw_at_most": 93}, 120),
        # It takes all that it may: perhaps it would take more.
        ({"told": 160, "told_s": 100, "draw": (155, 155, 155), "draw_at_most": 155}, 320),
        # A single-phase car whose meter tells only power is not squeezed for being thought on three.
        ({"told": 160, "told_s": 100, "draw": (52, 52, 52), "draw_at_most": 155}, 320),
        # A wish that still fits stays.
        ({"told": 160, "told_s": 100, "draw": (88, 88, 88), "draw_at_most": 88, "wanted": 120}, 120),
        ({"told": 160, "told_s": 100, "draw": (60, 60, 60), "draw_at_most": 60, "wanted": 160}, 80),
        # It had been told to pause: what it draws says nothing.
        ({"told": 0, "told_s": 100, "draw": (0, 0, 0), "draw_at_most": 0}, 320),
        # Full or paused for minutes: enough to be noticed when it wakes.
        ({"told": 160, "told_s": 999, "idle_s": 400, "draw": (0, 0, 0), "draw_at_most": 0}, 60),
    ],
)
def test_what_it_wants(words, wants):
    assert wishes.demand(point(**words)).wants == wants


def test_a_full_car_comes_last_but_for_its_turn():
    assert wishes.demand(point(idle_s=400, served_s=400)).rank == wishes.IDLE_RANK
    assert wishes.demand(point(idle_s=4000, waiting_s=1000)).rank == 0
    # Let in again, it has some minutes in which to wake.
    assert wishes.demand(point(idle_s=4000, served_s=100)).rank == 0


@pytest.mark.parametrize(
    ("words", "currents", "why"),
    [
        ({"has_met": False}, (0, 0, 0), "unknown"),
        ({"is_smart": False, "has_session": False}, (320, 320, 320), "unmanaged"),
        ({"is_online": False}, (60, 60, 60), "lost"),
        ({"is_online": False, "told": 160}, (160, 160, 160), "lost_told"),
        ({"is_online": False, "default": None}, (320, 320, 320), "lost_unset"),
        ({"flag": "rejected"}, (320, 320, 320), "rejected"),
        ({"flag": "ignored", "draw": (200, 10, 0)}, (200, 10, 0), "ignored"),
        ({"has_session": False, "draw": (50, 0, 0)}, (50, 0, 0), "no_session"),
        ({"wired": (1,), "is_smart": False}, (0, 320, 0), "unmanaged"),
    ],
)
def test_what_nobody_can_be_told_about(words, currents, why):
    found, word = wishes.fixed(point(**words))
    assert (found.currents, word) == (currents, why)
    assert wishes.held(point(**words)) == currents


@pytest.mark.parametrize(
    ("words", "held"),
    [
        ({"has_session": False}, 0),
        # A car that has just come draws what the default lets it.
        ({}, 60),
        ({"default": None}, 320),
        ({"told": 100}, 100),
        # On its way: the greater one may hold.
        ({"told": 100, "sent": 160}, 160),
        ({"told": 160, "sent": 100}, 160),
    ],
)
def test_what_it_may_draw_already(words, held):
    assert wishes.held(point(**words)) == (held,) * 3


@pytest.mark.parametrize(
    ("told", "drawn", "over"),
    [(60, 65, False), (60, 71, True), (0, 10, False), (320, 335, False), (320, 340, True)],
)
def test_meters_err_a_little(told, drawn, over):
    assert wishes.exceeds(point(told=told, told_s=99, draw=(drawn, 0, 0))) is over
    assert not wishes.exceeds(point(told=told, told_s=5, draw=(drawn, 0, 0)))


def said(*values):
    return [
        Sample(NOON - timedelta(seconds=age), kind, phase, Decimal(value))
        for kind, phase, value, age in values
    ]


@pytest.mark.parametrize(
    ("samples", "wired", "is_dc", "draw", "at_most", "used"),
    [
        ([(AMPS, "L1", "16.02", 0), (AMPS, "L2", "0.1", 0)], ALL, False, (161, 1, 0), 161, (0,)),
        # The same charger on the grid's second phase.
        ([(AMPS, "L1", "16", 0)], (1, 2, 0), False, (0, 160, 0), 160, (1,)),
        ([(AMPS, "L1", "10", 0)], (2,), False, (0, 0, 100), 100, (2,)),
        ([(WATTS, "", "6900", 0)], ALL, False, (100, 100, 100), 300, None),
        # Currents from before the power say nothing of now.
        ([(AMPS, "L1", "16", 170), (WATTS, "", "0", 0)], ALL, False, (0, 0, 0), 0, None),
        # A battery's current is no grid's.
        ([(AMPS, "", "300", 0), (WATTS, "", "63480", 0)], ALL, True, (1000,) * 3, 1000, None),
        ([(AMPS, "", "16", 0)], ALL, False, (160, 160, 160), 160, None),
    ],
)  # fmt: skip
def test_currents(samples, wired, is_dc, draw, at_most, used):
    found = measured(said(*samples), wired=wired, is_dc=is_dc)
    assert (found.draw, found.at_most, found.used) == (draw, at_most, used)


def test_no_reading_is_no_draw():
    assert measured([], wired=ALL, is_dc=False) is None
    assert measured(said(("Current.Import", "", "3", 0)), wired=ALL, is_dc=True) is None


def test_ratings_and_watts():
    assert wishes.rating(max_power_w=22_000, phases=3, is_dc=False) == 320
    assert wishes.rating(max_power_w=7_400, phases=1, is_dc=False) == 320
    assert wishes.rating(max_power_w=150_000, phases=3, is_dc=True) == 2370
    for amps in (10, 60, 333, 2370):
        assert wishes.dc_draw(Decimal(wishes.dc_watts(amps))) == amps
