"""Authorize (1.6 §4.1), and what a decision is called in 1.6."""

from __future__ import annotations

from stations import access, sessions
from stations.ocpp.routing import Incoming

#: §7.2 AuthorizationStatus has five words; the others mean “no” in the nearest of them.
VERDICTS = {access.Verdict.NOT_AT_THIS_TIME: "Blocked", access.Verdict.UNKNOWN: "Invalid"}


def id_tag_info(decision: access.Decision) -> dict:
    info = {"status": VERDICTS.get(decision.verdict, decision.verdict.value)}
    if decision.group:
        info["parentIdTag"] = decision.group[:20]
    return info


def authorize(incoming: Incoming) -> dict:
    """Says whether the token may charge at this charger now."""
    decision = sessions.authorize(
        station=incoming.station, token=incoming.payload["idTag"], now=incoming.received_at
    )
    return {"idTagInfo": id_tag_info(decision)}
