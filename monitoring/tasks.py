"""What workers do for monitoring: the trailing pushes, and looking for what went wrong."""

from celery import shared_task
from django.utils import timezone

from monitoring import live, watchman


@shared_task
def push_later(kind: str, pk) -> None:
    """The push that was put off because one had just gone out."""
    live.push_late(kind, pk)


@shared_task
def check_alerts() -> None:
    watchman.check(now=timezone.now())
