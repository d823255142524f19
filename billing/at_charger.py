"""What a charger's own display is told of money: the price, the running cost, the final one, the tariff."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.urls import reverse

from billing import prices
from billing.limits import transaction_limit
from billing.models import Cdr, ChargeLimit, Start, TariffVersion
from billing.pricing.ocpp import station_tariff
from evportal.money import format_money, round_money
from stations import abilities, display
from stations.display.spelling import Rates
from stations.models import Evse, Session


def price_of(session: Session) -> tuple[Decimal, str] | None:
    """The cost as far as it is known: what stations ask for when a session ends."""
    if Cdr.objects.filter(session=session).exclude(review="").exists():
        return None
    priced = prices.running(session)
    return None if priced is None else (priced.gross, priced.currency)


def limit_to_tell(session: Session) -> tuple[dict | None, bool]:
    """What a 2.1 station has to hear of the driver's limit now, and whether there is one.

    The first answer goes out before a worker has tied the start to its session.
    """
    rows = ChargeLimit.objects.select_for_update(of=("self",))
    row = rows.filter(session=session).first()
    if row is None and session.user_id is not None:
        row = rows.filter(
            session=None,
            start__user=session.user_id,
            start__evse=session.evse_id,
            start__state__in=Start.OPEN,
        ).first()
    if row is None:
        return None, False
    wanted = transaction_limit(row.limits, row.told, knows_tariff=abilities.of(session.station).tariffs)
    if wanted == row.told:
        return None, True
    row.told = wanted
    row.save(update_fields=["told"])
    return wanted, True


def tell_price(session: Session) -> None:
    version = prices.frozen_version(session)
    if version is not None:
        groups = prices.frozen_groups(session)
        language = session.user.language if session.user is not None else "en"
        words = "; ".join(line.text for line in prices.describe(version, language, groups))
        display.show_price(session=session, words=words or "Charging here is free.")


def tell_running(session_ids: Iterable) -> None:
    """New readings: what the sessions cost now, for those chargers that show it."""
    for session in display.showing(session_ids):
        priced = prices.running(session)
        version = prices.frozen_version(session)
        if priced is not None and version is not None:
            rates = _rates(version, prices.frozen_groups(session))
            display.show_cost(session=session, total=priced.gross, currency=priced.currency, rates=rates)


def tell_final(session: Session) -> None:
    """The bill is reckoned: its total, and where its receipt is."""
    cdr = Cdr.objects.filter(session=session).first()
    if (
        cdr is None
        or session.is_open
        or cdr.version is None
        or cdr.state in (Cdr.State.OPEN, Cdr.State.REVIEW)
    ):
        return
    link = f"{settings.PUBLIC_URL}{reverse('billing:receipt', args=[session.link])}"
    total = round_money(cdr.gross, cdr.currency)
    display.show_cost(
        session=session,
        total=total,
        currency=cdr.currency,
        final=True,
        words=f"{format_money(total, cdr.currency, 'en')}, {session.energy_kwh:.2f} kWh",
        link=link,
    )


def _rates(version: TariffVersion, groups: tuple[str, ...]) -> Rates:
    """The first price of each kind, as a display shows one of each."""
    found: dict[str, Decimal] = {}
    for line in prices.describe(version, "en", groups):
        if line.price is not None:
            per_hour = line.price * 60 if line.unit == "minute" else line.price
            found.setdefault(line.kind, per_hour)
    grace = prices.tariff(version, groups).own.idle_grace_minutes
    return Rates(
        kwh=found.get("ENERGY"),
        hour=found.get("TIME"),
        flat=found.get("FLAT"),
        idle_hour=found.get("PARKING_TIME"),
        idle_grace_minutes=grace if "PARKING_TIME" in found else None,
    )


def tell_tariffs(now: datetime) -> int:
    """Give 2.1 stations that reckon themselves the tariff that holds now, where they have another."""
    evses = Evse.objects.with_station().filter(
        station__ocpp_version="2.1",
        station__connection__isnull=False,
        station__abilities__known_at__isnull=False,
    )
    able: dict[int, bool] = {}
    rows = [
        evse
        for evse in evses.select_related("station_tariff")
        if able.setdefault(evse.station_id, abilities.of(evse.station).tariffs)
    ]
    prices.attach(rows)
    count = 0
    for evse in rows:
        version = prices.version_for(evse, now)
        if version is None:
            continue
        known = getattr(evse, "station_tariff", None)
        name = f"{version.tariff_id}-{version.number}"
        if known is not None and known.tariff_id == name:
            continue
        document, left_out = station_tariff(prices.tariff(version), name)
        display.set_tariff(evse=evse, document=document, left_out=left_out)
        count += 1
    return count
