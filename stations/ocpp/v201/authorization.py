"""Authorize (2.0.1 block C), and what a decision is called in 2.x."""

from __future__ import annotations

from stations import access, authorising
from stations.ocpp import wire
from stations.ocpp.routing import Incoming


def id_token_info(decision: access.Decision) -> dict:
    """IdTokenInfoType: the verdict, and what is known of an accepted token's driver."""
    info: dict = {"status": decision.verdict.value}
    if decision.group and len(decision.group) <= 36:
        info["groupIdToken"] = {"idToken": decision.group, "type": "Central"}
    token = decision.token
    if not decision.allowed or token is None:
        return info
    if token.expires_at is not None:
        info["cacheExpiryDateTime"] = wire.time_text(token.expires_at)
    if token.priority:
        info["chargingPriority"] = token.priority
    if token.language:
        info["language1"] = token.language
        if token.second_language and token.second_language != token.language:
            info["language2"] = token.second_language
    if decision.evse_numbers:
        info["evseId"] = list(decision.evse_numbers)
    if token.message:
        info["personalMessage"] = personal_message(token.message, token.language)
    return info


def personal_message(text: str, language: str = "") -> dict:
    message = {"format": "UTF8", "content": text[:512]}
    return message | ({"language": language} if language else {})


def said(id_token: dict | None) -> tuple[str, str]:
    """(token, type) of an IdTokenType; both empty where there is none."""
    return (id_token["idToken"], id_token["type"]) if id_token else ("", "")


def authorize(incoming: Incoming) -> dict:
    """Says whether the token may charge at this charger now."""
    token, kind = said(incoming.payload["idToken"])
    decision = authorising.authorize(
        station=incoming.station, token=token, kind=kind, now=incoming.received_at
    )
    return {"idTokenInfo": id_token_info(decision)}
