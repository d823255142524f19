"""Authorize (1.6 §4.1), and what a decision is called in 1.6."""

from __future__ import annotations

from stations import access, authorising
from stations.ocpp import wire
from stations.ocpp.routing import Incoming

#: §7.2 AuthorizationStatus has five words; the others mean “no” in the nearest of them.
VERDICTS = {
    access.Verdict.NOT_AT_THIS_TIME: "Blocked",
    access.Verdict.NOT_AT_THIS_LOCATION: "Blocked",
    access.Verdict.UNKNOWN: "Invalid",
}
#: §7.15 IdToken: CiString20.
LONGEST = 20


def id_tag_info(decision: access.Decision) -> dict:
    info = {"parentIdTag": decision.group[:20]} if decision.group else {}
    info["status"] = VERDICTS.get(decision.verdict, decision.verdict.value)
    if decision.group and len(decision.group) <= LONGEST:
        info["parentIdTag"] = decision.group
    if decision.allowed and decision.token is not None and decision.token.expires_at is not None:
        info["expiryDate"] = wire.time_text(decision.token.expires_at)
    # In the schema's order, as everything that we send.
    return info


def authorize(incoming: Incoming) -> dict:
    """Says whether the token may charge at this charger now."""
    token = incoming.payload["idTag"]
    decision = authorising.authorize(station=incoming.station, token=token, now=incoming.received_at)
    if decision.token is not None and decision.token.is_master:
        # 1.6 has no master pass: accepting it here would start a charge.
        return {"idTagInfo": {"status": "Invalid"}}
    return {"idTagInfo": id_tag_info(decision)}
