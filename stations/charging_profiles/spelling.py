"""The calls of smart charging in each version's words: (action, payload). Pure."""

from __future__ import annotations

from stations.charging_profiles.build import STATION_MAX, STATION_MAX_16


def set_profile(version: str, evse_number: int, profile: dict) -> tuple[str, dict]:
    if version == "1.6":
        return "SetChargingProfile", {"connectorId": evse_number, "csChargingProfiles": profile}
    return "SetChargingProfile", {"evseId": evse_number, "chargingProfile": profile}


def profile_of(payload: dict) -> tuple[int, dict]:
    """(EVSE, profile) of a SetChargingProfile of either version."""
    if "csChargingProfiles" in payload:
        return payload["connectorId"], payload["csChargingProfiles"]
    return payload["evseId"], payload["chargingProfile"]


def clear(
    version: str,
    *,
    number: int | None = None,
    evse_number: int | None = None,
    purpose: str = "",
    stack_level: int | None = None,
) -> tuple[str, dict]:
    """One profile by its number, or all that match; nothing given means all of them."""
    if version == "1.6":
        purpose = STATION_MAX_16 if purpose == STATION_MAX else purpose
        words = {"id": number, "connectorId": evse_number, "chargingProfilePurpose": purpose or None}
        return "ClearChargingProfile", _given(words | {"stackLevel": stack_level})
    if number is not None:
        return "ClearChargingProfile", {"chargingProfileId": number}
    criteria = _given(
        {"evseId": evse_number, "chargingProfilePurpose": purpose or None, "stackLevel": stack_level}
    )
    return "ClearChargingProfile", {"chargingProfileCriteria": criteria} if criteria else {}


def cleared_by(payload: dict) -> dict:
    """What a ClearChargingProfile of either version asks for, in the words of `clear`."""
    criteria = payload.get("chargingProfileCriteria") or payload
    found = {
        "number": payload.get("chargingProfileId", payload.get("id")),
        "evse_number": criteria.get("evseId", criteria.get("connectorId")),
        "purpose": criteria.get("chargingProfilePurpose"),
        "stack_level": criteria.get("stackLevel"),
    }
    if found["purpose"] == STATION_MAX_16:
        found["purpose"] = STATION_MAX
    return _given(found)


def composite(version: str, evse_number: int, duration_s: int, unit: str = "") -> tuple[str, dict]:
    place = "connectorId" if version == "1.6" else "evseId"
    payload: dict = {place: evse_number, "duration": duration_s}
    return "GetCompositeSchedule", payload | ({"chargingRateUnit": unit} if unit else {})


def composite_schedule(response: dict) -> dict | None:
    """The schedule in an answer to it: {start, duration, unit, periods}, or None where there is none."""
    schedule = response.get("schedule") or response.get("chargingSchedule")
    if response.get("status") != "Accepted" or not schedule:
        return None
    return {
        "start": schedule.get("scheduleStart")
        or response.get("scheduleStart")
        or schedule.get("startSchedule"),
        "duration": schedule.get("duration"),
        "unit": schedule["chargingRateUnit"],
        "periods": schedule["chargingSchedulePeriod"],
    }


def _given(words: dict) -> dict:
    return {name: value for name, value in words.items() if value is not None}
