"""Who may start where: a table."""

from datetime import UTC, datetime, timedelta

import pytest

from stations.access import Keeping, Token, may_start

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def kept_for(token="OWNER", group="", user_id=None, ends_at=NOON + HOUR):
    return Keeping(token, group, user_id, ends_at)


@pytest.mark.parametrize(
    ("token", "keepings", "verdict"),
    [
        (None, [], "Invalid"),
        (Token("A"), [], "Accepted"),
        (Token("A", status="blocked"), [], "Blocked"),
        (Token("A", status="expired"), [], "Expired"),
        (Token("A", status="invalid"), [], "Invalid"),
        (Token("A", expires_at=NOON), [], "Expired"),
        (Token("A", expires_at=NOON + HOUR), [], "Accepted"),
        (Token("A"), [kept_for()], "NotAtThisTime"),
        (Token("owner"), [kept_for()], "Accepted"),
        (Token("A", group="FLEET"), [kept_for(group="fleet")], "Accepted"),
        (Token("FLEET"), [kept_for(group="FLEET")], "Accepted"),
        (Token("A", group="OTHER"), [kept_for(group="FLEET")], "NotAtThisTime"),
        (Token("A", user_id=7), [kept_for(user_id=7)], "Accepted"),
        (Token("A", user_id=None), [kept_for(user_id=None)], "NotAtThisTime"),
        (Token("A"), [kept_for(ends_at=NOON)], "Accepted"),
        (Token("A", status="blocked", user_id=7), [kept_for(user_id=7)], "Blocked"),
    ],
)
def test_who_may_start(token, keepings, verdict):
    decision = may_start(token, now=NOON, keepings=keepings)
    assert decision.verdict == verdict
    assert decision.allowed == (verdict == "Accepted")
    assert decision.allowed or decision.reason


def test_one_card_charges_one_car():
    assert may_start(Token("A"), now=NOON, charging_elsewhere=True).verdict == "ConcurrentTx"
