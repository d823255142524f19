"""What workers do for load management: plan a site, and look for those that nobody has planned lately."""

from celery import shared_task
from django.utils import timezone

from monitoring import live
from monitoring.load import news, planning


@shared_task
def replan(site_id: int, cause: str = "") -> None:
    news.begun(site_id)
    if planning.plan(site_id=site_id, now=timezone.now(), cause=cause) is not None:
        live.push_load(site_id)


@shared_task
def look_round() -> None:
    now = timezone.now()
    for site_id in news.due(now):
        news.soon(site_id, "round")
    news.tidy(now)
