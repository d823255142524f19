"""Faults in the log of events: one line when a state's error comes, one when it is over."""

from __future__ import annotations

from collections.abc import Iterable

from stations import events
from stations.models import Event, Evse, State, Station

#: OCPP 1.6 codes after which nobody should charge there; the others leave the EVSE usable.
GRAVE = frozenset(
    ["GroundFailure", "HighTemperature", "OverCurrentFailure", "PowerMeterFailure", "PowerSwitchFailure"]
)


def severity(state: str, code: str) -> int:
    """2.x's scale: 1.6 has none. A fault is a system failure, a grave one of the hardware's."""
    if state == State.FAULTED:
        return 1 if code in GRAVE else 2
    return 3 if code in GRAVE else 4


def note(evses: Iterable[Evse], stations: Iterable[Station] = ()) -> None:
    """`evses` and `stations` are those whose state or error has just changed."""
    places = [*((evse.station, evse) for evse in evses), *((station, None) for station in stations)]
    if not places:
        return
    last = _last(places)
    found = []
    for station, evse in places:
        place = evse or station
        code = place.error_code or (str(State.FAULTED) if place.state == State.FAULTED else "")
        known = last.get((station.pk, evse.pk if evse else None))
        was = "" if known is None or known.is_cleared else known.code
        if code == was:
            continue
        at = place.state_at
        common = {"station": station, "evse": evse, "kind": Event.Kind.FAULT, "at": at, "received_at": at}
        # Told first that, then why: the second line says more about the same fault.
        if was and not (was == State.FAULTED and code):
            found.append(Event(**common, code=was, severity=8, is_cleared=True))
        if code:
            text = " · ".join(filter(None, [place.vendor_error, place.error_info]))
            found.append(Event(**common, code=code, severity=severity(place.state, code), text=text))
    events.record(found)


def _last(places) -> dict[tuple[int, int | None], Event]:
    """Each place's newest line about a fault."""
    rows = (
        Event.objects.filter(station__in={station.pk for station, _evse in places}, kind=Event.Kind.FAULT)
        .order_by("station_id", "evse_id", "-received_at", "-pk")
        .distinct("station_id", "evse_id")
    )
    return {(row.station_id, row.evse_id): row for row in rows}
