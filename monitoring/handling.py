"""What people do with alerts: be on it, hand it to somebody, put it off, close it; and take that back."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import PERMISSIONS
from evportal.accounts.models import Membership, User
from monitoring import live
from monitoring.models import Alert, AlertChange
from monitoring.notices import telling
from stations.exceptions import Refused

#: So long what was done can be taken back; two seconds more than the page says, for the way here.
UNDO = timedelta(seconds=12)
LONGEST_SNOOZE = timedelta(days=31)
FIELDS = (
    "acknowledged_at",
    "acknowledged_by_id",
    "assigned_to_id",
    "snoozed_until",
    "snooze_reason",
    "resolved_at",
    "resolved_by_hand",
    "resolved_reason",
)


class AlertRefused(Refused):
    """It can't be done with this alert."""


def acknowledge(*, alert: Alert, by: User | None, now: datetime) -> bool:
    """Somebody is on it; whoever said so has it, if nobody else does. False if it is late for that."""
    with transaction.atomic():
        row = _locked(alert)
        if row.acknowledged_at is not None or row.resolved_at is not None:
            return False
        fields = {"acknowledged_at": now, "acknowledged_by": by}
        if row.assigned_to_id is None and by is not None:
            fields["assigned_to"] = by
        _change(row, "acknowledge", by, now, **fields)
    return True


@transaction.atomic
def assign(*, alert: Alert, to: User | None, by: User | None, now: datetime) -> Alert:
    """Whose it is; None: nobody's."""
    row = _open(alert)
    if to is not None and not people(row).filter(pk=to.pk).exists():
        raise AlertRefused(_("This person may not work on alerts of this site."))
    return _change(row, "assign", by, now, assigned_to=to)


@transaction.atomic
def snooze(*, alert: Alert, until: datetime, reason: str, by: User | None, now: datetime) -> Alert:
    """Out of the way until then. It says why, and it wakes by itself."""
    row = _open(alert)
    if until <= now:
        raise AlertRefused(_("It can only be put off until a time to come."))
    if until > now + LONGEST_SNOOZE:
        raise AlertRefused(_("It can be put off for a month at most."))
    if not reason.strip():
        raise AlertRefused(_("Say why it is put off."))
    return _change(row, "snooze", by, now, snoozed_until=until, snooze_reason=reason.strip()[:200])


@transaction.atomic
def wake(*, alert: Alert, by: User | None, now: datetime) -> Alert:
    row = _open(alert)
    if row.snoozed_until is None:
        return row
    return _change(row, "wake", by, now, snoozed_until=None, snooze_reason="")


@transaction.atomic
def resolve(*, alert: Alert, reason: str, by: User | None, now: datetime) -> Alert:
    """Closed by hand. While its cause lasts it stays closed; it opens anew once it was gone and returns."""
    row = _open(alert)
    if not reason.strip():
        raise AlertRefused(_("Say why it is over."))
    row = _change(
        row,
        "resolve",
        by,
        now,
        resolved_at=now,
        resolved_by_hand=True,
        resolved_reason=reason.strip()[:200],
        snoozed_until=None,
        snooze_reason="",
    )
    telling.tell_over(alert=row, now=now)
    return row


@transaction.atomic
def undo(*, change: AlertChange, by: User, now: datetime) -> Alert:
    """Take back what one has just done, as long as nothing else came after it."""
    row = _locked(change.alert)
    change.refresh_from_db()
    if change.by_id != by.pk or change.undone_at is not None or now - change.at > UNDO:
        raise AlertRefused(_("It is too late to take that back."))
    if _facts(row) != change.after:
        raise AlertRefused(_("Something else has happened to it since."))
    for name, value in change.before.items():
        setattr(row, name, parse_datetime(value) if name.endswith(("_at", "_until")) and value else value)
    try:
        with transaction.atomic():
            row.save(update_fields=list(change.before))
    except IntegrityError:
        raise AlertRefused(_("There is a newer alert of the same cause.")) from None
    AlertChange.objects.filter(pk=change.pk).update(undone_at=now)
    _push(row)
    return row


def undoable(*, by: User, now: datetime) -> AlertChange | None:
    """What this person did last, if it can still be taken back."""
    newest = AlertChange.objects.filter(by=by, at__gt=now - UNDO).select_related("alert").first()
    return newest if newest is not None and newest.undone_at is None else None


def people(alert: Alert):
    """Who may be given the alerts of this site."""
    members = Membership.objects.filter(
        operator_id=alert.site.operator_id,
        role__in=PERMISSIONS["manage_alerts"],
        is_active=True,
        user__is_active=True,
    ).prefetch_related("sites")
    pks = {
        one.user_id for one in members if not one.limited or alert.site_id in {s.pk for s in one.sites.all()}
    }
    return User.objects.filter(pk__in=pks).order_by("email")


def _locked(alert: Alert) -> Alert:
    return Alert.objects.select_for_update(of=("self",)).select_related("site").get(pk=alert.pk)


def _open(alert: Alert) -> Alert:
    row = _locked(alert)
    if row.resolved_at is not None:
        raise AlertRefused(_("It is over already."))
    return row


def _change(row: Alert, what: str, by: User | None, now: datetime, **fields) -> Alert:
    before = _facts(row)
    for name, value in fields.items():
        setattr(row, name, value)
    row.save(update_fields=list(fields))
    AlertChange.objects.create(alert=row, at=now, by=by, what=what, before=before, after=_facts(row))
    _push(row)
    return row


def _facts(row: Alert) -> dict:
    found = {name: getattr(row, name) for name in FIELDS}
    return {name: each.isoformat() if isinstance(each, datetime) else each for name, each in found.items()}


def _push(row: Alert) -> None:
    transaction.on_commit(lambda: live.push_site(row.site_id), robust=True)
