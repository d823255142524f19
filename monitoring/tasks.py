"""What workers do for monitoring: the trailing pushes, and looking for what went wrong."""

from celery import shared_task
from django.utils import timezone

from monitoring import live, watchman

# Topics with tasks of their own, where Celery looks for them.
from monitoring.load import tasks as load_tasks  # noqa: F401
from monitoring.notices import tasks as notices_tasks  # noqa: F401
from monitoring.patterns import tasks as patterns_tasks  # noqa: F401
from monitoring.uptime import tasks as uptime_tasks  # noqa: F401


@shared_task
def push_later(kind: str, pk) -> None:
    """The push that was put off because one had just gone out."""
    live.push_late(kind, pk)


@shared_task
def check_alerts() -> None:
    watchman.check(now=timezone.now())
