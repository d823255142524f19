"""RELIABILITY §3, row 42: a station that can't reserve, or doesn't do as it said."""

from datetime import timedelta

import pytest
from django.utils import timezone

from stations import reservations
from stations.models import Command
from tests import make
from tests.charger import CallError
from tests.stations.faults.conftest import TAG, ago, event, start


def refuse(_payload):
    raise CallError("NotImplemented", "ReserveNow is not known", {})


@pytest.mark.parametrize("answer", [refuse, {"status": "Rejected"}, {"status": "Accepted"}])
@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_42_a_reservation_holds_whatever_the_station_makes_of_it(
    charger, ask, database, place, version, answer
):
    """The portal itself keeps the place: another card is refused, and told to stop where it starts."""
    stranger = await database(make.id_token, operator=place.site.operator, token="STRANGER", user=None)
    now = timezone.now()
    async with charger(version) as one:
        one.on("ReserveNow", answer)
        await one.boot()
        await database(place.station.refresh_from_db)
        for evse in (place.evse, place.second):
            await database(
                reservations.reserve,
                evse=evse,
                id_token=place.token,
                user=place.token.user,
                starts_at=now - timedelta(minutes=5),
                ends_at=now + timedelta(hours=1),
            )
        assert await database(reservations.begin_due, now) == 2
        await one.expect("ReserveNow")
        if version == "1.6":
            # 2.x's Authorize names no EVSE either; its transaction is what is refused.
            assert await one.authorize(stranger.token) == "Blocked"
            at_once = start(tag="STRANGER", at=ago(seconds=5))
            status = (await one.call("StartTransaction", at_once))["idTagInfo"]["status"]
            told = await one.expect("RemoteStopTransaction")
        else:
            begun = event("Started", 0, 1000, at=ago(seconds=5), tag="STRANGER")
            status = (await one.call("TransactionEvent", begun))["idTokenInfo"]["status"]
            told = await one.expect("RequestStopTransaction")
        assert status != "Accepted"
        session = await ask.session()
        assert str(told["transactionId"]) == session.transaction_id
        assert session.refusal and session.review
        assert await one.authorize(TAG) == "Accepted"
    assert await database(Command.objects.filter(action="ReserveNow").exists)
