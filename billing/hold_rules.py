"""What a site wants when a session comes to cost more than is held for it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from billing import policy
from billing.models import HoldRules
from stations.models import Site


@dataclass(frozen=True)
class Wanted:
    raises: bool = True
    #: What is held for one session at most; None: the house's multiple of the first hold.
    most: Decimal | None = None

    def ceiling(self, first: Decimal) -> Decimal:
        """Never below what is held already: a rule that is made later takes nothing back."""
        return max(self.most if self.most is not None else first * policy.HOLD_MOST_TIMES, first)


def of(site: Site) -> Wanted:
    row = HoldRules.objects.filter(site=site).first()
    if row is None:
        return Wanted()
    return Wanted(row.when_used_up == HoldRules.WhenUsedUp.RAISE, row.most)
