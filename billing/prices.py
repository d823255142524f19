"""What a charge costs, anywhere it is asked: on a page, in the API, while it runs and on the bill.

All of it ends in `pricing.price`, with one frozen version of the tariff: so what was shown is what is billed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from django.db import transaction
from django.db.models import Prefetch, Q

from billing import allowance, late_stop, parties, plans, policy, price_words, pricing
from billing import groups as price_groups
from billing.exceptions import NoTariff
from billing.lines import to_json
from billing.models import Cdr, Quote, TariffAssignment, TariffVersion
from billing.terms import Assigned, Terms
from bookings.models import Booking
from evportal.accounts.models import User
from evportal.money import exponent, round_money
from stations import metering
from stations.models import Evse, Session, Site


@dataclass(frozen=True)
class Estimate:
    """A price that somebody is shown, and what it was reckoned with."""

    evse: Evse
    version: TariffVersion
    starts_at: datetime
    ends_at: datetime
    energy_wh: Decimal
    priced: pricing.Priced
    hold: Decimal
    groups: tuple[str, ...] = ()
    #: Of the driver's plan, as things stand; in `priced` it is taken off.
    included_wh: Decimal = Decimal(0)

    @property
    def currency(self) -> str:
        return self.priced.currency

    @property
    def gross(self) -> Decimal:
        return self.priced.gross


# Tariffs


def tariff(version: TariffVersion, groups: Iterable[str] = ()) -> pricing.Tariff:
    """The version as the engine wants it for a driver in these price groups, read once per row."""
    if not hasattr(version, "parsed"):
        version.parsed = {None: pricing.Tariff.from_ocpi(version.ocpi)}
    key = tuple(groups)
    if key not in version.parsed:
        version.parsed[key] = pricing.resolve(version.parsed[None], key)
    return version.parsed[key]


def is_free(version: TariffVersion, groups: Iterable[str] = ()) -> bool:
    return pricing.is_free(tariff(version, groups))


def groups_of(user: User | None, evse: Evse, at: datetime) -> tuple[str, ...]:
    """The price groups of a driver at this EVSE's operator, of plans those that count at its site."""
    site = evse.station.site
    found = price_groups.of(user, site.operator, at)
    if any(name.startswith(plans.PREFIX) for name in found):
        found = tuple(name for name in found if name not in plans.elsewhere(site.operator, site))
    return found


def version_for(evse: Evse, at: datetime) -> TariffVersion | None:
    """The version in force at this moment for this EVSE: its own tariff's before its site's."""
    attach([evse])
    return evse.tariff_versions.version(at)


def required_version(evse: Evse, at: datetime) -> TariffVersion:
    version = version_for(evse, at)
    if version is None:
        raise NoTariff
    return version


def attach(evses: list[Evse]) -> None:
    """Put what is assigned to them on EVSEs that have none yet; two queries for all of them."""
    missing = [evse for evse in evses if not hasattr(evse, "tariff_versions")]
    if not missing:
        return
    site_ids = {evse.station.site_id for evse in missing}
    found = _assigned(Q(evse__in=[evse.pk for evse in missing]) | Q(evse=None, site__in=site_ids))
    for evse in missing:
        site_id = evse.station.site_id
        evse.tariff_versions = Terms(found.get((site_id, evse.pk), ()), found.get((site_id, None), ()))


def attach_sites(sites: list[Site]) -> None:
    """The same for sites: what applies anywhere on them, in a list for the site and its EVSEs."""
    missing = {site.pk: site for site in sites if not hasattr(site, "tariff_versions")}
    for site in missing.values():
        site.tariff_versions = []
    if missing:
        for (site_id, _evse_id), rows in _assigned(Q(site__in=missing)).items():
            missing[site_id].tariff_versions.append(Terms(rows))


def _assigned(which: Q) -> dict[tuple[int, int | None], list[Assigned]]:
    """By site and EVSE (None: the site's own), each newest first."""
    versions = TariffVersion.objects.order_by("-valid_from", "-number")
    rows = (
        TariffAssignment.objects.filter(which)
        .select_related("tariff")
        .prefetch_related(Prefetch("tariff__versions", versions))
        .order_by("-valid_from")
    )
    found: dict[tuple[int, int | None], list[Assigned]] = {}
    for row in rows:
        # A tariff that was put out of use applies nowhere; an EVSE has its site's then.
        has_one = row.tariff is not None and row.tariff.is_active
        assigned = (
            Assigned(row.valid_from, list(row.tariff.versions.all()), row.tariff_id)
            if has_one
            else Assigned(row.valid_from, None)
        )
        found.setdefault((row.site_id, row.evse_id), []).append(assigned)
    return found


def describe(
    version: TariffVersion, locale: str = "en", groups: Iterable[str] = ()
) -> list[pricing.PriceLine]:
    """The price for drivers in these groups, in the order that AFIR asks for."""
    return pricing.describe(tariff(version, groups), price_words.speech(locale))


def energy_price(version: TariffVersion) -> tuple[Decimal, str] | None:
    """The lowest price per kWh, tax included, and its currency: the “from” price of lists."""
    lines = [line.price for line in describe(version) if line.kind == "ENERGY"]
    if is_free(version):
        lines = [Decimal(0)]
    return (min(lines), tariff(version).currency) if lines else None


# Before the charge


def usual_energy_wh(evse: Evse, duration: timedelta | None, user: User | None = None) -> Decimal:
    """What a car takes: what the charger gives in the time, but not more than fits (billing/policy.py)."""
    most = policy.USUAL_ENERGY_KWH
    power_w = Decimal(evse.max_power_w)
    vehicle = user.vehicles.first() if user is not None else None
    if vehicle is not None:
        if vehicle.battery_kwh:
            most = vehicle.battery_kwh * policy.USUAL_SHARE_OF_BATTERY
        if vehicle.max_power_kw:
            power_w = min(power_w, vehicle.max_power_kw * 1000)
    wh = most * 1000
    if duration is not None:
        hours = Decimal(duration.total_seconds()) / 3600
        wh = min(wh, power_w * policy.USUAL_SHARE_OF_POWER * hours)
    return wh.quantize(Decimal(1))


def usual_duration(evse: Evse, energy_wh: Decimal) -> timedelta:
    """How long that takes at this charger, in whole minutes."""
    hours = energy_wh / (Decimal(max(evse.max_power_w, 1)) * policy.USUAL_SHARE_OF_POWER)
    return timedelta(minutes=max(1, int((hours * 60).to_integral_value(ROUND_CEILING))))


def estimate(
    *,
    evse: Evse,
    starts_at: datetime,
    ends_at: datetime | None = None,
    energy_wh: Decimal | None = None,
    user: User | None = None,
    at_least: Decimal = Decimal(0),
    version: TariffVersion | None = None,
    groups: Iterable[str] | None = None,
) -> Estimate:
    """The price of a planned charge. Without an end it lasts as long as its energy takes; without a version
    it is the one in force at its start, and without groups they are the driver's.

    A slot is priced as charging from end to end: what somebody who leaves the car there would pay for idling
    is in the tariff's lines beside it, and guessing at it would make every slot look dear.
    """
    duration = None if ends_at is None else ends_at - starts_at
    if energy_wh is None:
        energy_wh = usual_energy_wh(evse, duration, user)
    if ends_at is None:
        ends_at = starts_at + usual_duration(evse, energy_wh)
    version = version or required_version(evse, starts_at)
    groups = groups_of(user, evse, starts_at) if groups is None else tuple(groups)
    usage = pricing.quote_usage(
        starts_at, ends_at, tz=evse.station.site.zone, energy_kwh=Decimal(energy_wh) / 1000
    )
    site = evse.station.site
    covered = allowance.cover(
        pricing.price(tariff(version, groups), usage), plans.left_for(user, site, starts_at, groups)
    )
    priced = parties.taxed(covered.priced, user=user, site=site)
    if covered.wh:
        # Another charge may use up the plan first: a step is held, and raised like any other hold.
        at_least = max(at_least, policy.HOLD_STEP[exponent(priced.currency)])
    hold = hold_amount(priced, at_least)
    return Estimate(evse, version, starts_at, ends_at, Decimal(energy_wh), priced, hold, groups, covered.wh)


def hold_amount(priced: pricing.Priced, at_least: Decimal = Decimal(0)) -> Decimal:
    """The estimate and a margin, rounded up to a round number; nothing where charging is free."""
    wanted = max(priced.gross * policy.HOLD_MARGIN, at_least)
    step = policy.HOLD_STEP[exponent(priced.currency)]
    steps = (wanted / step).to_integral_value(ROUND_CEILING)
    return round_money(steps * step, priced.currency)


def quote(
    *,
    evse: Evse,
    starts_at: datetime,
    ends_at: datetime | None = None,
    energy_wh: Decimal | None = None,
    user: User | None = None,
    booking: Booking | None = None,
    now: datetime,
    version: TariffVersion | None = None,
    groups: Iterable[str] | None = None,
) -> Quote:
    """Keep an estimate as a row: the bill keeps to its version of the tariff, and to its groups.

    A booking has one quote. `version` and `groups` are those that were agreed to before.
    """
    # Once a payment rests on it, a booking's quote is what the driver agreed to.
    agreed = Quote.objects.filter(booking=booking, payments__isnull=False).first() if booking else None
    if agreed is not None and (agreed.evse_id, agreed.starts_at, agreed.ends_at) == (
        evse.pk,
        starts_at,
        ends_at,
    ):
        return agreed
    least = booking.noshow_fee if booking is not None else Decimal(0)
    found = estimate(
        evse=evse,
        starts_at=starts_at,
        ends_at=ends_at,
        energy_wh=energy_wh,
        user=user,
        at_least=least,
        version=_kept_version(agreed, evse, starts_at) if agreed else version,
        groups=agreed.groups if agreed else groups,
    )
    fields = {
        "evse": evse,
        "version": found.version,
        "user": user,
        "starts_at": found.starts_at,
        "ends_at": found.ends_at,
        "energy_wh": found.energy_wh,
        "groups": list(found.groups),
        "currency": found.currency,
        "lines": to_json(found.priced),
        "net": found.priced.net,
        "tax": found.priced.tax,
        "gross": found.priced.gross,
        "hold_amount": found.hold,
        "created_at": now,
    }
    if booking is None:
        return Quote.objects.create(**fields)
    if agreed is not None:
        return _replaced(agreed, booking, fields)
    row, _is_new = Quote.objects.update_or_create(booking=booking, defaults=fields)
    return row


def quote_of(cdr: Cdr, *, now: datetime) -> Quote:
    """The quote of a session, made now where it began without one: by what was frozen at its start."""
    session = cdr.session
    return cdr.quote or quote(
        evse=session.evse,
        starts_at=session.started_at,
        user=session.user,
        now=now,
        version=cdr.version,
        groups=cdr.groups,
    )


def _kept_version(agreed: Quote, evse: Evse, starts_at: datetime) -> TariffVersion | None:
    """The version that the driver agreed to, unless another tariff applies where the booking is now."""
    if evse.pk == agreed.evse_id:
        return agreed.version
    there = required_version(evse, starts_at)
    return agreed.version if there.tariff_id == agreed.version.tariff_id else there


@transaction.atomic
def _replaced(agreed: Quote, booking: Booking, fields: dict) -> Quote:
    """A booking that has been paid for was moved or made longer: a new quote takes the old one's place.

    The old one stays as it was, without its booking. What is held rests on the new one from now on.
    """
    Booking.objects.select_for_update(no_key=True).get(pk=booking.pk)
    if not Quote.objects.filter(pk=agreed.pk, booking=booking).update(booking=None):
        return Quote.objects.get(booking=booking)  # Somebody else was faster.
    new = Quote.objects.create(booking=booking, **fields)
    agreed.payments.filter(booking=booking).update(quote=new)
    Cdr.objects.filter(quote=agreed).update(quote=new)
    return new


# While it runs and after


def running(session: Session, at: datetime | None = None) -> pricing.Priced | None:
    """The cost up to the last meter value: nothing is guessed beyond it. None where no tariff applies."""
    version = frozen_version(session)
    if version is None:
        return None
    return parties.taxed(priced(session, version, until=at), user=session.user, site=session.station.site)


def priced(session: Session, version: TariffVersion, *, until: datetime | None = None) -> pricing.Priced:
    """What it costs by this version, with its booking's fee for charging on and its plan's energy."""
    left = plans.left_for_session(session, frozen_groups(session))
    return covered(session, version, left_wh=left, until=until).priced


def covered(
    session: Session, version: TariffVersion, *, left_wh: Decimal, until: datetime | None = None
) -> allowance.Covered:
    """The same with so much included energy at most, and how much of that it used."""
    used = usage(session, until=until)
    found = pricing.price(tariff(version, frozen_groups(session)), used)
    found = late_stop.with_fee(found, tariff=tariff(version), session=session, until=used.end)
    return allowance.cover(found, left_wh)


def frozen_version(session: Session) -> TariffVersion | None:
    """The version that this session is billed by: as quoted, else as it was at the start."""
    cdr = getattr(session, "cdr", None)
    return cdr.version if cdr is not None else version_for(session.evse, session.started_at)


def frozen_groups(session: Session) -> tuple[str, ...]:
    """The price groups that this session is billed by: as quoted, else the driver's at the start."""
    cdr = getattr(session, "cdr", None)
    if cdr is not None:
        return tuple(cdr.groups)
    return groups_of(session.user, session.evse, session.started_at)


def usage(session: Session, *, until: datetime | None = None) -> pricing.Usage:
    """The session's periods from the energy that its meter is believed; `until` only while it still runs."""
    measured = metering.measured(session)
    curve, total_wh, ends_at = measured.curve, measured.total_wh, session.stopped_at
    if ends_at is None:
        ends_at = max(curve[-1][0], session.started_at) if curve else session.started_at
        if until is not None:
            ends_at = max(min(ends_at, until), session.started_at)
            curve = [point for point in curve if point[0] <= ends_at]
            total_wh = curve[-1][1] if curve else Decimal(0)
    return pricing.usage_from_readings(
        session.started_at, ends_at, Decimal(0), total_wh, curve, session.station.site.zone
    )
