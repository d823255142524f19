"""What each kind of rule looks at, from when on by default, and its findings. No database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from monitoring.alerts import Finding


@dataclass(frozen=True)
class Default:
    """What every operator begins with. `unit` of the threshold; empty: the kind has none."""

    minutes: int = 5
    threshold: Decimal | None = None
    severity: str = "critical"
    unit: object = ""
    #: What `minutes` are, in words for the page.
    time: object = _("How long it must last.")


DEFAULTS: dict[str, Default] = {
    "offline": Default(5),
    "fault": Default(2),
    "event": Default(24 * 60, time=_("After so long without a further report it is over.")),
    "security": Default(5, time=_("Not used: it is told at once.")),
    "silent": Default(
        60, Decimal(3), "warning", _("days"), time=_("Not used: it is looked for every few minutes.")
    ),
    "clock": Default(15, Decimal(120), "warning", _("seconds"), time=_("How long it may say nothing.")),
    "unexplained": Default(10, Decimal(500), "warning", "W"),
    "no_energy": Default(20, Decimal(100), "warning", "Wh"),
    "failed_starts": Default(60, Decimal(3), "warning", _("starts"), time=_("Within so long.")),
    "temperature": Default(15, Decimal(75), "critical", "°C", time=_("Within so long.")),
    "meter": Default(24 * 60, None, "warning", time=_("Within so long.")),
    "signed": Default(24 * 60, None, "critical", time=_("Within so long.")),
    "payment": Default(60, Decimal(3), "critical", _("payments"), time=_("Within so long.")),
    "certificate": Default(5, Decimal(14), "warning", _("days"), time=_("Not used.")),
    "limit": Default(2, Decimal(0), "critical", _("% over it")),
    "load": Default(
        1, None, "warning", time=_("How long the charger has refused or exceeded what the plan told it.")
    ),
    "webhook": Default(5, severity="warning", time=_("Not used: it is told at once.")),
}


@dataclass(frozen=True)
class Observed:
    """One place and what was measured there, in the unit of its kind; `since` where it has a beginning."""

    site_id: int
    station_id: int | None
    evse_id: int | None
    name: str
    value: Decimal
    since: datetime | None = None
    detail: str = ""

    @property
    def place(self) -> str:
        if self.evse_id:
            return f"evse:{self.evse_id}"
        return f"station:{self.station_id}" if self.station_id else f"site:{self.site_id}"


#: Of these less is worse; of all others more.
LESS_IS_WORSE = frozenset({"no_energy", "certificate"})
#: These must have lasted for the rule's minutes; the others are counted within them.
MUST_LAST = frozenset({"no_energy", "unexplained", "limit", "load"})


def findings(
    kind: str,
    observed: Iterable[Observed],
    *,
    minutes: int,
    threshold: Decimal | None,
    severity: str,
    now: datetime,
) -> list[Finding]:
    """Those that are beyond the rule's limits, each place once."""
    found: dict[str, Finding] = {}
    for each in observed:
        if not _is_beyond(kind, each.value, threshold):
            continue
        if kind in MUST_LAST and (each.since is None or now - each.since < timedelta(minutes=minutes)):
            continue
        cause = f"{kind}:{each.place}"
        found[cause] = Finding(
            cause=cause,
            kind=kind,
            severity=severity,
            title=words(kind, each),
            site_id=each.site_id,
            station_id=each.station_id,
            since=each.since or now,
        )
    return list(found.values())


def _is_beyond(kind: str, value: Decimal, threshold: Decimal | None) -> bool:
    if threshold is None:
        return True
    if kind in LESS_IS_WORSE:
        return value < threshold
    return value > threshold if kind == "limit" else value >= threshold


def words(kind: str, each: Observed) -> str:
    number = f"{each.value.normalize():f}"
    said = {
        "silent": _g("nobody has charged for %(n)s days, though people used to"),
        "clock": _g("its clock is %(n)s s off"),
        "unexplained": _g("%(n)s W flow without a session"),
        "no_energy": _g("a session runs and only %(n)s Wh have flowed"),
        "failed_starts": _g("%(n)s starts failed"),
        "temperature": _g("%(n)s °C"),
        "meter": _g("the meter's values can't be right"),
        "signed": _g("signed meter values that can't be billed"),
        "payment": _g("%(n)s payments failed"),
        "certificate": _g("its certificate ends in %(n)s days"),
        "limit": _g("the site draws %(n)s %% more than its grid connection gives"),
        "load": _g("draws %(n)s A and doesn't follow its limit"),
    }[kind]
    text = each.detail or said % {"n": number}
    return f"{each.name}: {text}"
