"""What the rules are asked about: each reader gives the places where something might be wrong, in bulk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Exists, Max, OuterRef, Q, Sum
from django.utils.translation import gettext as _g

from billing.models import Payment
from monitoring.load.models import LoadGroup, LoadMember
from monitoring.patterns.rollup import NOTHING_WH
from monitoring.rules.kinds import Observed
from stations import registers
from stations.models import Certificate, Evse, Reading, Session, SignedCheck, Site, Station

#: A charger is busy where at least one session a day began in the weeks before.
BUSY_DAYS, BUSY_SESSIONS = 28, 28
ANOMALIES = [registers.BACKWARDS, registers.RESET, registers.JUMP, registers.MISMATCH]


def silent(sites, rule, now: datetime) -> list[Observed]:
    """Online, busy in the four weeks before, and nobody since: it may look well and not work."""
    days = max(int(rule.threshold or 0), 1)
    quiet_from = now - timedelta(days=days)
    began = quiet_from - timedelta(days=BUSY_DAYS)
    evses = (
        Evse.objects.filter(station__site__in=sites, station__connection__isnull=False)
        .annotate(
            last=Max("sessions__started_at"),
            sessions_before=Count(
                "sessions",
                filter=Q(sessions__started_at__gte=began, sessions__started_at__lt=quiet_from),
            ),
        )
        .filter(sessions_before__gte=BUSY_SESSIONS, last__lt=quiet_from)
        .select_related("station")
    )
    return [_evse(evse, Decimal((now - evse.last).days), since=evse.last) for evse in evses]


def clock(sites, rule, now: datetime) -> list[Observed]:
    """Clocks that are off, and chargers whose socket is open though they say nothing."""
    threshold = rule.threshold or Decimal(0)
    patience = max(timedelta(minutes=rule.minutes), timedelta(seconds=3 * settings.OCPP_HEARTBEAT_SECONDS))
    online = Station.objects.filter(site__in=sites, connection__isnull=False)
    off = online.filter(Q(clock_offset_s__gte=threshold) | Q(clock_offset_s__lte=-threshold))
    found = [_station(one, Decimal(abs(one.clock_offset_s))) for one in off if one.clock_offset_s]
    mute = online.filter(last_seen_at__lt=now - patience, connected_at__lt=now - patience)
    for one in mute:
        minutes = int((now - one.last_seen_at).total_seconds() // 60)
        words = _g("connected, and has said nothing for %s minutes") % minutes
        found.append(_station(one, threshold, since=one.last_seen_at, detail=words))
    return found


def unexplained(sites, rule, now: datetime) -> list[Observed]:
    """Power at an EVSE that has no session, for as long as the rule says."""
    window = timedelta(minutes=max(rule.minutes * 2, 15))
    running = Session.objects.open().filter(evse=OuterRef("pk"))
    free = {
        evse.pk: evse
        for evse in Evse.objects.filter(
            ~Exists(running), station__site__in=sites, station__connection__isnull=False
        )
        .select_related("station")
        .order_by("pk")
    }
    rows = Reading.objects.filter(
        evse__in=list(free),
        session=None,
        measurand="Power.Active.Import",
        phase="",
        at__gte=now - window,
        at__lte=now + timedelta(minutes=5),
    ).order_by("evse_id", "at")
    # Since when it has flowed without a break, and what the newest value is.
    flowing: dict[int, tuple[datetime, Decimal]] = {}
    for row in rows:
        if row.value < (rule.threshold or 1):
            flowing.pop(row.evse_id, None)
        else:
            flowing[row.evse_id] = (flowing.get(row.evse_id, (row.at, row.value))[0], row.value)
    return [_evse(free[pk], value.quantize(Decimal(1)), since=at) for pk, (at, value) in flowing.items()]


def no_energy(sites, rule, now: datetime) -> list[Observed]:
    """Sessions that run and give nothing; one that the car itself has paused is not the charger's fault."""
    sessions = (
        Session.objects.open()
        .filter(station__site__in=sites, station__connection__isnull=False)
        .exclude(charging_state=Session.ChargingState.SUSPENDED_EV)
        .exclude(evse__state="suspended_ev")
        .filter(start_received_at__lte=now - timedelta(minutes=rule.minutes))
        .filter(energy_wh__lt=rule.threshold if rule.threshold is not None else NOTHING_WH)
        .select_related("evse__station")
    )
    return [
        _evse(each.evse, each.energy_wh.quantize(Decimal(1)), since=each.start_received_at)
        for each in sessions
    ]


def failed_starts(sites, rule, now: datetime) -> list[Observed]:
    """Sessions that ended with nothing, on one EVSE, since the last one that worked."""
    since = now - timedelta(minutes=rule.minutes)
    recent = Session.objects.filter(station__site__in=sites, stop_received_at__gte=since)
    worked = dict(
        recent.filter(energy_wh__gte=NOTHING_WH)
        .order_by()
        .values_list("evse")
        .annotate(at=Max("stop_received_at"))
    )
    count: dict[int, int] = {}
    for evse_id, at in recent.filter(energy_wh__lt=NOTHING_WH).values_list("evse", "stop_received_at"):
        if evse_id not in worked or at > worked[evse_id]:
            count[evse_id] = count.get(evse_id, 0) + 1
    evses = Evse.objects.filter(pk__in=count).select_related("station")
    return [_evse(evse, Decimal(count[evse.pk]), since=since) for evse in evses]


def temperature(sites, rule, now: datetime) -> list[Observed]:
    """The newest temperature that each EVSE has told lately."""
    evses = {evse.pk: evse for evse in Evse.objects.filter(station__site__in=sites).select_related("station")}
    rows = Reading.objects.filter(
        evse__in=list(evses),
        measurand="Temperature",
        at__gte=now - timedelta(minutes=rule.minutes),
        at__lte=now + timedelta(minutes=5),
    ).order_by("at")
    newest = {row.evse_id: row for row in rows}
    return [_evse(evses[pk], row.value, since=row.at) for pk, row in newest.items()]


def meter(sites, rule, now: datetime) -> list[Observed]:
    sessions = (
        Session.objects.filter(
            station__site__in=sites,
            stop_received_at__gte=now - timedelta(minutes=rule.minutes),
            flags__has_any_keys=ANOMALIES,
        )
        .select_related("evse__station")
        .order_by("stop_received_at")
    )
    return [_evse(each.evse, Decimal(1), since=each.stop_received_at) for each in sessions]


def signed(sites, rule, now: datetime) -> list[Observed]:
    """Stations whose signed values are forged or contradictory, with the newest reason."""
    checks = (
        SignedCheck.objects.grave()
        .filter(session__station__site__in=sites, checked_at__gte=now - timedelta(minutes=rule.minutes))
        .select_related("session__station")
        .order_by("checked_at")
    )
    newest = {check.session.station_id: check for check in checks}
    return [
        _station(check.session.station, Decimal(1), since=check.checked_at, detail=str(check.reason_words))
        for check in newest.values()
    ]


def payment(sites, rule, now: datetime) -> list[Observed]:
    since = now - timedelta(minutes=rule.minutes)
    failed = (
        Payment.objects.filter(state="failed", updated_at__gte=since, session__station__site__in=sites)
        .order_by()
        .values_list("session__station__site")
        .annotate(n=Count("pk"))
    )
    unplaced = Payment.objects.filter(
        state="failed", updated_at__gte=since, session=None, quote__evse__station__site__in=sites
    )
    count = dict(failed)
    for site_id, n in unplaced.order_by().values_list("quote__evse__station__site").annotate(n=Count("pk")):
        count[site_id] = count.get(site_id, 0) + n
    return [_site(site, Decimal(count[site.pk]), since=since) for site in Site.objects.filter(pk__in=count)]


def certificate(sites, rule, now: datetime) -> list[Observed]:
    """The newest certificate of each use that a charger has taken."""
    rows = (
        Certificate.objects.filter(
            station__site__in=sites, status=Certificate.Status.INSTALLED, not_after__isnull=False
        )
        .select_related("station")
        .order_by("station_id", "use", "-not_after")
        .distinct("station_id", "use")
    )
    return [
        _station(row.station, Decimal((row.not_after - now).days), since=row.not_before)
        for row in sorted(rows, key=lambda row: row.not_after, reverse=True)
    ]


def limit(sites, rule, now: datetime) -> list[Observed]:
    """What the sessions of a site draw together, in percent beyond its grid connection.

    Where load is managed it is measured on each phase of each group, with the building's draw.
    """
    managed = LoadGroup.objects.filter(load_site__is_active=True, load_site__site__in=sites)
    found = _over(managed.select_related("load_site__site"), rule)
    sites = sites.exclude(pk__in=managed.values("load_site__site"))
    drawn = dict(
        Session.objects.open()
        .filter(station__site__in=sites, power_w__gt=0, last_reading_at__gte=now - timedelta(minutes=15))
        .order_by()
        .values_list("station__site")
        .annotate(w=Sum("power_w"))
    )
    for site in Site.objects.filter(pk__in=[each.pk for each in sites], grid_limit_w__gt=0):
        over = 100 * (drawn.get(site.pk) or Decimal(0)) / site.grid_limit_w - 100
        key = f"alerts:over-limit:{rule.pk}:{site.pk}"
        if over <= (rule.threshold or 0):
            cache.delete(key)
            continue
        # The draw itself is kept per session only: since when it is too much is remembered here.
        found.append(
            _site(site, over.quantize(Decimal(1)) or Decimal(1), since=cache.get_or_set(key, now, 3600))
        )
    return found


def _over(groups, rule) -> list[Observed]:
    """The worst group of each site, in percent beyond its limit."""
    worst: dict[int, Observed] = {}
    for group in groups:
        if group.over_since is None:
            continue
        percents = [
            100 * Decimal(drawn) / 10 / limit - 100 if limit else Decimal(drawn)
            for drawn, limit in zip(group.draw, group.limit, strict=False)
        ]
        over = max(percents, default=Decimal(0))
        site = group.load_site.site
        if over <= (rule.threshold or 0) or (site.pk in worst and worst[site.pk].value >= over):
            continue
        phase = percents.index(over)
        words = _g("“%(group)s” draws %(drawn)s A of %(limit)s A on L%(phase)s") % {
            "group": group.name,
            "drawn": Decimal(group.draw[phase]) / 10,
            "limit": group.limit[phase],
            "phase": phase + 1,
        }
        over = over.quantize(Decimal(1)) or Decimal(1)
        worst[site.pk] = Observed(site.pk, None, None, site.name, over, group.over_since, words)
    return list(worst.values())


def load(sites, rule, now: datetime) -> list[Observed]:
    """Chargers that refuse what the load plan tells them, or draw more than they accepted."""
    members = LoadMember.objects.exclude(flag="").filter(
        group__load_site__is_active=True, group__load_site__site__in=sites
    )
    words = {
        LoadMember.Flag.REJECTED: _g("refuses its limit (%(why)s); the plan reserves what it draws"),
        LoadMember.Flag.UNABLE: _g("says that it can't be told a limit; the plan reserves what it draws"),
        LoadMember.Flag.IGNORED: _g("draws more than its limit (%(why)s); the plan reserves what it draws"),
    }
    return [
        _evse(
            member.evse,
            Decimal(max(member.draw, default=0)) / 10,
            since=member.flagged_at,
            detail=words[member.flag] % {"why": member.flag_reason or "–"},
        )
        for member in members.select_related("evse__station")
    ]


def _evse(evse: Evse, value: Decimal, *, since=None, detail: str = "") -> Observed:
    station = evse.station
    return Observed(
        station.site_id, station.pk, evse.pk, f"{station.name} / {evse.number}", value, since, detail
    )


def _station(one: Station, value: Decimal, *, since=None, detail: str = "") -> Observed:
    return Observed(one.site_id, one.pk, None, one.name, value, since, detail)


def _site(site: Site, value: Decimal, *, since=None) -> Observed:
    return Observed(site.pk, None, None, site.name, value, since)


READ: dict[str, Callable] = {
    "silent": silent,
    "clock": clock,
    "unexplained": unexplained,
    "no_energy": no_energy,
    "failed_starts": failed_starts,
    "temperature": temperature,
    "meter": meter,
    "signed": signed,
    "payment": payment,
    "certificate": certificate,
    "limit": limit,
    "load": load,
}
