"""A session's limits as its page shows them: what is used of each, and when it will be reached."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from billing import limits, showing
from billing.actions import watching
from billing.limits import Kind, Limits, Reach
from billing.outlook import Outlook
from stations.models import Session


def rows(session: Session, now: datetime) -> list[dict]:
    """Nothing where the driver set none."""
    wanted = watching.limits_of(session)
    if not wanted or not session.is_open:
        return []
    outlook = Outlook(session)
    seen = outlook.seen
    shown = [_row(reach, wanted, seen, outlook, session, now) for reach in limits.reaches(wanted, seen)]
    if wanted.soc_percent is not None and seen.soc_percent is None:
        words = _("Your car has not told the charger how full its battery is.")
        shown.append(
            {"label": _("Stops at"), "value": f"{wanted.soc_percent} %", "percent": 0, "note": words}
        )
    return shown


def _row(
    reach: Reach, wanted: Limits, seen: limits.Seen, outlook: Outlook, session: Session, now: datetime
) -> dict:
    share = reach.share
    match reach.kind:
        case Kind.ENERGY:
            value = f"{showing.kwh(seen.energy_wh)} / {showing.kwh(wanted.energy_wh)} kWh"
        case Kind.MONEY:
            currency = outlook.currency
            value = f"{showing.money(seen.cost, currency)} / {showing.money(wanted.money, currency)}"
        case Kind.TIME:
            minutes = max(0, int((now - session.started_at).total_seconds() // 60))
            share = limits.share(minutes, wanted.minutes)
            value = _("%(now)s of %(most)s min") % {"now": minutes, "most": wanted.minutes}
        case _:
            value = f"{seen.soc_percent:.0f} / {wanted.soc_percent} %"
    note = ""
    if reach.share >= 1:
        note = _("Reached: the charger is asked to stop.")
    elif reach.at is not None and reach.at > now:
        at = reach.at.astimezone(session.station.site.zone)
        note = _("Reached about %(time)s, if it goes on as it does.") % {"time": f"{at:%H:%M}"}
    return {"label": _("Stops at"), "value": value, "percent": int(share * 100), "note": note}
