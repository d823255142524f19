"""What sessions brought in, for reports: net of invoices less credit notes, by the hour the session began."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Case, F, Sum, Value, When
from django.db.models.functions import TruncHour

from billing.models import Invoice

_SIGNED = F("net") * Case(When(kind=Invoice.Kind.CREDIT_NOTE, then=Value(-1)), default=Value(1))


@dataclass(frozen=True)
class Taking:
    evse_id: int
    starts_at: datetime
    currency: str
    net: Decimal


def hours_since(at: datetime) -> set[tuple[int, datetime]]:
    """(EVSE's id, hour) of the sessions about which a document was issued since then."""
    rows = Invoice.objects.filter(issued_at__gte=at, cdr__isnull=False).annotate(
        hour=TruncHour("cdr__session__started_at")
    )
    return set(rows.order_by().values_list("cdr__session__evse", "hour").distinct())


def by_hour(hours: Iterable[tuple[int, datetime]], since: datetime, until: datetime) -> list[Taking]:
    """Of these hours, all of which lie in the stretch."""
    wanted = set(hours)
    rows = (
        Invoice.objects.filter(
            cdr__session__evse__in={evse_id for evse_id, _at in wanted},
            cdr__session__started_at__gte=since,
            cdr__session__started_at__lt=until,
        )
        .annotate(hour=TruncHour("cdr__session__started_at"))
        .order_by()
        .values_list("cdr__session__evse", "hour", "currency")
        .annotate(total=Sum(_SIGNED))
    )
    return [Taking(*row) for row in rows if (row[0], row[1]) in wanted]
