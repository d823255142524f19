"""Charging profiles in each version's words: which versions one fits, and how it goes over the wire."""

from __future__ import annotations

from stations.ocpp import schemas

#: Where SetChargingProfile carries the profile, and what it calls the profile's number.
PLACES = {
    "1.6": ({"connectorId": 1}, "csChargingProfiles", "chargingProfileId"),
    "2.0.1": ({"evseId": 1}, "chargingProfile", "id"),
    "2.1": ({"evseId": 1}, "chargingProfile", "id"),
}


def bare(profile: dict) -> dict:
    """The profile without its number: we give the numbers, so that no two on a charger are the same."""
    return {name: value for name, value in profile.items() if name not in ("id", "chargingProfileId")}


def numbered(profile: dict, number: int) -> dict:
    return {"chargingProfileId" if _is_16(profile) else "id": number, **bare(profile)}


def problem(profile: dict) -> str:
    """How the profile breaks its version's schema, in words; empty if some version has it so."""
    if versions(profile):
        return ""
    version = "1.6" if _is_16(profile) else "2.1"
    path, message, _keyword = _problem(version, profile)
    path = path.removeprefix(PLACES[version][1]).lstrip(".")
    return f"{path}: {message}" if path else message


def versions(profile: dict) -> list[str]:
    """The versions whose chargers take it."""
    return [version for version in PLACES if _problem(version, profile) is None]


def _is_16(profile: dict) -> bool:
    # 1.6 has one schedule where 2.x has a list of them.
    return isinstance(profile.get("chargingSchedule"), dict)


def _problem(version: str, profile: dict):
    rest, place, name = PLACES[version]
    return schemas.problem(version, "SetChargingProfile", {**rest, place: {**bare(profile), name: 1}})
