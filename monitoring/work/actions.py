"""Make jobs, work on them, close them with a cause; the cause goes into the ledger of outages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import PERMISSIONS
from evportal.accounts.models import ApiKey, Membership, User
from monitoring.models import Alert
from monitoring.uptime import actions as uptime
from monitoring.uptime.models import Outage
from monitoring.work import pictures
from monitoring.work.models import ChecklistItem, Note, Part, PhoneEntry, Photo, WorkOrder
from stations.exceptions import Refused
from stations.models import Evse, Site, Station

MOST_PHOTOS, MOST_ITEMS = 40, 60
#: An outage that began shortly before its alert is the same one.
BEFORE = timedelta(hours=1)
#: So long a phone may have been without a network; what it says of older times is its clock's error.
LONGEST_WAIT = timedelta(days=14)
#: What is looked at on every visit, until somebody changes it.
CHECKLIST = (_("Cable and plug"), _("Display and reader"), _("Locks and housing"), _("Test charge"))
PRIORITIES = {"critical": WorkOrder.Priority.URGENT, "warning": WorkOrder.Priority.NORMAL}


class WorkRefused(Refused):
    """It can't be done with this job."""


@transaction.atomic
def create(
    *,
    site: Site,
    title: str,
    now: datetime,
    station: Station | None = None,
    evse: Evse | None = None,
    alert: Alert | None = None,
    priority: int = WorkOrder.Priority.NORMAL,
    assignee: User | None = None,
    due_on: date | None = None,
    by: User | None = None,
) -> WorkOrder:
    if not title.strip():
        raise WorkRefused(_("Say what is to be done."))
    if evse is not None:
        station = station or evse.station
        if evse.station_id != station.pk:
            raise WorkRefused(_("This EVSE belongs to another charger."))
    if station is not None and station.site_id != site.pk:
        raise WorkRefused(_("This charger stands at another site."))
    if alert is not None and alert.site_id != site.pk:
        raise WorkRefused(_("This alert is of another site."))
    _check_assignee(site, assignee)
    try:
        with transaction.atomic():
            order = WorkOrder.objects.create(
                site=site,
                station=station,
                evse=evse,
                alert=alert,
                title=title.strip()[:200],
                priority=priority,
                assignee=assignee,
                due_on=due_on,
                created_by=by,
                created_at=now,
            )
    except IntegrityError:
        raise WorkRefused(_("There is a job for this alert already.")) from None
    ChecklistItem.objects.bulk_create(ChecklistItem(order=order, text=str(text)) for text in CHECKLIST)
    return order


@transaction.atomic
def from_alert(*, alert: Alert, now: datetime, by: User | None = None) -> WorkOrder:
    """The running job of this alert, made if there is none."""
    alert = Alert.objects.select_for_update(of=("self",)).select_related("site", "station").get(pk=alert.pk)
    known = WorkOrder.objects.running().filter(alert=alert).first()
    if known is not None:
        return known
    evse = None
    if alert.station_id and ":evse:" in alert.cause:
        pk = alert.cause.rpartition(":")[2]
        evse = Evse.objects.filter(pk=pk, station=alert.station_id).first() if pk.isdigit() else None
    return create(
        site=alert.site,
        station=alert.station,
        evse=evse,
        alert=alert,
        title=alert.title,
        priority=PRIORITIES.get(alert.severity, WorkOrder.Priority.LOW),
        assignee=alert.assigned_to,
        by=by,
        now=now,
    )


@transaction.atomic
def change(*, order: WorkOrder, now: datetime, **fields) -> WorkOrder:
    """Title, priority, assignee, day; `status` only between open and in progress."""
    row = _running(order)
    if "assignee" in fields:
        _check_assignee(row.site, fields["assignee"])
    if "title" in fields and not fields["title"].strip():
        raise WorkRefused(_("Say what is to be done."))
    status = fields.pop("status", row.status)
    if status not in WorkOrder.RUNNING:
        raise WorkRefused(_("Close a job with its cause."))
    if status == WorkOrder.Status.IN_PROGRESS and row.started_at is None:
        row.started_at = now
    row.status = status
    for name, value in fields.items():
        if name not in ("title", "priority", "assignee", "due_on"):
            raise TypeError(name)
        setattr(row, name, value)
    row.save()
    return row


@transaction.atomic
def start(*, order: WorkOrder, by: User | None, now: datetime) -> WorkOrder:
    """Somebody is at it; it is theirs if it was nobody's."""
    row = _running(order)
    row.status, row.started_at = WorkOrder.Status.IN_PROGRESS, row.started_at or now
    if row.assignee_id is None and by is not None:
        row.assignee = by
    row.save(update_fields=["status", "started_at", "assignee"])
    return row


@transaction.atomic
def tick(*, item: ChecklistItem, done: bool, by: User | None, now: datetime) -> None:
    _running(item.order)
    at, who = (now, by) if done else (None, None)
    ChecklistItem.objects.filter(pk=item.pk, done_at__isnull=done).update(done_at=at, done_by=who)


@transaction.atomic
def add_item(*, order: WorkOrder, text: str) -> ChecklistItem:
    row = _running(order)
    if not text.strip():
        raise WorkRefused(_("Write what is to be looked at."))
    if row.checklist.count() >= MOST_ITEMS:
        raise WorkRefused(_("The list is long enough."))
    return ChecklistItem.objects.create(order=row, text=text.strip()[:120])


@transaction.atomic
def note(*, order: WorkOrder, text: str, by: User | None, now: datetime) -> Note:
    """Also of a closed job: what is learnt later belongs there."""
    if not text.strip():
        raise WorkRefused(_("Write something first."))
    return Note.objects.create(order=order, text=text.strip()[:1000], by=by, at=now)


@transaction.atomic
def use_part(
    *, order: WorkOrder, name: str, by: User | None, now: datetime, number: str = "", quantity: int = 1
) -> Part:
    row = _running(order)
    if not name.strip() or not 1 <= quantity <= 999:
        raise WorkRefused(_("Name the part, and how many of it, from 1 to 999."))
    return Part.objects.create(
        order=row, name=name.strip()[:80], number=number.strip()[:60], quantity=quantity, by=by, at=now
    )


@transaction.atomic
def add_photo(*, order: WorkOrder, file, by: User | None, now: datetime) -> Photo:
    """A picture by its first bytes, and no larger than what is let in."""
    row = WorkOrder.objects.select_for_update(of=("self",)).get(pk=order.pk)
    if file.size > pictures.MOST_BYTES:
        raise WorkRefused(_("A photo may have 7 MB at most."))
    head = file.read(32)
    file.seek(0)
    kind = pictures.kind_of(head)
    if kind is None:
        raise WorkRefused(_("That is no photo: JPEG, PNG, WebP and HEIC can be kept."))
    if row.photos.count() >= MOST_PHOTOS:
        raise WorkRefused(_("There are as many photos as a job may have."))
    photo = Photo(order=row, kind=kind, size=file.size, by=by, at=now)
    photo.file.save("photo", file, save=False)
    photo.save()
    return photo


@transaction.atomic
def close(
    *,
    order: WorkOrder,
    cause: str,
    now: datetime,
    exclusion: str = "",
    by: User | None = None,
    api_key: ApiKey | None = None,
) -> WorkOrder:
    """Done. The cause is written to the outages that it was for; those reported by hand are over with it."""
    row = _running(order)
    if not cause.strip():
        raise WorkRefused(_("Say what it was: the cause goes into the record of outages."))
    for outage in outages_of(row, now):
        if not outage.note and not outage.exclusion:
            uptime.explain(
                outage=outage,
                exclusion=exclusion,
                note=_g("Job %(n)s: %(cause)s") % {"n": row.pk, "cause": cause.strip()},
                now=now,
                by=by,
                api_key=api_key,
            )
        if outage.is_open and not outage.is_observed:
            uptime.end(outage=outage, ends_at=now, now=now, by=by, api_key=api_key)
    row.status, row.closed_at, row.closed_by = WorkOrder.Status.DONE, now, by
    row.started_at = row.started_at or now
    row.cause, row.exclusion = cause.strip()[:300], exclusion
    row.save()
    return row


@transaction.atomic
def cancel(*, order: WorkOrder, reason: str, by: User | None, now: datetime) -> WorkOrder:
    row = _running(order)
    if not reason.strip():
        raise WorkRefused(_("Say why nothing is to be done."))
    row.status, row.closed_at, row.closed_by = WorkOrder.Status.CANCELLED, now, by
    row.cause = reason.strip()[:300]
    row.save()
    return row


@transaction.atomic
def once(*, order: WorkOrder, key: UUID | None, by: User, now: datetime, do: Callable[[], object]) -> bool:
    """Do what a phone hands in under this key, unless that was done; what is refused may come again."""
    if key is not None:
        try:
            with transaction.atomic():
                PhoneEntry.objects.create(order=order, by=by, key=key, at=now)
        except IntegrityError:
            return False
    do()
    return True


def entered(order: WorkOrder, said: datetime | None, now: datetime) -> datetime:
    """When it was entered, by the phone's word: not before the job, nor in the future, nor long ago."""
    if said is None or not now - LONGEST_WAIT <= said <= now:
        return now
    return max(said, order.created_at)


def outages_of(order: WorkOrder, now: datetime) -> list[Outage]:
    """Those at its place, from its alert's beginning (or the job's own) until now."""
    began = (order.alert.opened_at if order.alert else order.created_at) - BEFORE
    rows = Outage.objects.filter(evse__station__site=order.site_id).within(began, now)
    if order.evse_id:
        rows = rows.filter(evse=order.evse_id)
    elif order.station_id:
        rows = rows.filter(evse__station=order.station_id)
    elif order.alert_id is None:
        # A job for the site as a whole that no alert called for says nothing about its chargers.
        return []
    return list(rows.order_by("pk"))


def people(site: Site):
    """Who can be given a job there."""
    members = Membership.objects.filter(
        operator_id=site.operator_id,
        role__in=PERMISSIONS["manage_stations"],
        is_active=True,
        user__is_active=True,
    ).prefetch_related("sites")
    pks = {one.user_id for one in members if not one.limited or site.pk in {s.pk for s in one.sites.all()}}
    return User.objects.filter(pk__in=pks).order_by("email")


def _check_assignee(site: Site, assignee: User | None) -> None:
    if assignee is not None and not people(site).filter(pk=assignee.pk).exists():
        raise WorkRefused(_("This person does no work at this site."))


def _running(order: WorkOrder) -> WorkOrder:
    row = WorkOrder.objects.select_for_update(of=("self",)).select_related("site", "alert").get(pk=order.pk)
    if not row.is_running:
        raise WorkRefused(_("This job is closed."))
    return row
