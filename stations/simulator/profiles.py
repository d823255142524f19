"""Charging profiles: which limit holds when (OCPP smart charging), without any message format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .clock import parse_stamp

STATION_MAX = "StationMax"
TX_DEFAULT = "TxDefaultProfile"
TX = "TxProfile"

# The versions call the cap of a whole station differently.
PURPOSES = {
    "ChargePointMaxProfile": STATION_MAX,
    "ChargingStationMaxProfile": STATION_MAX,
    "ChargingStationExternalConstraints": STATION_MAX,
    "TxDefaultProfile": TX_DEFAULT,
    "TxProfile": TX,
}
RECURRENCE_S = {"Daily": 86_400, "Weekly": 7 * 86_400}


class UnusableProfile(ValueError):
    """This station cannot follow such a profile."""


@dataclass(frozen=True)
class Period:
    """From `start_s` after the schedule's start: at most `limit` (W or A per phase)."""

    start_s: float
    limit: float
    phases: int | None = None


@dataclass(frozen=True)
class Profile:
    """One profile on one EVSE (0 is the station)."""

    id: int
    evse: int
    stack_level: int
    purpose: str
    kind: str
    unit: str
    periods: tuple[Period, ...]
    start: datetime | None = None
    duration_s: float | None = None
    recurrence_s: int | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction: str | None = None
    # As it came, for those who ask what is installed.
    wire: dict = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def parse(cls, wire: dict, *, evse: int) -> Profile:
        """From a 1.6 or 2.x payload. Of several 2.x schedules the first is used, as one car picks one."""
        schedule = wire["chargingSchedule"]
        if isinstance(schedule, list):
            schedule = schedule[0]
        if wire["chargingProfilePurpose"] not in PURPOSES:
            raise UnusableProfile("This kind of profile is not supported.")
        periods = tuple(
            Period(period["startPeriod"], period["limit"], period.get("numberPhases"))
            for period in schedule["chargingSchedulePeriod"]
        )
        if not periods or periods[0].start_s != 0:
            raise UnusableProfile("A schedule's first period must start at 0.")
        recurrence_s = RECURRENCE_S.get(wire.get("recurrencyKind", ""))
        if wire["chargingProfileKind"] == "Recurring" and not (
            recurrence_s and schedule.get("startSchedule")
        ):
            raise UnusableProfile("A recurring profile needs its recurrency and a start.")
        transaction = wire.get("transactionId")
        return cls(
            id=wire["chargingProfileId"] if "chargingProfileId" in wire else wire["id"],
            evse=evse,
            stack_level=wire["stackLevel"],
            purpose=PURPOSES[wire["chargingProfilePurpose"]],
            kind=wire["chargingProfileKind"],
            unit=schedule["chargingRateUnit"],
            periods=periods,
            start=_moment(schedule.get("startSchedule")),
            duration_s=schedule.get("duration"),
            recurrence_s=recurrence_s if wire["chargingProfileKind"] == "Recurring" else None,
            valid_from=_moment(wire.get("validFrom")),
            valid_to=_moment(wire.get("validTo")),
            transaction=None if transaction is None else str(transaction),
            wire=dict(wire),
        )

    def limit_w(self, now: datetime, *, tx_started: datetime | None, voltage_v: float, phases: int):
        """Watts allowed at `now`; None where this profile says nothing."""
        elapsed_s = self._elapsed_s(now, tx_started)
        if elapsed_s is None:
            return None
        period = next(period for period in reversed(self.periods) if period.start_s <= elapsed_s)
        if self.unit == "W":
            return float(period.limit)
        return period.limit * voltage_v * min(period.phases or phases, phases)

    def edges(self, begin: datetime, end: datetime, *, tx_started: datetime | None) -> Iterable[datetime]:
        """Moments between `begin` and `end` at which this profile's limit may change."""
        origin = self._origin(tx_started) or begin
        repeat_s = self.recurrence_s
        turns = int((end - origin).total_seconds() // repeat_s) + 1 if repeat_s else 1
        first = max(0, int((begin - origin).total_seconds() // repeat_s)) if repeat_s else 0
        offsets_s = [period.start_s for period in self.periods]
        if self.duration_s is not None:
            offsets_s.append(self.duration_s)
        for turn in range(first, max(turns, first + 1)):
            for offset_s in offsets_s:
                yield origin + timedelta(seconds=turn * (repeat_s or 0) + offset_s)
        yield from (edge for edge in (self.valid_from, self.valid_to) if edge)

    def _origin(self, tx_started: datetime | None) -> datetime | None:
        if self.kind == "Relative" or self.start is None:
            return tx_started or self.valid_from
        return self.start

    def _elapsed_s(self, now: datetime, tx_started: datetime | None) -> float | None:
        if (self.valid_from and now < self.valid_from) or (self.valid_to and now >= self.valid_to):
            return None
        origin = self._origin(tx_started)
        elapsed_s = (now - origin).total_seconds() if origin else 0.0
        if elapsed_s < 0:
            return None
        if self.recurrence_s:
            elapsed_s %= self.recurrence_s
        if self.duration_s is not None and elapsed_s >= self.duration_s:
            return None
        return elapsed_s


class Profiles:
    """All profiles of a station."""

    def __init__(self) -> None:
        self._all: list[Profile] = []

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Profile]:
        return iter(list(self._all))

    def install(self, profile: Profile) -> None:
        """Replaces the profile with the same id, and one of the same purpose, level, EVSE and transaction."""

        def rivals(other: Profile) -> bool:
            same_place = (other.purpose, other.stack_level, other.evse, other.transaction) == (
                profile.purpose,
                profile.stack_level,
                profile.evse,
                profile.transaction,
            )
            return other.id == profile.id or same_place

        self._all = [other for other in self._all if not rivals(other)] + [profile]

    def clear(
        self,
        *,
        id: int | None = None,
        evse: int | None = None,
        purpose: str | None = None,
        stack_level: int | None = None,
    ) -> bool:
        """Remove what matches all that is given; False when nothing did."""

        def matches(profile: Profile) -> bool:
            return (
                (id is None or profile.id == id)
                and (evse is None or profile.evse == evse)
                and (purpose is None or profile.purpose == purpose)
                and (stack_level is None or profile.stack_level == stack_level)
            )

        kept = [profile for profile in self._all if not matches(profile)]
        found = len(kept) < len(self._all)
        self._all = kept
        return found

    def update(self, id: int, limit: float) -> bool:
        """Another limit for a dynamic profile (2.1); False when there is none of that number."""
        for index, profile in enumerate(self._all):
            if profile.id == id and profile.kind == "Dynamic":
                schedule = profile.wire["chargingSchedule"][0]
                period = schedule["chargingSchedulePeriod"][0] | {"limit": limit}
                wire = profile.wire | {"chargingSchedule": [schedule | {"chargingSchedulePeriod": [period]}]}
                self._all[index] = Profile.parse(wire, evse=profile.evse)
                return True
        return False

    def forget_transaction(self, evse: int) -> None:
        """A TxProfile lives no longer than its transaction."""
        self.clear(evse=evse, purpose=TX)

    def limit_w(
        self,
        evse: int,
        now: datetime,
        *,
        tx_started: datetime | None,
        voltage_v: float,
        phases: int,
        sharing: int = 1,
    ) -> float | None:
        """Watts allowed on `evse`; None when nothing limits. A station's cap is shared by `sharing` EVSEs."""

        def leading(purpose: str) -> float | None:
            candidates = [p for p in self._all if p.purpose == purpose and p.evse in (0, evse)]
            # A profile for the EVSE itself goes before the station's default of the same level.
            for profile in sorted(candidates, key=lambda p: (p.stack_level, p.evse != 0), reverse=True):
                limit_w = profile.limit_w(now, tx_started=tx_started, voltage_v=voltage_v, phases=phases)
                if limit_w is not None:
                    return limit_w
            return None

        cap_w = leading(STATION_MAX)
        own_w = leading(TX) if tx_started else None
        if own_w is None:
            own_w = leading(TX_DEFAULT)
        limits = [own_w, None if cap_w is None else cap_w / max(1, sharing)]
        return min((limit for limit in limits if limit is not None), default=None)

    def composite(
        self,
        evse: int,
        begin: datetime,
        duration_s: float,
        *,
        most_w: float,
        tx_started: datetime | None,
        voltage_v: float,
        phases: int,
    ) -> list[tuple[int, float]]:
        """(seconds from `begin`, watts) steps of what all profiles together allow."""
        end = begin + timedelta(seconds=duration_s)
        edges = {begin}
        for profile in self._all:
            if profile.evse in (0, evse):
                edges.update(profile.edges(begin, end, tx_started=tx_started))
        steps: list[tuple[int, float]] = []
        for edge in sorted(edge for edge in edges if begin <= edge < end):
            limit_w = self.limit_w(evse, edge, tx_started=tx_started, voltage_v=voltage_v, phases=phases)
            watts = most_w if limit_w is None else min(most_w, limit_w)
            if not steps or steps[-1][1] != watts:
                steps.append((round((edge - begin).total_seconds()), watts))
        return steps


def _moment(text: str | None) -> datetime | None:
    return parse_stamp(text) if text else None
