"""What workers do for the ledger: follow the news, and look at everything now and then."""

from celery import shared_task
from django.utils import timezone

from monitoring.uptime import ledger


@shared_task
def follow(station_ids: list[int]) -> None:
    """Something happened at these stations; what a lost message kept back, the next round finds."""
    ledger.follow(now=timezone.now(), station_ids=station_ids)


@shared_task
def look_round() -> None:
    now = timezone.now()
    ledger.watch(now=now)
    ledger.follow(now=now)
