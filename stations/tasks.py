"""What workers do for chargers: ingest what they report, and finish what was left."""

import logging
import time
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db.models import F
from django.utils import timezone

from evportal.courtesy import Courtesy
from stations import (
    abilities,
    availability,
    bulk,
    closing,
    commands,
    customer_information,
    events,
    local_lists,
    logs,
    metering,
    monitors,
    partitions,
    rollup,
    signals,
    smart_charging,
)
from stations import ingest as ingesting
from stations.certificates import issuing, renewal
from stations.charging_profiles import answers as profile_answers
from stations.configuration import progress
from stations.firmware import campaigns, updates
from stations.importing import actions as importing
from stations.models import Batch, Command, Node, Session, Station
from stations.models.journal import NODE_SILENT

log = logging.getLogger(__name__)

#: A nudge is late after this; the sweep then ingests the batch itself.
LATE = timedelta(seconds=5)
MAX_ATTEMPTS = 50
#: A worker that is kept busy for so long lets go, so that its task is not taken for lost.
TURN_SECONDS = 30


@shared_task
def ingest(batch_id: str) -> None:
    """A batch waits: it, and whatever else does, is ingested until nothing waits or the turn is over."""
    until = time.monotonic() + TURN_SECONDS
    try:
        courtesy = Courtesy()
        while ingesting.ingest_waiting() and time.monotonic() < until:
            courtesy.pause()
    except Exception:
        # One of them can't be ingested; each by itself, so that the others are.
        log.exception("Batches can't be ingested together")
        _each(Batch.objects.filter(done_at=None, attempts=0))
    _reckon_stale()


def _each(batches) -> None:
    for batch_id in batches.order_by("received_at").values_list("pk", flat=True)[:500]:
        try:
            ingesting.ingest(batch_id)
        except Exception as error:
            log.exception("Batch %s can't be ingested", batch_id)
            Batch.objects.filter(pk=batch_id).update(error=str(error)[:500], attempts=F("attempts") + 1)


@shared_task
def sweep_journal() -> None:
    """Batches whose nudge was lost, or whose worker died."""
    _each(
        Batch.objects.filter(done_at=None, received_at__lt=timezone.now() - LATE, attempts__lt=MAX_ATTEMPTS)
    )
    _reckon_stale()


def _reckon_stale() -> None:
    for session_id in metering.stale(Session.objects.all()):
        try:
            metering.reckon_stale(session_id)
        except Exception:
            # It stays marked, and keeps no other from being reckoned.
            log.exception("Session %s can't be reckoned anew", session_id)


@shared_task
def expire_commands() -> None:
    """Calls that nobody will answer any more, because their process died or their time is over."""
    slack = timedelta(seconds=5)
    overdue = Command.objects.filter(
        status__in=[Command.Status.QUEUED, Command.Status.SENT], expires_at__lt=timezone.now() - slack
    )
    for command_id, status in overdue.values_list("pk", "status")[:500]:
        commands.finish(
            command_id,
            status=Command.Status.TIMED_OUT,
            error_description="It could not be sent in time."
            if status == Command.Status.QUEUED
            else "The charger did not answer in time.",
        )
    drop_dead_nodes()
    progress.end_silent(timezone.now())


def drop_dead_nodes() -> None:
    """A process that was killed never said that its chargers are gone."""
    now = timezone.now()
    alive = Node.objects.filter(seen_at__gte=now - NODE_SILENT).values_list("channel", flat=True)
    orphans = Station.objects.exclude(connection=None).exclude(node__in=list(alive)).select_related("site")
    for station in orphans:
        if Station.objects.filter(pk=station.pk, connection=station.connection).update(
            connection=None, node="", disconnected_at=now
        ):
            signals.stations_changed.send_robust(sender="stations", station_ids=[station.pk])
    Node.objects.filter(seen_at__lt=now - NODE_SILENT).delete()


@shared_task
def follow_availability() -> None:
    """Begin and end planned times out of service, and remind chargers that forgot."""
    availability.follow(timezone.now())


@shared_task
def tell_bulk(bulk_id: str) -> None:
    """One piece of a bulk command; the next piece is a task of its own, so that others get their turn."""
    if bulk.tell_some(bulk_id):
        tell_bulk.delay(bulk_id)


@shared_task
def sweep_bulk() -> None:
    """Bulk commands whose task was lost, or whose worker died."""
    for bulk_id in bulk.left_behind(timezone.now()):
        tell_bulk(str(bulk_id))


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
def tend_limits() -> None:
    """Limits whose time is over or that were refused; stations that haven't said what they can do."""
    now = timezone.now()
    profile_answers.end_due(now)
    profile_answers.read_back_due(now)
    profile_answers.retry_due(now)
    smart_charging.ask_due(now)
    monitors.push_due(now)


@shared_task
def sign_certificates() -> None:
    """Stations were told at once that they will get one; an authority may take its time."""
    now = timezone.now()
    issuing.sign_due(now)
    issuing.settle(now)


@shared_task
def renew_certificates() -> None:
    renewal.renew_due(timezone.now())


@shared_task
def ask_abilities() -> None:
    """Stations that came (back) and have not said what they can do."""
    abilities.ask_due(timezone.now())


@shared_task
def keep_local_lists() -> None:
    """Stations whose local list is not what it should be: changed tokens, refusals, a list that waited."""
    local_lists.keep_up(timezone.now())


@shared_task
def keep_partitions() -> None:
    now = timezone.now()
    partitions.make_ahead(now)
    dropped = partitions.drop_old(
        now, keep_days=settings.JOURNAL_KEEP_DAYS, keep_months=settings.READINGS_KEEP_MONTHS
    )
    if dropped:
        log.info("Dropped %s, whose time of keeping is over", ", ".join(dropped))


@shared_task
def drive_firmware() -> None:
    """Updates that ended in silence, and the next step of every campaign."""
    now = timezone.now()
    updates.expire(now)
    updates.ask_silent(now)
    campaigns.drive(now)
    logs.expire(now)


@shared_task
def purge_files() -> None:
    """Logs, what was told about customers, and events are kept for a time only."""
    now = timezone.now()
    count = logs.purge(now) + customer_information.purge(now) + events.purge(now)
    count += importing.purge(now)
    if count:
        log.info("Deleted %s files, answers and events, whose time of keeping is over", count)
