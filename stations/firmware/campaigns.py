"""Campaigns: one image for many stations, in waves. All that is known of one lies in its rows.

`drive` is called by the clock, on any worker, as often as it likes: it locks a campaign, looks at its rows
and takes the next step. A worker that dies in the middle leaves no half step.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.utils import timezone

from evportal.accounts.access import Access
from evportal.accounts.models import ApiKey, User
from stations.exceptions import Refused
from stations.firmware import states, updates, waves
from stations.firmware.states import UpdateState
from stations.models import Campaign, CampaignStation, FirmwareImage, FirmwareUpdate, Session, Site, Station

log = logging.getLogger(__name__)
State, Row = Campaign.State, CampaignStation.State


def stations_for(
    *,
    image: FirmwareImage,
    access: Access | None = None,
    sites: Iterable[Site] = (),
    model: str = "",
    version: str = "",
) -> list[Station]:
    """Whom a campaign would reach: the image's maker and model, at these sites, running this version.

    Stations that run the image's version already need nothing.
    """
    found = Station.objects.filter(site__operator=image.operator_id, vendor__iexact=image.vendor)
    if access is not None:
        found = found.visible_to(access, "manage_stations")
    if sites:
        found = found.filter(site__in=sites)
    if model:
        found = found.filter(model__iexact=model)
    if version:
        found = found.filter(firmware__iexact=version)
    found = found.exclude(firmware__iexact=image.version).select_related("site")
    return [station for station in found if image.fits(station)]


@transaction.atomic
def create(
    *,
    image: FirmwareImage,
    stations: list[Station],
    name: str,
    starts_at: datetime | None = None,
    by: User | ApiKey | None = None,
    **settings,
) -> Campaign:
    """A campaign for exactly these stations. Raises `Refused`."""
    if image.is_retired:
        raise Refused("This firmware is not offered any more.")
    if not stations:
        raise Refused("No charger fits: there is nothing to update.")
    strangers = [each for each in stations if each.site.operator_id != image.operator_id]
    if strangers:
        raise Refused("This firmware is not offered for all of these chargers.")
    campaign = Campaign.objects.create(
        operator_id=image.operator_id,
        image=image,
        name=name.strip() or f"{image.vendor} {image.version}",
        starts_at=starts_at or timezone.now(),
        created_by=by if isinstance(by, User) else None,
        api_key=by if isinstance(by, ApiKey) else None,
        **settings,
    )
    CampaignStation.objects.bulk_create(
        CampaignStation(campaign=campaign, station=station) for station in stations
    )
    return campaign


# --- what people do with it ----------------------------------------------------------------------


def pause(*, campaign: Campaign) -> None:
    """Begin nothing more; what is under way goes on, because nobody can call it back."""
    won = Campaign.objects.filter(pk=campaign.pk, state__in=[State.SCHEDULED, State.RUNNING])
    if not won.update(state=State.PAUSED):
        raise Refused("Only a campaign that waits or runs can be paused.")


@transaction.atomic
def resume(*, campaign: Campaign) -> None:
    """Go on: after a pause, or although too many had failed; then those are counted no more."""
    failed = campaign.rows.filter(state=Row.FAILED).count()
    mine = Campaign.objects.filter(pk=campaign.pk)
    again = {"state": State.RUNNING, "ended_at": None, "next_wave_at": timezone.now()}
    if mine.filter(state=State.PAUSED).update(**again):
        return
    if not mine.filter(state=State.STOPPED).update(**again, forgiven=failed):
        raise Refused("Only a campaign that is paused or stopped can go on.")


@transaction.atomic
def cancel(*, campaign: Campaign) -> None:
    won = Campaign.objects.filter(pk=campaign.pk).exclude(state__in=[State.CANCELLED, State.FINISHED])
    if not won.update(state=State.CANCELLED, ended_at=timezone.now()):
        raise Refused("The campaign is over.")
    campaign.rows.filter(state=Row.PENDING).update(state=Row.CANCELLED, changed_at=timezone.now())


@transaction.atomic
def retry_failed(*, campaign: Campaign) -> int:
    """Take the failed and the left-out ones again; a campaign that is over runs again for them."""
    Campaign.objects.select_for_update().get(pk=campaign.pk)
    again = campaign.rows.filter(state__in=[Row.FAILED, Row.SKIPPED]).update(
        state=Row.PENDING, note="", wave=None, changed_at=timezone.now()
    )
    if not again:
        raise Refused("Nothing has failed or was left out.")
    Campaign.objects.filter(pk=campaign.pk, state__in=Campaign.OVER).update(
        state=State.RUNNING, ended_at=None, next_wave_at=timezone.now()
    )
    Campaign.objects.filter(pk=campaign.pk).update(forgiven=0)
    return again


# --- what the clock does with it -----------------------------------------------------------------


def tally(campaign: Campaign) -> waves.Tally:
    counts = dict(campaign.rows.order_by().values_list("state").annotate(Count("pk")))
    return waves.Tally(*(counts.get(state, 0) for state in (Row.PENDING, Row.RUNNING, Row.DONE, Row.FAILED)))


def drive(now: datetime) -> int:
    """Take every campaign one step further; returns how many updates were begun."""
    Campaign.objects.filter(state=State.SCHEDULED, starts_at__lte=now).update(state=State.RUNNING)
    under_way = CampaignStation.objects.filter(campaign=OuterRef("pk"), state=Row.RUNNING)
    due = Campaign.objects.filter(Exists(under_way)) | Campaign.objects.filter(state=State.RUNNING)
    return sum(drive_one(pk, now) for pk in due.values_list("pk", flat=True).order_by("pk"))


@transaction.atomic
def drive_one(pk: int, now: datetime) -> int:
    campaign = (
        Campaign.objects.select_for_update(skip_locked=True, of=["self"])
        .select_related("image")
        .filter(pk=pk)
        .first()
    )
    if campaign is None:
        return 0  # Another worker has it.
    look(campaign, now)
    if campaign.state != State.RUNNING:
        return 0
    counts = tally(campaign)
    if counts.running:
        # A wave that fails on and on is stopped before it has ended.
        if counts.failed and waves.must_stop(counts, campaign.stop_percent, campaign.forgiven):
            _end(campaign, State.STOPPED, now)
        return 0
    if campaign.wave and campaign.next_wave_at is None:
        if waves.must_stop(counts, campaign.stop_percent, campaign.forgiven) and counts.pending:
            _end(campaign, State.STOPPED, now)
            return 0
        campaign.next_wave_at = now + timedelta(minutes=campaign.pause_minutes)
        campaign.save(update_fields=["next_wave_at"])
    if not counts.pending:
        _end(campaign, State.FINISHED, now)
        return 0
    if campaign.next_wave_at is not None and campaign.next_wave_at > now:
        return 0
    return _begin_wave(campaign, counts, now)


def _end(campaign: Campaign, state: str, now: datetime) -> None:
    campaign.state = state
    Campaign.objects.filter(pk=campaign.pk, state=State.RUNNING).update(state=state, ended_at=now)


def look(campaign: Campaign, now: datetime) -> None:
    """Take over what became of the updates. A failure that comes alive again is under way again."""
    rows = campaign.rows.filter(state__in=[Row.RUNNING, Row.FAILED]).exclude(update=None)
    rows.filter(update__state=UpdateState.DONE).update(state=Row.DONE, changed_at=now, note="")
    rows.filter(state=Row.FAILED, update__state__in=states.RUNNING).update(
        state=Row.RUNNING, changed_at=now, note=""
    )
    for row in rows.filter(
        state=Row.RUNNING, update__state__in=[UpdateState.FAILED, UpdateState.CANCELLED]
    ).select_related("update"):
        CampaignStation.objects.filter(pk=row.pk, state=Row.RUNNING).update(
            state=Row.FAILED, changed_at=now, note=row.update.problem
        )


def _begin_wave(campaign: Campaign, counts: waves.Tally, now: datetime) -> int:
    room = waves.size(counts.total, campaign.wave_size, campaign.wave_percent)
    begun = 0
    for row in _ready(campaign, now)[:room]:
        begun += _begin(campaign, row, now)
    if begun:
        campaign.wave += 1
        campaign.next_wave_at = None
        campaign.save(update_fields=["wave", "next_wave_at"])
    return begun


def _ready(campaign: Campaign, now: datetime) -> QuerySet[CampaignStation]:
    """Rows whose turn it may be: there, not at another update, and idle where the campaign asks for that.

    Those that are off wait for a later wave, so that one dead charger holds up nobody.
    """
    busy = Session.objects.open().filter(station=OuterRef("station"))
    other = FirmwareUpdate.objects.running().filter(station=OuterRef("station"))
    pending = campaign.rows.filter(state=Row.PENDING)
    there = pending.exclude(station__connection=None).exclude(Exists(other))
    if campaign.busy == Campaign.Busy.SKIP:
        there.filter(Exists(busy)).update(state=Row.SKIPPED, changed_at=now, note="Somebody was charging.")
    if campaign.busy != Campaign.Busy.ANYWAY:
        there = there.exclude(Exists(busy))
    return there.select_related("station__site").order_by("pk")


def _begin(campaign: Campaign, row: CampaignStation, now: datetime) -> int:
    won = CampaignStation.objects.filter(pk=row.pk, state=Row.PENDING).update(
        state=Row.RUNNING, wave=campaign.wave + 1, changed_at=now, note=""
    )
    if not won:
        return 0
    mine = CampaignStation.objects.filter(pk=row.pk)
    if states.same_version(row.station.firmware, campaign.image.version):
        # Somebody was faster.
        mine.update(state=Row.DONE)
        return 0
    try:
        with transaction.atomic():
            update = updates.start(
                station=row.station,
                image=campaign.image,
                retries=campaign.retries,
                retry_interval_s=campaign.retry_interval_s,
                by=campaign.api_key or campaign.created_by,
                reason=f"campaign {campaign.pk}",
            )
    except updates.UpdateUnderWay:
        mine.update(state=Row.PENDING, wave=None)
        return 0
    except Exception as problem:
        # Its refusal is about this station only; the others go on.
        log.warning("Campaign %s can't update station %s: %s", campaign.pk, row.station_id, problem)
        mine.update(state=Row.FAILED, note=str(problem)[:200])
        return 1
    mine.update(update=update)
    return 1
