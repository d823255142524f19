"""TransactionEvent in 2.1 (block E): as in 2.0.1, and its answer names the driver's limit (E16)."""

from __future__ import annotations

from stations import sessions, transaction_limits
from stations.ocpp.routing import Incoming
from stations.ocpp.v201 import transactions as v201


def needs_decision(payload: dict) -> bool:
    """Reports of a charge that has a limit, or may have one, are answered with what is new of it."""
    return v201.needs_decision(payload) or transaction_limits.may_have_one(
        payload["transactionInfo"]["transactionId"]
    )


def transaction_event(incoming: Incoming) -> dict:
    """Opens and ends the session once each, says whether its token may charge and how much, keeps readings.

    A limit is told with the first answer, and again when the driver has changed it.
    """
    payload = incoming.payload
    answer = v201.transaction_event(incoming) if v201.needs_decision(payload) else {}
    if payload["eventType"] == "Ended":
        return answer
    transaction_id = payload["transactionInfo"]["transactionId"]
    session = sessions.find(incoming.station, transaction_id)
    limit = transaction_limits.to_tell(session, transaction_id)
    return answer | ({"transactionLimit": limit} if limit else {})
