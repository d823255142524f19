"""What people say about outages: why, whether it counts, and those that no charger reports. With a record."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from evportal.accounts.models import ApiKey, User
from monitoring.uptime.models import Outage, OutageChange
from stations.exceptions import Refused
from stations.models import Evse

FIELDS = ("exclusion", "excluded_from", "excluded_until", "note")


class OutageRefused(Refused):
    """It can't be written down like that."""


@transaction.atomic
def explain(
    *,
    outage: Outage,
    exclusion: str,
    now: datetime,
    note: str = "",
    excluded_from: datetime | None = None,
    excluded_until: datetime | None = None,
    by: User | None = None,
    api_key: ApiKey | None = None,
) -> Outage:
    """Say what was wrong, and whether the outage, or a part of it, doesn't count."""
    row = Outage.objects.select_for_update().get(pk=outage.pk)
    if exclusion and exclusion not in Outage.Exclusion.values:
        raise OutageRefused(_("“%s” is no reason that the rules know.") % exclusion)
    if excluded_from and excluded_until and excluded_until <= excluded_from:
        raise OutageRefused(_("The end of the excluded part must be after its beginning."))
    if excluded_from and row.ends_at and excluded_from >= row.ends_at:
        raise OutageRefused(_("The excluded part begins after the outage was over."))
    if excluded_until and excluded_until <= row.begins_at:
        raise OutageRefused(_("The excluded part ends before the outage began."))
    if not exclusion:
        excluded_from = excluded_until = None
    before = _facts(row)
    row.exclusion, row.note = exclusion, note[:300]
    row.excluded_from, row.excluded_until = excluded_from, excluded_until
    if _facts(row) != before:
        row.save(update_fields=FIELDS)
        _record(row, before, now, by, api_key)
    return row


@transaction.atomic
def report(
    *,
    evse: Evse,
    begins_at: datetime,
    ends_at: datetime | None,
    now: datetime,
    note: str = "",
    exclusion: str = "",
    by: User | None = None,
    api_key: ApiKey | None = None,
) -> Outage:
    """An outage that the charger did not notice: a torn cable, a blocked lock, a dark display."""
    if begins_at > now:
        raise OutageRefused(_("An outage can't begin in the future."))
    if ends_at is not None and ends_at <= begins_at:
        raise OutageRefused(_("The end must be after the beginning."))
    if ends_at is not None and ends_at > now:
        raise OutageRefused(_("An outage can't end in the future; leave its end open."))
    row = Outage.objects.create(
        evse=evse,
        begins_at=begins_at,
        ends_at=ends_at,
        cause=Outage.Cause.REPORTED,
        is_observed=False,
        note=note[:300],
        exclusion=exclusion,
    )
    _record(row, {}, now, by, api_key)
    return row


@transaction.atomic
def end(
    *, outage: Outage, ends_at: datetime, now: datetime, by: User | None = None, api_key: ApiKey | None = None
) -> Outage:
    """A reported outage is over; what the portal sees by itself ends by itself."""
    row = Outage.objects.select_for_update().get(pk=outage.pk)
    if row.is_observed:
        raise OutageRefused(_("The portal sees the end of this outage by itself."))
    if row.ends_at is not None:
        raise OutageRefused(_("It is over already."))
    if not row.begins_at < ends_at <= now:
        raise OutageRefused(_("It must end after its beginning, and not in the future."))
    before = _facts(row)
    row.ends_at = ends_at
    row.save(update_fields=["ends_at"])
    _record(row, before, now, by, api_key)
    return row


def _facts(row: Outage) -> dict:
    found = {name: getattr(row, name) for name in (*FIELDS, "begins_at", "ends_at")}
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in found.items()
    }


def _record(row: Outage, before: dict, now: datetime, by: User | None, api_key: ApiKey | None) -> None:
    OutageChange.objects.create(outage=row, at=now, by=by, api_key=api_key, before=before, after=_facts(row))
