"""Charging profiles in each version's words, from what is wished for; and what is wrong with one. Pure.

1.6 §3.13 and §7.8; 2.x block K. Purposes go by 2.x's names; 1.6 says ChargePointMaxProfile for the station's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from stations.ocpp import wire

STATION_MAX, TX_DEFAULT, TX = "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"
EXTERNAL, PRIORITY, LOCAL = "ChargingStationExternalConstraints", "PriorityCharging", "LocalGeneration"
STATION_MAX_16 = "ChargePointMaxProfile"

PURPOSES = {
    "1.6": (STATION_MAX, TX_DEFAULT, TX),
    "2.0.1": (STATION_MAX, TX_DEFAULT, TX),
    "2.1": (STATION_MAX, TX_DEFAULT, TX, PRIORITY, LOCAL),
}
#: What a phase of a European grid has; chargers that take amperes are told by it.
PHASE_VOLTAGE = Decimal(230)


class UnbuildableLimit(Exception):
    """This limit can't be said in a profile that the station takes; the words say why."""


@dataclass(frozen=True)
class Abilities:
    """What a station can follow; None and an empty text where it hasn't said."""

    rate_units: str = ""
    max_stack_level: int | None = None
    max_periods: int | None = None

    def takes(self, unit: str) -> bool:
        return not self.rate_units or unit in self.rate_units


def neutral(purpose: str) -> str:
    return STATION_MAX if purpose == STATION_MAX_16 else purpose


def limit(
    version: str,
    purpose: str,
    *,
    number: int,
    watts: Decimal | None = None,
    amps: Decimal | None = None,
    phases: int = 3,
    is_dc: bool = False,
    starts_at: datetime,
    until: datetime | None = None,
    stack_level: int = 0,
    transaction_id: str = "",
    is_dynamic: bool = False,
    abilities: Abilities = Abilities(),
) -> dict:
    """The profile that holds everything it concerns to at most so much, from then until then.

    In watts it is the whole power; in amperes it is per phase. Raises `UnbuildableLimit`.
    """
    purpose = neutral(purpose)
    if purpose not in PURPOSES[version]:
        raise UnbuildableLimit(f"OCPP {version} has no profile for {purpose}.")
    if is_dynamic and version != "2.1":
        raise UnbuildableLimit(f"OCPP {version} has no dynamic profiles.")
    if abilities.max_stack_level is not None:
        stack_level = min(stack_level, abilities.max_stack_level)
    unit, value = _rate(watts, amps, phases, is_dc, version, abilities)
    period: dict = {"startPeriod": 0, "limit": value}
    if not is_dc and purpose != STATION_MAX and phases != 3:
        # Three is what both standards assume; some stations stumble over being told.
        period["numberPhases"] = phases
    if is_dynamic:
        period["operationMode"] = "ChargingOnly"
    schedule: dict = {"chargingRateUnit": unit, "chargingSchedulePeriod": [period]}
    if not is_dynamic:
        schedule["startSchedule"] = wire.time_text(starts_at)
        if until is not None:
            schedule["duration"] = max(1, round((until - starts_at).total_seconds()))
    profile = {
        "stackLevel": stack_level,
        "chargingProfilePurpose": STATION_MAX_16 if version == "1.6" and purpose == STATION_MAX else purpose,
        "chargingProfileKind": "Dynamic" if is_dynamic else "Absolute",
    }
    if until is not None:
        profile["validTo"] = wire.time_text(until)
    if purpose == TX:
        profile["transactionId"] = int(transaction_id) if version == "1.6" else transaction_id
    if version == "1.6":
        return {"chargingProfileId": number, **profile, "chargingSchedule": schedule}
    return {"id": number, **profile, "chargingSchedule": [{"id": 1, **schedule}]}


def _rate(watts, amps, phases, is_dc, version, abilities: Abilities) -> tuple[str, float | int]:
    """The unit that the station takes, and the limit in it, rounded down: a limit is never exceeded."""
    if (watts is None) == (amps is None):
        raise UnbuildableLimit("A limit is in watts or in amperes.")
    if (watts if amps is None else amps) < 0:
        raise UnbuildableLimit("A limit can't be negative.")
    per_amp = PHASE_VOLTAGE * phases
    if watts is not None:
        # Where a 1.6 station with alternating current hasn't said, amperes are the safer guess.
        if abilities.takes("W") and (abilities.rate_units or is_dc or version != "1.6"):
            return "W", _rounded(watts)
        if is_dc:
            raise UnbuildableLimit("This charger takes limits in amperes only, and its voltage isn't fixed.")
        return "A", _rounded(watts / per_amp)
    if abilities.takes("A"):
        return "A", _rounded(amps)
    if is_dc:
        raise UnbuildableLimit("This charger takes limits in watts only, and its voltage isn't fixed.")
    return "W", _rounded(amps * per_amp)


def _rounded(value: Decimal) -> float | int:
    """One decimal, as both standards want it; whole numbers without it."""
    cut = Decimal(value).quantize(Decimal("0.1"), ROUND_DOWN)
    return int(cut) if cut == cut.to_integral_value() else float(cut)


def problem(
    version: str,
    profile: dict,
    *,
    evse_number: int,
    has_session: bool = False,
    abilities: Abilities = Abilities(),
) -> str:
    """What the standard forbids about this profile at this place, in words; empty if nothing."""
    purpose, kind = neutral(profile["chargingProfilePurpose"]), profile["chargingProfileKind"]
    if purpose == EXTERNAL:
        return "External constraints come from others than the operator; a portal may not send them."
    if purpose not in PURPOSES[version]:
        return f"OCPP {version} has no profile for {purpose}."
    if purpose in (STATION_MAX, LOCAL) and evse_number:
        return "A limit of the whole station is sent to the station, not to one EVSE."
    if purpose == TX and not (evse_number and has_session):
        return "A TxProfile needs a running session."
    if purpose == STATION_MAX and kind == "Relative":
        return "A limit of the whole station can't be relative to a session's start."
    if abilities.max_stack_level is not None and profile["stackLevel"] > abilities.max_stack_level:
        return f"This charger takes stack levels up to {abilities.max_stack_level}."
    if kind == "Recurring" and "recurrencyKind" not in profile:
        return "A recurring profile says whether it recurs daily or weekly."
    return next(filter(None, (_schedule_problem(one, kind, abilities) for one in schedules(profile))), "")


def _schedule_problem(schedule: dict, kind: str, abilities: Abilities) -> str:
    periods = schedule["chargingSchedulePeriod"]
    starts = [period["startPeriod"] for period in periods]
    unit = schedule["chargingRateUnit"]
    if not starts or starts[0] != 0 or starts != sorted(set(starts)):
        return "A schedule's periods begin at 0 and follow one another."
    if abilities.max_periods is not None and len(periods) > abilities.max_periods:
        return f"This charger takes at most {abilities.max_periods} periods."
    if not abilities.takes(unit):
        return f"This charger doesn't take limits in {unit}."
    if kind in ("Absolute", "Recurring") and "startSchedule" not in schedule:
        return f"A profile of the kind {kind} says when its schedule starts."
    if kind in ("Relative", "Dynamic") and "startSchedule" in schedule:
        return f"A profile of the kind {kind} has no fixed start."
    if kind == "Dynamic" and len(periods) > 1:
        return "A dynamic profile has one period."
    return ""


def schedules(profile: dict) -> list[dict]:
    """1.6 has one schedule where 2.x has a list of them."""
    found = profile.get("chargingSchedule") or []
    return [found] if isinstance(found, dict) else found


def first_limit(profile: dict) -> tuple[float | None, str]:
    """(limit, unit) of the first period: what a list of profiles shows of each."""
    for schedule in schedules(profile):
        for period in schedule.get("chargingSchedulePeriod") or []:
            return period.get("limit"), schedule.get("chargingRateUnit", "")
    return None, ""


def phases(profile: dict) -> int:
    """Of the first period; three is what both standards assume."""
    periods = [period for one in schedules(profile) for period in one.get("chargingSchedulePeriod") or []]
    return (periods[0].get("numberPhases") if periods else None) or 3


def profile_number(profile: dict) -> int:
    return profile["chargingProfileId"] if "chargingProfileId" in profile else profile["id"]
