"""A rule that fires on everything fills no list: so many alerts, and one that says how many more. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _g

from monitoring.alerts import Finding


@dataclass(frozen=True)
class Named:
    """The rule, as far as its overflow is concerned."""

    pk: int
    kind: str
    words: str


def bounded(
    findings: Iterable[Finding], *, known: set[str], most: int, rule: Named, now: datetime
) -> list[Finding]:
    """What is open stays; new ones come until `most` are; what is beyond is one finding of its own."""
    found = list(findings)
    if len(found) <= most:
        return found
    kept = sorted(found, key=lambda each: (each.cause not in known, each.since, each.cause))[:most]
    return [*kept, overflow(rule, len(found) - most, most, kept[0].site_id, now)]


def overflow(rule: Named, beyond: int, most: int, site_id: int, now: datetime) -> Finding:
    title = _g("“%(rule)s” fires too often: %(n)s more than the %(most)s shown. Loosen the rule.") % {
        "rule": rule.words,
        "n": beyond,
        "most": most,
    }
    return Finding(
        cause=overflow_cause(rule.pk),
        kind=rule.kind,
        severity="warning",
        title=title,
        site_id=site_id,
        station_id=None,
        since=now,
    )


def overflow_cause(rule_pk: int) -> str:
    return f"overflow:rule:{rule_pk}"
