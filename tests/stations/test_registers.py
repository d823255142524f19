"""A session's energy from its register, for every way in which registers misbehave."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from stations import doubts, registers, sequence
from stations.meter import ENERGY, Sample, samples
from stations.registers import BACKWARDS, JUMP, MISMATCH, NO_START, NO_STOP, RELATIVE, RESET, ROLLOVER, SPIKE

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


def minute(n: float) -> datetime:
    return NOON + timedelta(minutes=n)


def energy(*readings, start=0, stop=None, until=60, power=22_000):
    """Readings ten minutes apart from 10:00 past; a stop ends it at `until` minutes."""
    return registers.energy(
        [(minute(10 * n), Decimal(wh)) for n, wh in enumerate(readings, start=1)],
        started_at=NOON,
        start_wh=None if start is None else Decimal(start),
        stopped_at=None if stop is None else minute(until),
        stop_wh=None if stop is None else Decimal(stop),
        max_power_w=power,
    )


@pytest.mark.parametrize(
    ("readings", "start", "stop", "total", "flags"),
    [
        # As it should be.
        ([1000, 2000], 0, 3000, 3000, set()),
        ([1_001_000, 1_002_000], 1_000_000, 1_003_000, 3000, set()),
        ([], 500, 4500, 4000, set()),
        ([500, 500], 500, 500, 0, set()),
        # Still open.
        ([1000, 2000], 0, None, 2000, set()),
        ([], 0, None, 0, set()),
        # Rounding.
        ([1000, 995, 2000], 0, 3000, 3000, set()),
        # Reset in the middle: what was counted before counts, and what it counted since.
        ([3000, 500, 1500], 0, 2000, 5000, {RESET}),
        ([3000, 0, 1500], 0, 2000, 5000, {RESET}),
        # Reset twice.
        ([3000, 100, 2000, 50], 0, 1000, 6000, {RESET}),
        # Round the clock, at 999,999 Wh, 99,999.999 kWh and 2³² Wh.
        ([999_000, 500], 998_000, 1500, 3500, {ROLLOVER}),
        ([99_999_000, 2000], 99_998_000, 3000, 5000, {ROLLOVER}),
        ([4_294_967_000, 704], 4_294_966_296, 1704, 2704, {ROLLOVER}),
        # One wild value, up or down.
        ([1000, 900_000_000, 2000], 0, 3000, 3000, {SPIKE}),
        ([100_000, 7, 102_000], 99_000, 103_000, 4000, {SPIKE}),
        # A reset, or a wild value: nobody can tell, so nobody is billed.
        ([3000, 0, 3500], 0, 4000, 4000, {SPIKE, MISMATCH}),
        ([3000, 0, 2500, 3500], 0, 4000, 7000, {RESET}),
        # A wild newest value waits for the next to tell.
        ([1000, 900_000_000], 0, None, 1000, {SPIKE}),
        # It stays up there: more than can be, so a person looks; absurdly more is not even counted.
        ([60_000, 61_000], 0, 62_000, 62_000, {JUMP}),
        ([9_000_000, 9_001_000], 0, 9_002_000, 2000, {JUMP}),
        # kWh told as Wh at the stop.
        ([1_001_000], 1_000_000, 1003, 2003, {RESET}),
        # The stop below the start.
        ([], 5000, 1000, 1000, {RESET}),
        ([], 900_000, 800_000, 0, {BACKWARDS}),
        # Samples of the session alone, start and stop of the meter's life.
        ([1000, 2000], 800_000, 803_000, 3000, {RELATIVE}),
        ([1000, 2000], 800_000, 801_000, 1000, {RELATIVE, MISMATCH}),
        # While it is open that looks like a reset, and comes to the same.
        ([1000, 2000], 800_000, None, 2000, {RESET}),
        # No value at the start, or none at the stop.
        ([5000, 6000], None, 7000, 2000, {NO_START}),
    ],
)
def test_energy(readings, start, stop, total, flags):
    result = energy(*readings, start=start, stop=stop)
    assert (result.total_wh, set(result.flags)) == (total, flags)
    levels = [wh for _at, wh in result.curve]
    assert levels == sorted(levels)
    assert sum(segment.energy_wh for segment in result.segments) == total
    assert all(segment.energy_wh >= 0 for segment in result.segments)


def test_a_stop_without_its_value_ends_at_the_last_reading():
    result = registers.energy(
        [(minute(10), Decimal(1000))],
        started_at=NOON,
        start_wh=Decimal(0),
        stopped_at=minute(20),
        max_power_w=22_000,
    )
    assert (result.total_wh, set(result.flags)) == (1000, {NO_STOP})


def test_order_and_repeats_of_readings_do_not_matter():
    points = [(minute(n), Decimal(n * 100)) for n in range(1, 30)]
    known = {"started_at": NOON, "start_wh": Decimal(0), "max_power_w": 22_000}
    assert registers.energy(reversed(points * 2), **known) == registers.energy(points, **known)


def test_readings_of_another_time_say_nothing():
    points = [(minute(-60), Decimal(1)), (minute(10), Decimal(2000)), (minute(200), Decimal(99_000))]
    result = registers.energy(
        points,
        started_at=NOON,
        start_wh=Decimal(1000),
        stopped_at=minute(60),
        stop_wh=Decimal(3000),
        max_power_w=22_000,
    )
    assert (result.total_wh, result.flags) == (2000, frozenset())


def sample(wh, at=10, phase="", location="Outlet", measurand=ENERGY, flag="", context="Sample.Periodic"):
    return Sample(minute(at), measurand, Decimal(wh), "Wh", phase, location, context, flag)


@pytest.mark.parametrize(
    ("found", "points"),
    [
        ([sample(5), sample(7, at=20)], [(10, 5), (20, 7)]),
        # The outlet before the inlet, which counts the charger's own losses; the inlet if there is no other.
        ([sample(5), sample(6, location="Inlet")], [(10, 5)]),
        ([sample(6, location="Inlet")], [(10, 6)]),
        ([sample(6, location="Body"), sample(5, location="Cable")], [(10, 5)]),
        ([sample(6, location="EV")], [(10, 6)]),
        # Phases where there is no whole; only moments at which all of them were sent.
        ([sample(1, phase="L1"), sample(2, phase="L2"), sample(3, phase="L3")], [(10, 6)]),
        ([sample(1, phase="L1-N"), sample(2, phase="L2-N"), sample(3, phase="L3-N")], [(10, 6)]),
        ([sample(9), sample(1, phase="L1"), sample(2, phase="L2"), sample(3, phase="L3")], [(10, 9)]),
        ([sample(4, phase="L1")], [(10, 4)]),
        # Intervals where nothing else is sent, of one kind.
        (
            [
                sample(100, measurand=registers.INTERVAL),
                sample(150, at=20, measurand=registers.INTERVAL),
                sample(250, at=20, measurand=registers.INTERVAL, context="Sample.Clock"),
            ],
            [(10, 100), (20, 250)],
        ),
        # What is flagged is not billed; a clock that is off is no reason.
        ([sample(5, flag="implausible")], []),
        ([sample(5, flag="bad_clock")], [(10, 5)]),
    ],
)
def test_which_register_counts(found, points):
    assert registers.billable(found) == [(minute(at), Decimal(wh)) for at, wh in points]


@pytest.mark.parametrize("location", ["Outlet", "Inlet", "Cable", "EV", "Body"])
@pytest.mark.parametrize("context", ["Transaction.Begin", "Sample.Clock", "Trigger", "Other"])
def test_every_location_and_context_is_kept(location, context):
    value = {"timestamp": "2026-06-15T12:00:00Z"}
    value["sampledValue"] = [{"value": "1", "location": location, "context": context}]
    [found] = samples([value], NOON)
    assert (found.location, found.context) == (location, context)


def doubtful(**odd):
    usual = {
        "started_at": NOON,
        "stopped_at": minute(60),
        "start_is_missing": False,
        "has_gaps": False,
        "flags": (),
        "energy_wh": Decimal(10_000),
        "max_power_w": 22_000,
        "first_reading_at": minute(1),
        "has_stop_wh": True,
    }
    return doubts.doubt(**(usual | odd))


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({}, ""),
        ({"flags": [SPIKE, ROLLOVER, RELATIVE]}, ""),
        ({"flags": [RESET]}, "reset"),
        ({"flags": [BACKWARDS]}, "backwards"),
        ({"flags": [JUMP]}, "More energy"),
        ({"flags": [doubts.GUESSED_STOP]}, "unknown transaction id"),
        ({"flags": [doubts.OTHER_TOKEN]}, ""),
        ({"energy_wh": Decimal(40_000)}, "More energy"),
        ({"stopped_at": minute(-5)}, "before it started"),
        ({"start_is_missing": True}, "never reported"),
        ({"flags": [NO_START]}, ""),
        ({"flags": [NO_START], "first_reading_at": minute(10)}, "not known"),
        ({"flags": [NO_START], "first_reading_at": None}, "not known"),
        ({"has_gaps": True}, ""),
        ({"flags": [doubts.GUESSED_READINGS]}, ""),
        ({"flags": [doubts.GUESSED_READINGS], "is_estimated": True}, "named no transaction"),
        ({"has_gaps": True, "has_stop_wh": False}, "missing"),
        # 10 kWh by the power, 10 Wh by the register.
        ({"by_power_wh": Decimal(10_000), "energy_wh": Decimal(10)}, "unit"),
        ({"by_power_wh": Decimal(11_000)}, ""),
    ],
)
def test_doubts(odd, words):
    found = doubtful(**odd)
    assert words in found
    assert bool(found) == bool(words)


@pytest.mark.parametrize(
    ("numbers", "ranges", "missing"),
    [
        ([0, 1, 2], [[0, 2]], ""),
        ([2, 0, 1, 1, 0], [[0, 2]], ""),
        ([0, 3, 4, 9], [[0, 0], [3, 4], [9, 9]], "1–2, 5–8"),
        ([7], [[7, 7]], ""),
        ([0, 2], [[0, 0], [2, 2]], "1"),
    ],
)
def test_sequence_numbers(numbers, ranges, missing):
    found = []
    for number in numbers:
        found = sequence.add(found, [number])
    assert found == ranges == sequence.add([], numbers)
    assert sequence.words(found) == missing
