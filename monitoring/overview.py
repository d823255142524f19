"""One charger, as its page, its row and the pushes show it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Prefetch, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _

from monitoring import answers, charts, effects, faults, looks
from monitoring.models import Alert
from stations import availability, series
from stations.models import (
    Command,
    Evse,
    FirmwareUpdate,
    Hour,
    Message,
    Reading,
    Reservation,
    Session,
    State,
    Station,
)

#: A chart of a session that ran for days would be read for seconds.
CHART_HOURS = timedelta(hours=24)
YEAR = timedelta(days=365)


def stations() -> QuerySet[Station]:
    """Stations with all that a row, a header or the EVSE cells need, in a fixed number of queries."""
    return Station.objects.select_related("site__operator").prefetch_related(
        Prefetch(
            "evses",
            queryset=Evse.objects.order_by("number").prefetch_related("connectors", _kept(timezone.now())),
        ),
        Prefetch("sessions", queryset=Session.objects.open().select_related("evse"), to_attr="running"),
        Prefetch("alerts", queryset=Alert.objects.open(), to_attr="alerts_open"),
    )


def _kept(now: datetime) -> Prefetch:
    """For whom each EVSE is kept at this moment, with the way out that they were offered."""
    rows = Reservation.objects.filter(status__in=Reservation.KEEPING, starts_at__lte=now, ends_at__gt=now)
    rows = rows.select_related("booking").prefetch_related("booking__move_offers__evse")
    return Prefetch("reservations", queryset=rows.order_by("starts_at"), to_attr="kept_now")


def open_sessions(station: Station) -> list[Session]:
    return station.running


@dataclass(frozen=True)
class Row:
    """A charger in one line."""

    station: Station
    look: str
    word: str
    since: datetime | None
    sessions: list[Session]
    alerts: list[Alert]
    cells: list[dict]

    @property
    def whole(self) -> str:
        """What the station says of itself, where it is worth telling: not that all is well."""
        station = self.station
        if not station.is_online or (
            station.state in ("", State.AVAILABLE) and station.error_code in faults.FINE
        ):
            return ""
        words = [
            str(State(station.state).label) if station.state else "",
            station.error_code,
            station.vendor_error,
            station.error_info,
        ]
        return " · ".join(word for word in words if word)


def row(station: Station) -> Row:
    cells_ = cells(station)
    if not station.is_online:
        word = _("Offline") if station.disconnected_at or station.connected_at else _("Never connected")
        return Row(
            station,
            "offline",
            word,
            station.disconnected_at,
            open_sessions(station),
            station.alerts_open,
            cells_,
        )
    worst = min(cells_, key=lambda cell: looks.ORDER.index(cell["look"]), default=None)
    if worst is None:
        return Row(station, "unknown", _("Online"), station.connected_at, [], station.alerts_open, cells_)
    # One of its EVSEs charges: that says more than that another one is free.
    return Row(
        station,
        worst["look"],
        worst["word"],
        worst["evse"].state_since,
        open_sessions(station),
        station.alerts_open,
        cells_,
    )


def cells(station: Station) -> list[dict]:
    """Each EVSE: state, since when, what runs there, and what is wrong in plain words."""
    running = {session.evse_id: session for session in open_sessions(station)}
    return [
        {
            "evse": evse,
            **_look(evse),
            "kept": _kept_for(evse),
            "since": evse.state_since if station.is_online else station.disconnected_at,
            "session": running.get(evse.pk),
            "looks_open": station.is_online and evse.state in availability.TAKES_CARS,
            "fault": faults.explain(evse.state, evse.error_code, evse.vendor_error, evse.error_info)
            if station.is_online
            else None,
        }
        for evse in station.evses.all()
    ]


def _look(evse: Evse) -> dict:
    """Kept by the portal alone, a charger doesn't know that it isn't free."""
    if evse.station.is_online and evse.state == State.AVAILABLE and evse.kept_now:
        return {"look": "reserved", "word": str(looks.WORDS["reserved"])}
    return {"look": looks.look_of(evse), "word": looks.word_of(evse)}


def _kept_for(evse: Evse) -> dict | None:
    """Until when, by whom it is kept, and what comes of it where somebody is in the way."""
    if not evse.kept_now:
        return None
    row = evse.kept_now[0]
    booking = getattr(row, "booking", None)
    offers = [each for each in booking.move_offers.all() if each.state == "open"] if booking else []
    return {
        "reservation": row,
        "booking": booking,
        "by_charger": row.status == Reservation.Status.TOLD,
        "offer": offers[0] if offers else None,
    }


def last_session(station: Station) -> Session | None:
    """The one that runs, the newest if several do; else the last one there was."""
    running = sorted(open_sessions(station), key=lambda session: session.started_at)
    return running[-1] if running else station.sessions.order_by("-started_at").select_related("evse").first()


def meter_chart(station: Station, session: Session | None = None) -> dict | None:
    """The readings of the running or last session, as `_chart.html` wants them."""
    session = session or last_session(station)
    if session is None:
        return None
    drawn = session_chart(session)
    if drawn is None:
        return None
    words = {"Power": _("Power"), "Battery": _("Battery"), "Meter": _("Meter")}
    for one in drawn.series:
        one.label = words[one.label]
    rows = [
        [timezone.localtime(at).strftime("%H:%M:%S"), *("" if value is None else value for value in values)]
        for at, *values in zip(drawn.times, *(one.values for one in drawn.series), strict=True)
    ]
    caption = _("Running session on EVSE %s") if session.is_open else _("Last session, on EVSE %s")
    return {
        "id": f"meter-{station.pk}",
        "data_id": f"meter-{station.pk}-data",
        "caption": caption % session.evse.number,
        "data": drawn.data,
        "columns": [_("Time"), *(f"{one.label} ({one.unit})" for one in drawn.series)],
        "rows": rows[::-1],
    }


def session_chart(session: Session) -> charts.Chart | None:
    until = session.stopped_at or timezone.now()
    readings = (
        Reading.objects.filter(
            session_id=session.pk,
            at__gte=max(session.started_at, until - CHART_HOURS) - timedelta(minutes=1),
            measurand__in=charts.DRAWN,
            phase="",
            location__in=["Outlet", "EV", ""],
        )
        .order_by("at")
        .values_list("at", "measurand", "value")
    )
    return charts.chart(readings)


def year_chart(station: Station) -> dict | None:
    """A year of the charger, day by day, from the hours that workers keep; None where it never charged."""
    now = timezone.now()
    zone = station.site.zone
    hours = Hour.objects.filter(evse__station=station)
    since = now - YEAR
    if not hours.filter(starts_at__gte=since).exists():
        return None
    _step, buckets = series.buckets(hours, since=since, until=now, zone=zone, step="day")
    drawn = charts.year(buckets, _("Energy"), _("Highest power"))
    rows = [
        [
            bucket.starts_at.strftime("%Y-%m-%d"),
            f"{bucket.energy_wh / 1000:.2f}",
            "" if bucket.max_power_w is None else f"{bucket.max_power_w / 1000:.1f}",
            f"{bucket.busy_s / 3600:.1f}",
        ]
        for bucket in reversed(buckets)
        # The table is read, not looked at: days without a charge say nothing.
        if bucket.energy_wh or bucket.busy_s
    ]
    return {
        "id": f"year-{station.pk}",
        "data_id": f"year-{station.pk}-data",
        "caption": _("Energy a day over the last twelve months"),
        "data": drawn.data,
        "columns": [_("Day"), _("Energy (kWh)"), _("Highest power (kW)"), _("In use (h)")],
        "rows": rows,
    }


# --- commands ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Progress:
    """A command on its way: Sent → answer → observed effect."""

    command: Command
    steps: list[dict]
    is_over: bool

    @property
    def response_text(self) -> str:
        return json.dumps(self.command.response, indent=2, ensure_ascii=False)

    @property
    def payload_text(self) -> str:
        return json.dumps(self.command.payload, indent=2, ensure_ascii=False)


def progress(command: Command) -> Progress:
    effect = effects.observed(command.action, command.payload, facts(command)) if command.accepted else None
    sent = {"title": _("Sent"), "state": "done", "at": command.sent_at or command.created_at, "note": ""}
    answer = {"title": _("Answer"), "state": "todo", "at": command.answered_at, "note": ""}
    steps = [sent, answer]
    status = Command.Status
    if command.status == status.QUEUED:
        sent.update(title=_("Being sent"), state="now", at=command.created_at)
        if command.waits and not command.station.is_online:
            until = timezone.localtime(command.expires_at)
            sent.update(
                title=_("Waiting for the charger to connect"), note=_("Until %s") % f"{until:%Y-%m-%d %H:%M}"
            )
    elif command.status == status.SENT:
        answer.update(title=_("Waiting for the charger's answer"), state="now", at=None)
    elif command.status == status.ANSWERED:
        word = (command.response or {}).get("status", _("Done"))
        answer.update(
            title=_("The charger answered: %s") % word,
            state="done" if command.accepted else "failed",
            note=answers.words(command.action, command.response),
        )
    else:
        answer.update(
            title=command.get_status_display(),
            state="failed",
            note=" ".join(filter(None, [command.error_code, command.error_description])),
        )
        if command.sent_at is None:
            sent.update(title=_("Not sent"), state="failed")
    if effect is not None:
        steps.append(
            {
                "title": _(effect.words),
                "state": "failed" if effect.failed else "done" if effect.at else "now",
                "at": effect.at,
                "note": "",
            }
        )
    elif not command.is_final and effects.expected(command.action):
        steps.append({"title": _("Effect"), "state": "todo", "at": None, "note": ""})
    return Progress(command, steps, command.is_final and (effect is None or effect.is_over))


def facts(command: Command) -> effects.Facts:
    """What happened at the station after the command; only what its kind of effect needs is read."""
    after, station, payload = command.created_at, command.station, command.payload
    if command.action in effects.STARTS:
        begun = Session.objects.filter(station=station, start_received_at__gte=after)
        number = payload.get("connectorId") or payload.get("evseId")
        begun = begun.filter(evse__number=number) if number else begun
        return effects.Facts(
            started_at=begun.order_by("start_received_at")
            .values_list("start_received_at", flat=True)
            .first(),
            promised=timezone.now() - (command.answered_at or timezone.now()),
        )
    if command.action in effects.STOPS:
        ended = Session.objects.filter(station=station, transaction_id=str(payload.get("transactionId")))
        return effects.Facts(stopped_at=ended.values_list("stop_received_at", flat=True).first())
    if command.action == "Reset":
        booted = Station.objects.filter(pk=station.pk, booted_at__gt=after)
        return effects.Facts(booted_at=booted.values_list("booted_at", flat=True).first())
    if command.action == "ChangeAvailability":
        return _availability(command)
    if command.action in effects.TRIGGERS:
        asked = payload.get("requestedMessage", "")
        if asked == "CustomTrigger":
            # Nobody but its maker knows what comes; whatever comes next will be it.
            came = Message.objects.filter(station=station, from_station=True, kind="call", at__gte=after)
        else:
            came = Message.objects.filter(
                station=station,
                from_station=True,
                kind="call",
                action=effects.COMES_AS.get(asked, asked),
                at__gte=after,
            )
        return effects.Facts(triggered_at=came.order_by("at").values_list("at", flat=True).first())
    return effects.Facts()


def _availability(command: Command) -> effects.Facts:
    payload = command.payload
    number = payload.get("connectorId") or (payload.get("evse") or {}).get("id")
    evses = Evse.objects.filter(station=command.station, state_at__gte=command.created_at)
    counted = (evses.filter(number=number) if number else evses).aggregate(
        away=Count("pk", filter=Q(state=State.UNAVAILABLE)), all=Count("pk")
    )
    if not counted["all"]:
        return effects.Facts()
    newest = (
        evses.annotate(at=Greatest(F("state_since"), F("state_at")))
        .order_by("-at")
        .values_list("at", flat=True)
    )
    return effects.Facts(
        state="unavailable" if counted["away"] == counted["all"] else "available", state_since=newest[0]
    )


def firmware_updates(station: Station, most: int = 20) -> list[FirmwareUpdate]:
    """Its newest updates, with what it said on the way."""
    listed = station.firmware_updates.select_related("image", "created_by", "api_key")
    return list(listed.prefetch_related("steps", "tickets")[:most])
