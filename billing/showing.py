"""What pages show of money and sessions, ready formatted: for whole pages and for live fragments alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from billing import price_words, prices, pricing
from billing.actions import watching
from billing.lines import from_json
from billing.models import Payment, Quote
from bookings.at_charger import last_of, stop_of
from bookings.stop_times import Why
from evportal.money import format_money, format_number, format_unit_price
from stations import signed_checks
from stations.models import Command, Reading, Reservation, Session, SignedCheck
from stations.models.station import State

STOPS = ("RemoteStopTransaction", "RequestStopTransaction")
POWER = "Power.Active.Import"
#: Points of the power curve: more than a phone's screen can show apart is weight for nothing.
POINTS = 120
#: Signed values that a receipt shows; its file has all of them.
SIGNED = 20
CURVE_WIDTH, CURVE_HEIGHT = 600, 160

#: EVSE states in the words of templates/_state.html.
CHIP = {
    State.AVAILABLE: "available",
    State.PREPARING: "preparing",
    State.CHARGING: "charging",
    State.SUSPENDED_EV: "attention",
    State.SUSPENDED_EVSE: "attention",
    State.FINISHING: "attention",
    State.OCCUPIED: "charging",
    State.RESERVED: "reserved",
    State.UNAVAILABLE: "offline",
    State.FAULTED: "faulted",
    "offline": "offline",
}


def locale() -> str:
    return get_language() or "en"


def signed(session: Session) -> dict | None:
    """A session's signed meter values, how they were judged, with which key; None where there are none."""
    check = SignedCheck.objects.filter(session=session).first()
    values = list(session.signed_values.order_by("at", "pk"))
    if check is None and not values:
        return None
    kind = (
        {"good": "success", "bad": "error", "inconsistent": "error"}.get(check.verdict, "warning")
        if check
        else ""
    )
    return {
        "check": check,
        "kind": kind,
        "values": [
            {"at": value.at, "context": value.context, "text": signed_checks.plain_text(value.data)}
            for value in values[:SIGNED]
        ],
        "key": signed_checks.public_key(session),
    }


def money(amount: Decimal, currency: str) -> str:
    return format_money(amount, currency, locale())


def evse_state(evse) -> dict:
    """Arguments of templates/_state.html."""
    shown = evse.shown_state
    if shown == State.AVAILABLE and Reservation.objects.keeping(evse, timezone.now()).exists():
        # Kept by the portal alone, a charger doesn't know that it isn't free.
        shown = State.RESERVED
    label = _("Offline") if shown == "offline" else State(shown).label
    return {"state": CHIP.get(shown, "unknown"), "label": label}


def kwh(wh: Decimal, places: str = "0.01") -> str:
    number = (Decimal(wh) / 1000).quantize(Decimal(places))
    return f"{number}".replace(".", ",") if locale().startswith("de") else f"{number}"


# Price lines


def price_table(lines: Iterable[pricing.Line], currency: str) -> list[dict]:
    """Rows of templates/_price_lines.html: the item, how much of it at what price, the amount with tax."""
    return [
        {"label": _label(line), "detail": _detail(line, currency), "amount": money(line.gross, currency)}
        for line in lines
        if line.gross or line.kind == "ENERGY"
    ]


def _label(line: pricing.Line) -> str:
    return price_words.of_lines(locale())(line.description)


def _detail(line: pricing.Line, currency: str) -> str:
    if not line.unit:
        return ""
    places = Decimal("0.01") if line.unit == "kWh" else Decimal("1")
    amount = format_number(line.quantity.quantize(places), locale())
    per = line.unit if line.per == 1 else f"{line.per} {line.unit}"
    return f"{amount} {line.unit} × {format_unit_price(line.unit_price, currency, locale())}/{per}"


def totals(net: Decimal, tax: Decimal, gross: Decimal, currency: str, label: str) -> list[dict]:
    return [
        {"label": _("Net"), "amount": money(net, currency)},
        {"label": _("VAT"), "amount": money(tax, currency)},
        {"label": label, "amount": money(gross, currency), "total": True},
    ]


def quote_lines(quote: Quote) -> list[dict]:
    return price_table(from_json(quote.lines), quote.currency)


# Sessions


@dataclass
class SessionFacts:
    """What the session page and its live fragment show."""

    state: dict
    figures: list[dict]
    at: datetime | None
    cost: str = ""
    idle: str = ""
    stop: dict | None = None
    stopping: bool = False
    stop_overdue: bool = False
    steps: list[dict] = field(default_factory=list)
    soc: str = ""
    soc_limit: int | None = None
    limits: list[dict] = field(default_factory=list)
    curve: dict | None = None


def session(row: Session) -> SessionFacts:
    # It formats with what is here.
    from billing import showing_limits

    priced = prices.running(row)
    cost = money(priced.gross, priced.currency) if priced else ""
    at = row.last_reading_at or row.started_at
    stop = _stop_command(row) if row.is_open else None
    now = timezone.now()
    return SessionFacts(
        state=_state(row),
        figures=_figures(row, cost, now),
        at=at,
        cost=cost,
        idle=_idle(row),
        stop=_stop_time(row, now),
        stopping=stop is not None,
        stop_overdue=stop is not None and (now - stop.created_at).total_seconds() > 30,
        steps=_steps(row),
        soc="" if row.soc_percent is None else f"{row.soc_percent:.0f}",
        soc_limit=watching.limits_of(row).soc_percent if row.is_open else None,
        limits=showing_limits.rows(row, now),
        curve=_curve(row),
    )


def _state(row: Session) -> dict:
    if not row.is_open:
        return {"state": "available", "label": _("Ended")}
    states = Session.ChargingState
    match row.charging_state:
        case states.SUSPENDED_EV | states.SUSPENDED_EVSE | states.IDLE:
            return {"state": "attention", "label": row.get_charging_state_display()}
        case states.EV_CONNECTED:
            return {"state": "preparing", "label": row.get_charging_state_display()}
    return {"state": "charging", "label": _("Charging")}


def _figures(row: Session, cost: str, now: datetime) -> list[dict]:
    elapsed = (row.stopped_at or now) - row.started_at
    seconds = max(0, int(elapsed.total_seconds()))
    clock = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    power = "–" if row.power_w is None else f"{row.power_w / 1000:.1f}"
    return [
        {"label": _("Energy"), "value": kwh(row.energy_wh), "unit": "kWh", "hero": True},
        {"label": _("Cost so far") if row.is_open else _("Cost"), "value": cost or "–"},
        {"label": _("Power"), "value": power, "unit": "kW"},
        {"label": _("Time"), "value": clock, "since": row.started_at if row.is_open else None},
    ]


def _idle(row: Session) -> str:
    """What idling will cost, said before the first cent of it."""
    version = prices.frozen_version(row)
    if version is None or not row.is_open or row.charging_state not in ("SuspendedEV", "Idle"):
        return ""
    lines = [
        line.text
        for line in prices.describe(version, locale(), prices.frozen_groups(row))
        if line.kind == "PARKING_TIME" and line.price
    ]
    return "; ".join(lines)


def _stop_time(row: Session, now: datetime) -> dict | None:
    """Until when it may charge, because of a booking: when, why, and what going on costs."""
    plan = stop_of(row, now) if row.is_open and not row.review else None
    if plan is None:
        return None
    booked = getattr(row, "booking", None)
    booked = last_of(booked) if booked is not None else None
    fee = booked.late_stop_fee if booked is not None and plan.why is Why.FEE else 0
    return {
        "at": plan.at,
        "why": plan.why.value,
        "is_over": now >= plan.at,
        "fee": money(fee, row.station.site.operator.currency) if fee else "",
        "is_once": booked is not None and booked.late_stop_fee_per == "once",
    }


def _stop_command(row: Session) -> Command | None:
    """A stop that the charger has not refused."""
    by_transaction = Q(payload__transactionId=row.transaction_id)
    if row.transaction_id.isdigit():
        by_transaction |= Q(payload__transactionId=int(row.transaction_id))
    commands = Command.objects.filter(by_transaction, station=row.station_id, action__in=STOPS)
    last = commands.order_by("-created_at").first()
    if last is None or (last.is_final and not last.accepted):
        return None
    return last


def _steps(row: Session) -> list[dict]:
    """The start in steps, until the first energy flows."""
    if not row.is_open or row.energy_wh:
        return []
    charging = row.charging_state == Session.ChargingState.CHARGING or bool(row.power_w)
    return [
        {"title": _("Charger accepted"), "state": "done", "at": row.start_received_at},
        {"title": _("Cable locked"), "state": "done", "at": row.started_at},
        {"title": _("Charging"), "state": "now" if not charging else "done"},
    ]


def _curve(row: Session) -> dict | None:
    """Arguments of templates/_spark.html: power over time, at most POINTS of it."""
    found = Reading.objects.filter(session=row, measurand=POWER, phase="", flag="").order_by("at")
    values = [(at, max(value, Decimal(0))) for at, value in found.values_list("at", "value")]
    if len(values) < 2:
        return None
    values = values[:: max(1, -(-len(values) // POINTS))]
    first, last = values[0][0], values[-1][0]
    span = max((last - first).total_seconds(), 1)
    top_kw = max(1, -(-int(max(value for _at, value in values)) // 1000))
    points = [
        (
            round((at - first).total_seconds() / span * CURVE_WIDTH, 1),
            round(CURVE_HEIGHT - float(value) / 1000 / top_kw * CURVE_HEIGHT, 1),
        )
        for at, value in values
    ]
    zone = row.station.site.zone
    return {
        "line": " ".join(f"{x:g},{y:g}" for x, y in points),
        "top": f"{top_kw} kW",
        "first": f"{first.astimezone(zone):%H:%M}",
        "last": f"{last.astimezone(zone):%H:%M}",
        "rows": [(f"{at.astimezone(zone):%H:%M:%S}", f"{value / 1000:.1f}") for at, value in values[::-1]],
    }


# Payments


def payment_words(payment: Payment) -> str:
    """A payment's state in a sentence for its driver."""
    amount = money(payment.amount, payment.currency)
    card = str(payment.card) if payment.card else _("your card")
    if payment.method == payment.Method.WALLET:
        card = _("your wallet")
    if payment.method == payment.Method.TERMINAL:
        taken = money(payment.amount_captured, payment.currency)
        return _("%(taken)s paid at the charger's terminal.") % {"taken": taken}
    State = Payment.State
    match payment.state:
        case State.HELD:
            return _("%(amount)s is held on %(card)s.") % {"amount": amount, "card": card}
        case State.CAPTURED:
            taken = money(payment.amount_captured, payment.currency)
            free = money(payment.amount - payment.amount_captured, payment.currency)
            words = _("%(taken)s charged to %(card)s.") % {"taken": taken, "card": card}
            if payment.amount > payment.amount_captured:
                words += " " + _("%(free)s of the hold is released.") % {"free": free}
            return words
        case State.RELEASED | State.RELEASING:
            return _("The hold of %(amount)s on %(card)s is released; nothing was charged.") % {
                "amount": amount,
                "card": card,
            }
        case State.FAILED:
            return payment.error_message or _("The hold was not placed; nothing was charged.")
    return _("The hold of %(amount)s is being confirmed with your bank.") % {"amount": amount}
