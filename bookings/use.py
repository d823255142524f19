"""How bookings were used, for reports: by site, of the slots that began in a stretch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q, Sum
from django.db.models.functions import Coalesce, Least
from django.utils import timezone

from bookings.models import Booking, Refusal

Status = Booking.Status


@dataclass(frozen=True)
class Use:
    """Counts of confirmed bookings that are over, whatever became of them; hours, and hours of lead time."""

    booked: int = 0
    used: int = 0
    no_shows: int = 0
    cancelled: int = 0
    failed: int = 0
    booked_h: float = 0.0
    used_h: float = 0.0
    lead_h: float | None = None
    #: Wishes for slots that were taken.
    refused: int = 0


def by_site(site_ids: Iterable[int], since: datetime, until: datetime) -> dict[int, Use]:
    """Used hours are those of the session within the slot."""
    slot = ExpressionWrapper(F("ends_at") - F("starts_at"), output_field=DurationField())
    lead = ExpressionWrapper(F("starts_at") - F("created_at"), output_field=DurationField())
    end = Least(F("ends_at"), Coalesce(F("session__stopped_at"), timezone.now()))
    within = ExpressionWrapper(end - F("starts_at"), output_field=DurationField())
    rows = (
        Booking.objects.filter(
            evse__station__site__in=set(site_ids),
            starts_at__gte=since,
            starts_at__lt=until,
            confirmed_at__isnull=False,
        )
        .order_by()
        .values_list("evse__station__site")
        .annotate(
            booked=Count("pk"),
            used=Count("pk", filter=Q(status=Status.FULFILLED)),
            no_shows=Count("pk", filter=Q(status=Status.NO_SHOW)),
            cancelled=Count("pk", filter=Q(status=Status.CANCELED)),
            failed=Count("pk", filter=Q(status=Status.FAILED)),
            booked_time=Sum(slot, filter=~Q(status__in=[Status.CANCELED, Status.FAILED])),
            used_time=Sum(within, filter=Q(status=Status.FULFILLED, session__isnull=False)),
            lead=Avg(lead),
        )
    )
    refused = dict(
        Refusal.objects.filter(
            evse__station__site__in=set(site_ids), starts_at__gte=since, starts_at__lt=until
        )
        .order_by()
        .values_list("evse__station__site")
        .annotate(Count("pk"))
    )
    found = {
        site_id: Use(
            booked,
            used,
            no_shows,
            cancelled,
            failed,
            _hours(slots),
            _hours(taken),
            _hours(lead) if lead else None,
        )
        for site_id, booked, used, no_shows, cancelled, failed, slots, taken, lead in rows
    }
    nothing = Use()
    return {
        site_id: replace(found.get(site_id, nothing), refused=refused.get(site_id, 0))
        for site_id in {*found, *refused}
    }


def _hours(length) -> float:
    return max(0.0, length.total_seconds() / 3600) if length else 0.0
