"""The cost of a charge on the charger's own display: while it runs, and at its end.

What it costs is reckoned by billing, which stands to the right of the stations: it calls `show_cost`, and
lends us its reckoning for the one moment at which a station waits for the answer (`register_pricer`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from stations import abilities, commands
from stations.display import spelling
from stations.display.spelling import Rates
from stations.models import Batch, Command, Message, Session, ShownCost, Station, TokenRules

log = logging.getLogger(__name__)

#: No display needs it more often, and each is a message to a charger.
EVERY = timedelta(minutes=1)
#: A final cost finds its way to a charger that is away for a moment, while the driver may still stand there.
KEEP = timedelta(minutes=10)

#: (total with tax, currency) of a session, or None where it isn't priced.
Pricer = Callable[[Session], tuple[Decimal, str] | None]
_pricers: list[Pricer] = []


def register_pricer(pricer: Pricer) -> None:
    _pricers[:] = [pricer]


def can_show(station: Station) -> bool:
    return abilities.of(station).cost and TokenRules.of(station.site.operator_id).show_cost


def showing(session_ids: Iterable) -> list[Session]:
    """Those open sessions whose charger shows costs and has not been given one in the last minute."""
    due = Q(shown_cost=None) | Q(shown_cost__at=None) | Q(shown_cost__at__lte=timezone.now() - EVERY)
    rows = Session.objects.open().filter(
        due, pk__in=list(session_ids), review="", station__connection__isnull=False
    )
    rows = rows.filter(station__abilities__known_at__isnull=False).with_place()
    unwilling = set(TokenRules.objects.filter(show_cost=False).values_list("operator", flat=True))
    return [
        row
        for row in rows.select_related("station__abilities")
        if row.station.site.operator_id not in unwilling
        and abilities.reading.able(row.station.ocpp_version, row.station.abilities.told).cost
    ]


@transaction.atomic
def show_cost(
    *,
    session: Session,
    total: Decimal,
    currency: str,
    final: bool = False,
    rates: Rates | None = None,
    words: str = "",
    link: str = "",
) -> Command | None:
    """Tell the charger what the session costs; at most once a minute, and only what is new to it."""
    station = Station.objects.select_related("site").get(pk=session.station_id)
    if not can_show(station) or not (final or station.is_online):
        return None
    now = timezone.now()
    ShownCost.objects.get_or_create(session=session)
    shown = ShownCost.objects.select_for_update().get(session=session)
    if shown.total == total and (shown.is_final or not final or station.ocpp_version != "1.6"):
        _remember(shown, total, currency, shown.at, final)
        return None
    if not final and (shown.is_final or (shown.at is not None and now - shown.at < EVERY)):
        return None
    version = station.ocpp_version or "1.6"
    if final:
        action, payload = spelling.final_cost(
            version, transaction_id=session.transaction_id, total=total, words=words, link=link
        )
    else:
        action, payload = spelling.running_cost(
            version,
            transaction_id=session.transaction_id,
            total=total,
            at=session.last_reading_at or now,
            meter_wh=(session.meter_start_wh or Decimal(0)) + session.energy_wh,
            is_idle=session.charging_state in ("SuspendedEV", "Idle"),
            rates=rates or Rates(),
        )
    _remember(shown, total, currency, now, final)
    return commands.send(
        station=station,
        action=action,
        payload=payload,
        reason="what it costs",
        keep_for=KEEP if final else None,
    )


def _remember(shown: ShownCost, total: Decimal, currency: str, at, final: bool) -> None:
    shown.total, shown.currency, shown.at = total, currency, at
    shown.is_final = shown.is_final or final
    shown.save()


def show_price(*, session: Session, words: str) -> Command | None:
    """Tell a 1.6 charger the price of this driver's charge in words; 2.x has it in its tariff."""
    station = Station.objects.select_related("site").get(pk=session.station_id)
    if station.ocpp_version != "1.6" or not station.is_online or not session.token or not can_show(station):
        return None
    action, payload = spelling.user_price(session.token, words)
    return commands.send(station=station, action=action, payload=payload, reason="what it costs")


def final_cost(session: Session) -> Decimal | None:
    """What the session that just ended costs, for the answer to its end; None where that isn't sure yet."""
    if not _pricers or session.review or session.is_open or not can_show(session.station):
        return None
    # Readings that no worker has seen yet may fall into another hour's price.
    waiting = Batch.objects.filter(done_at=None).values("pk")
    if Message.objects.filter(station=session.station_id, batch__in=waiting).exists():
        return None
    try:
        with transaction.atomic():
            priced = _pricers[0](session)
    except Exception:
        # Whatever goes wrong with the price, the stop is stored.
        log.exception("The cost of session %s could not be told to its charger", session.pk)
        return None
    if priced is None:
        return None
    total, currency = priced
    shown, _new = ShownCost.objects.get_or_create(session=session)
    _remember(shown, total, currency, timezone.now(), True)
    return total
