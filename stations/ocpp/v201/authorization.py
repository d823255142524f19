"""Authorize (2.0.1 block C), and what a decision is called in 2.x."""

from __future__ import annotations

from stations import access, sessions
from stations.ocpp.routing import Incoming


def id_token_info(decision: access.Decision) -> dict:
    info: dict = {"status": decision.verdict.value}
    if decision.group:
        info["groupIdToken"] = {"idToken": decision.group[:36], "type": "Central"}
    return info


def authorize(incoming: Incoming) -> dict:
    """Says whether the token may charge at this charger now."""
    token = incoming.payload["idToken"]["idToken"]
    decision = sessions.authorize(station=incoming.station, token=token, now=incoming.received_at)
    return {"idTokenInfo": id_token_info(decision)}
