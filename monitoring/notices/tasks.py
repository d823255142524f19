"""Deliveries by workers, and the sweep that finds what was left."""

from celery import shared_task
from django.utils import timezone

from monitoring.notices import delivering, telling


@shared_task
def deliver(pk: int) -> None:
    delivering.deliver(pk=pk)


@shared_task
def look_round() -> None:
    now = timezone.now()
    telling.escalate(now=now)
    delivering.sweep(now=now)
