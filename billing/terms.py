"""Which tariff applies somewhere at a moment: an EVSE's own before its site's, the newest of each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Assigned:
    """A tariff's versions, newest first, from then on; None: nothing of one's own any more."""

    valid_from: datetime
    versions: Sequence[Any] | None
    tariff_id: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What was and will be assigned to an EVSE and to its site, each newest first."""

    own: Sequence[Assigned] = ()
    of_site: Sequence[Assigned] = ()

    def version(self, at: datetime) -> Any | None:
        """The version in force then; None where there is no tariff, or none of its versions had begun."""
        row = self._row(at)
        versions = (row.versions if row is not None else None) or ()
        return next((found for found in versions if found.valid_from <= at), None)

    def tariffs(self, at: datetime) -> set[int]:
        """The tariffs that apply then or will apply at some time after it."""
        changes = {row.valid_from for row in (*self.own, *self.of_site) if row.valid_from > at}
        rows = (self._row(moment) for moment in {at, *changes})
        return {row.tariff_id for row in rows if row is not None and row.tariff_id is not None}

    def _row(self, at: datetime) -> Assigned | None:
        own = _latest(self.own, at)
        return own if own is not None and own.versions is not None else _latest(self.of_site, at)


def _latest(rows: Sequence[Assigned], at: datetime) -> Assigned | None:
    return next((row for row in rows if row.valid_from <= at), None)
