"""What the pure decisions say beyond the table of test_access: tables, no database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stations import access
from stations.access import Place, Token

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HERE = Place(site_id=1, evse_id=11)


@pytest.mark.parametrize(
    ("known", "said", "same"),
    [
        ("ISO14443", "ISO14443", True),
        ("ISO14443", "ISO15693", True),
        ("ISO14443", "", True),
        ("ISO14443", "KeyCode", False),
        ("KeyCode", "ISO14443", False),
        ("eMAID", "Central", False),
        ("VIN", "VIN", True),
        ("ISO14443", "SomethingOfAMaker", False),
    ],
)
def test_a_token_is_of_its_type(known, said, same):
    assert access.same_type(known, said) is same


@pytest.mark.parametrize(
    ("token", "verdict"),
    [
        (Token("A"), "Accepted"),
        (Token("A", sites=frozenset({1})), "Accepted"),
        (Token("A", evses=frozenset({11})), "Accepted"),
        (Token("A", sites=frozenset({2}), evses=frozenset({11})), "Accepted"),
        (Token("A", sites=frozenset({2})), "NotAtThisLocation"),
        (Token("A", evses=frozenset({12})), "NotAtThisLocation"),
        (Token("A", is_master=True), "Invalid"),
    ],
)
def test_where_a_token_may_start(token, verdict):
    assert access.may_start(token, now=NOON, place=HERE).verdict == verdict


def test_some_tokens_charge_several_cars():
    assert access.may_start(Token("A", concurrent_allowed=True), now=NOON, charging_elsewhere=True).allowed


BLOCKED_AT_NOON = Token("A", status="blocked", status_since=NOON, status_before="accepted")


@pytest.mark.parametrize(
    ("token", "started_at", "verdict"),
    [
        (BLOCKED_AT_NOON, NOON - HOUR, "Accepted"),
        (BLOCKED_AT_NOON, NOON, "Blocked"),
        (BLOCKED_AT_NOON, NOON + HOUR, "Blocked"),
        (replace(BLOCKED_AT_NOON, status="accepted", status_before="blocked"), NOON - HOUR, "Blocked"),
        # Nothing is known of earlier: what holds now has to do.
        (Token("A", status="blocked"), NOON - HOUR, "Blocked"),
        (Token("A", expires_at=NOON), NOON - HOUR, "Accepted"),
        (Token("A", expires_at=NOON), NOON + HOUR, "Expired"),
        (None, NOON, "Invalid"),
    ],
)
def test_a_late_start_is_judged_by_what_held_then(token, started_at, verdict):
    decision = access.may_have_started(token, started_at=started_at)
    assert decision.verdict == verdict
    assert decision.is_late


@pytest.mark.parametrize(
    ("stopper", "token", "may"),
    [
        (Token("A"), Token("a"), True),
        (Token("B", group="G"), Token("A", group="g"), True),
        (Token("B", group="G"), Token("A"), False),
        (Token("B", user_id=7), Token("A", user_id=7), True),
        (Token("B", user_id=None), Token("A", user_id=None), False),
        (Token("G"), Token("A", group="G"), True),
        (Token("A", group="B"), Token("B"), True),
        (Token("M", is_master=True), None, True),
        (None, Token("A"), False),
    ],
)
def test_who_may_stop(stopper, token, may):
    assert access.may_stop(stopper, token) is may


@pytest.mark.parametrize(
    ("offline", "ago", "late"), [(False, 0, False), (False, 9, False), (False, 11, True), (True, 0, True)]
)
def test_what_is_late(offline, ago, late):
    started_at = NOON - timedelta(minutes=ago)
    assert access.is_late(says_offline=offline, started_at=started_at, received_at=NOON) is late


@pytest.mark.parametrize(("connected_ago", "late"), [(5, True), (90, False)])
def test_a_slow_clock_is_not_an_offline_queue(connected_ago, late):
    assert (
        access.is_late(
            says_offline=False,
            started_at=NOON - HOUR,
            received_at=NOON,
            connected_at=NOON - timedelta(minutes=connected_ago),
        )
        is late
    )
