"""What a 2.x station answers about profiles it holds and variables it watches."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from .clock import stamp
from .profiles import Profile
from .transport import Answer

if TYPE_CHECKING:
    from .charger import SimulatedCharger

# Entries per report: few, to make a portal put several parts together.
REPORT_LINES = 5


class EnergyAnswers:
    """One method per action, as in `answers201`."""

    def __init__(self, charger: SimulatedCharger) -> None:
        self._charger = charger

    def table(self) -> dict[str, Callable[[dict], Awaitable[dict | Answer]]]:
        known = {
            "ClearVariableMonitoring": self.clear_variable_monitoring,
            "GetChargingProfiles": self.get_charging_profiles,
            "GetMonitoringReport": self.get_monitoring_report,
            "SetMonitoringBase": self.set_monitoring_base,
            "SetMonitoringLevel": self.set_monitoring_level,
            "SetVariableMonitoring": self.set_variable_monitoring,
        }
        if self._charger.version == "2.1":
            known["UpdateDynamicSchedule"] = self.update_dynamic_schedule
        return known

    async def update_dynamic_schedule(self, payload: dict) -> dict | Answer:
        limit = payload["scheduleUpdate"].get("limit")
        for point in self._charger.points:
            # What has flowed so far flowed under the old limit.
            point.evse.advance()
        if limit is None or not self._charger.profiles.update(payload["chargingProfileId"], limit):
            return {"status": "Rejected"}
        return Answer({"status": "Accepted"}, self._charger.look)

    async def get_charging_profiles(self, payload: dict) -> dict | Answer:
        criteria = payload["chargingProfile"]
        found = [
            profile
            for profile in self._charger.profiles
            if payload.get("evseId") in (None, profile.evse) and _matches(profile, criteria)
        ]
        if not found:
            return {"status": "NoProfiles"}
        return Answer(
            {"status": "Accepted"},
            lambda: self._charger.spawn(self._report_profiles(payload["requestId"], found)),
        )

    async def _report_profiles(self, request_id: int, found: list[Profile]) -> None:
        """One message for each EVSE, as the standard wants them apart."""
        places = sorted({profile.evse for profile in found})
        for place in places:
            await self._charger.link.call(
                "ReportChargingProfiles",
                {
                    "requestId": request_id,
                    "chargingLimitSource": "CSO",
                    "tbc": place != places[-1],
                    "evseId": place,
                    "chargingProfile": [one.wire for one in found if one.evse == place],
                },
            )

    async def set_variable_monitoring(self, payload: dict) -> dict:
        monitors = self._charger.monitors
        return {"setMonitoringResult": [monitors.set(wish) for wish in payload["setMonitoringData"]]}

    async def clear_variable_monitoring(self, payload: dict) -> dict:
        return {"clearMonitoringResult": [self._charger.monitors.clear(number) for number in payload["id"]]}

    async def set_monitoring_base(self, payload: dict) -> dict:
        if payload["monitoringBase"] != "All":
            # Nothing is built in or preconfigured here, so nothing is left.
            self._charger.monitors.clear_all()
        return {"status": "Accepted"}

    async def set_monitoring_level(self, payload: dict) -> dict:
        if not 0 <= payload["severity"] <= 9:
            return {"status": "Rejected"}
        self._charger.monitors.level = payload["severity"]
        return {"status": "Accepted"}

    async def get_monitoring_report(self, payload: dict) -> dict | Answer:
        found = self._charger.monitors.listed(
            payload.get("monitoringCriteria", []), payload.get("componentVariable", [])
        )
        if not found:
            return {"status": "EmptyResultSet"}
        lines = [
            {"component": one.component, "variable": one.variable, "variableMonitoring": [one.report()]}
            for one in found
        ]
        return Answer(
            {"status": "Accepted"},
            lambda: self._charger.spawn(self._report_monitors(payload["requestId"], lines)),
        )

    async def _report_monitors(self, request_id: int, lines: list[dict]) -> None:
        parts = [lines[i : i + REPORT_LINES] for i in range(0, len(lines), REPORT_LINES)]
        for number, part in enumerate(parts):
            await self._charger.link.call(
                "NotifyMonitoringReport",
                {
                    "requestId": request_id,
                    "generatedAt": stamp(self._charger.now()),
                    "seqNo": number,
                    "tbc": number < len(parts) - 1,
                    "monitor": part,
                },
            )


def _matches(profile: Profile, criteria: dict) -> bool:
    return (
        criteria.get("chargingProfilePurpose") in (None, profile.wire["chargingProfilePurpose"])
        and criteria.get("stackLevel") in (None, profile.stack_level)
        and profile.id in criteria.get("chargingProfileId", [profile.id])
        and "CSO" in criteria.get("chargingLimitSource", ["CSO"])
    )
