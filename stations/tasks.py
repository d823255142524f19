"""What workers do for chargers: ingest what they report, and finish what was left."""

import logging
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db.models import F
from django.utils import timezone

from stations import closing, commands, partitions, rollup, signals
from stations import ingest as ingesting
from stations.models import Batch, Command, Node, Station
from stations.models.journal import NODE_SILENT

log = logging.getLogger(__name__)

#: A nudge is late after this; the sweep then ingests the batch itself.
LATE = timedelta(seconds=5)
MAX_ATTEMPTS = 50


@shared_task
def ingest(batch_id: str) -> None:
    _ingest(batch_id)


def _ingest(batch_id) -> bool:
    try:
        return ingesting.ingest(batch_id)
    except Exception as error:
        log.exception("Batch %s can't be ingested", batch_id)
        Batch.objects.filter(pk=batch_id).update(error=str(error)[:500], attempts=F("attempts") + 1)
        return False


@shared_task
def sweep_journal() -> None:
    """Batches whose nudge was lost, or whose worker died."""
    late = Batch.objects.filter(
        done_at=None, received_at__lt=timezone.now() - LATE, attempts__lt=MAX_ATTEMPTS
    ).order_by("received_at")
    for batch_id in late.values_list("pk", flat=True)[:500]:
        _ingest(batch_id)


@shared_task
def expire_commands() -> None:
    """Calls that nobody will answer any more, because their process died or their time is over."""
    slack = timedelta(seconds=5)
    overdue = Command.objects.filter(
        status__in=[Command.Status.QUEUED, Command.Status.SENT], expires_at__lt=timezone.now() - slack
    )
    for command_id in overdue.values_list("pk", flat=True)[:500]:
        commands.finish(
            command_id,
            status=Command.Status.TIMED_OUT,
            error_description="The charger did not answer in time.",
        )
    drop_dead_nodes()


def drop_dead_nodes() -> None:
    """A process that was killed never said that its chargers are gone."""
    now = timezone.now()
    alive = Node.objects.filter(seen_at__gte=now - NODE_SILENT).values_list("channel", flat=True)
    orphans = Station.objects.exclude(connection=None).exclude(node__in=list(alive)).select_related("site")
    for station in orphans:
        if Station.objects.filter(pk=station.pk, connection=station.connection).update(
            connection=None, node="", disconnected_at=now
        ):
            station.connection, station.disconnected_at = None, now
            signals.station_changed.send_robust(sender="stations", station=station)
    Node.objects.filter(seen_at__lt=now - NODE_SILENT).delete()


@shared_task
def close_lost_sessions() -> None:
    """Sessions whose stop never came."""
    closing.close_lost(timezone.now())


@shared_task
def roll_up() -> None:
    """The hours about which something was reported."""
    while rollup.roll_up() == rollup.BATCH:
        pass


@shared_task
def keep_partitions() -> None:
    now = timezone.now()
    partitions.make_ahead(now)
    dropped = partitions.drop_old(
        now, keep_days=settings.JOURNAL_KEEP_DAYS, keep_months=settings.READINGS_KEEP_MONTHS
    )
    if dropped:
        log.info("Dropped %s, whose time of keeping is over", ", ".join(dropped))
