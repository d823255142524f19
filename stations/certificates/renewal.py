"""Stations are asked for a new certificate before theirs expires, and the operator is told."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from stations import events
from stations.certificates import issuing
from stations.models import Certificate, Event

AGAIN_AFTER = timedelta(days=1)
#: From then on it is urgent: an alert, not a line in the log.
URGENT = timedelta(days=7)


def renew_due(now: datetime) -> int:
    """Once a day for each station and use whose newest certificate runs out; returns how many were asked."""
    return sum(_renew(pk, now) for pk in _due(now))


def _due(now: datetime) -> list[int]:
    # Only the newest counts: the older ones are allowed to run out.
    held = Certificate.objects.filter(status=Certificate.Status.INSTALLED, revoked_at=None)
    successors = held.filter(
        station=OuterRef("station"), use=OuterRef("use"), not_after__gt=OuterRef("not_after")
    )
    soon = now + timedelta(days=settings.OCPP_CERTIFICATE_RENEW_DAYS)
    due = held.filter(~Exists(successors), not_after__lte=soon)
    return list(due.filter(_not_asked_since(now)).values_list("pk", flat=True))


def _not_asked_since(now: datetime) -> Q:
    return Q(renewal_asked_at=None) | Q(renewal_asked_at__lte=now - AGAIN_AFTER)


@transaction.atomic
def _renew(pk: int, now: datetime) -> bool:
    won = Certificate.objects.filter(_not_asked_since(now), pk=pk).update(renewal_asked_at=now)
    if not won:
        return False
    row = Certificate.objects.select_related("station").get(pk=pk)
    left = row.not_after - now
    events.record(
        [
            Event(
                station=row.station,
                kind=Event.Kind.CERTIFICATE,
                code="CertificateExpiring" if left > timedelta(0) else "CertificateExpired",
                severity=4 if left <= URGENT else 6,
                at=now,
                received_at=now,
                text=f"Valid until {row.not_after:%Y-%m-%d}.",
                component=row.use,
                value=row.serial_number,
            )
        ]
    )
    issuing.ask(station=row.station, use=row.use, reason="certificate expires", keep_for=AGAIN_AFTER)
    return True
