"""What a running session will cost: as it goes on now, and at the most. Nothing of this is ever billed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from billing import allowance, late_stop, limits, parties, plans, prices, pricing
from billing.models import TariffVersion
from stations import metering
from stations.meter import SOC
from stations.models import Reading, Session


class Outlook:
    """One look at a session's meter values, priced for as many moments as needed."""

    def __init__(self, session: Session):
        self.session = session
        self.version: TariffVersion | None = prices.frozen_version(session)
        self.groups = prices.frozen_groups(session)
        self.left_wh = plans.left_for_session(session, self.groups)
        measured = metering.measured(session)
        self.curve, self.total_wh = list(measured.curve), measured.total_wh
        self.at = max(self.curve[-1][0], session.started_at) if self.curve else session.started_at
        moments = [at for at, _wh in self.curve] or [session.started_at]
        if moments[0] > session.started_at:
            moments.insert(0, session.started_at)
        self.every = limits.interval(moments)

    @property
    def currency(self) -> str:
        if self.version is None:
            return self.session.station.site.operator.currency
        return prices.tariff(self.version).currency

    @property
    def seen(self) -> limits.Seen:
        wh_per_s, soc, soc_per_s = self._wh_per_s(), *self._soc()
        ahead = self.at + self.every
        cost = self.cost(self.at, Decimal(0))
        later = self.cost(ahead, wh_per_s * Decimal(self.every.total_seconds()))
        return limits.Seen(
            started_at=self.session.started_at,
            at=self.at,
            energy_wh=self.total_wh,
            cost=cost,
            soc_percent=soc,
            wh_per_s=wh_per_s,
            cost_per_s=max(later - cost, Decimal(0)) / Decimal(self.every.total_seconds()),
            soc_per_s=soc_per_s,
        )

    def cost(self, until: datetime, more_wh: Decimal) -> Decimal:
        """With tax, if so much more is charged by then."""
        if self.version is None:
            return Decimal(0)
        session = self.session
        tariff = prices.tariff(self.version, self.groups)
        curve, total = self.curve, self.total_wh + more_wh
        if until > self.at:
            curve = [*curve, (until, total)]
        used = pricing.usage_from_readings(
            session.started_at, until, Decimal(0), total, curve, session.station.site.zone
        )
        found = late_stop.with_fee(
            pricing.price(tariff, used), tariff=tariff, session=session, until=used.end
        )
        found = allowance.cover(found, self.left_wh).priced
        return parties.taxed(found, user=session.user, site=session.station.site).gross

    def cost_at_most(self, until: datetime) -> Decimal:
        """If the car takes all that the charger gives from the last meter value on."""
        seconds = Decimal(max((until - self.at).total_seconds(), 0.0))
        wh_per_s = max(Decimal(self.session.evse.max_power_w) / 3600, self._wh_per_s())
        return self.cost(max(until, self.at), wh_per_s * seconds)

    def _wh_per_s(self) -> Decimal:
        """The power that is reported; else what the last two values came to."""
        session = self.session
        said_at = session.last_reading_at
        if session.power_w is not None and said_at is not None and said_at >= self.at:
            return max(session.power_w, Decimal(0)) / 3600
        points = [(session.started_at, Decimal(0)), *self.curve][-2:]
        if len(points) < 2 or points[1][0] <= points[0][0]:
            return Decimal(0)
        seconds = Decimal((points[1][0] - points[0][0]).total_seconds())
        return max(points[1][1] - points[0][1], Decimal(0)) / seconds

    def _soc(self) -> tuple[Decimal | None, Decimal]:
        """The battery's state now, and by how much it rises in a second."""
        now = self.session.soc_percent
        if now is None:
            return None, Decimal(0)
        rows = Reading.objects.filter(session=self.session, measurand=SOC, flag="").order_by("-at")
        values = list(rows.values_list("at", "value")[:2])
        if len(values) < 2 or values[0][0] <= values[1][0]:
            return now, Decimal(0)
        (at, last), (before, first) = values
        return now, max(last - first, Decimal(0)) / Decimal((at - before).total_seconds())
