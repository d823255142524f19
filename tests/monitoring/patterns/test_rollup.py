"""Hours and days of use, from sessions, readings, refused starts and invoices; late data, zones, twice."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing.models import Cdr, Invoice, InvoiceLine, Series
from monitoring.patterns import figures, rollup
from monitoring.patterns.models import EvseHour, EvseTakings, SiteDay, SiteHour, SiteTakings
from monitoring.patterns.periods import Period
from stations import metering, series
from stations import rollup as hours
from stations.models import Command, Hour, Reading
from tests import make

pytestmark = pytest.mark.django_db
NOON = make.NOON  # 15 June 2026, 12:00 UTC; 14:00 in Berlin
MINUTE = timedelta(minutes=1)


def charge(evse, started_at=NOON, minutes=90, charging=60, energy_wh=11_000, late=False):
    """A session that takes its energy in the first minutes, and stays connected after that."""
    session = make.session(evse=evse, started_at=started_at, minutes=minutes, energy_wh=energy_wh)
    for minute in range(0, minutes + 1, 10):
        done = min(minute, charging) / charging
        common = {
            "evse": evse,
            "session": session,
            "at": started_at + minute * MINUTE,
            "received_at": started_at,
        }
        common |= {"phase": "", "location": "Outlet", "context": "Sample.Periodic"}
        Reading.objects.create(
            **common,
            measurand="Energy.Active.Import.Register",
            unit="Wh",
            value=1000 + round(energy_wh * done),
        )
        power = energy_wh * 60 / charging if minute < charging else 0
        Reading.objects.create(**common, measurand="Power.Active.Import", unit="W", value=power)
    metering.settle(session)
    session.save()
    return session


def everything(limit=2000):
    """Both rounds, until nothing is left."""
    while hours.roll_up():
        pass
    rollup.roll_up_all(limit=limit)


def invoice(session, net="10.00", currency="EUR", kind="380", corrects=None):
    site, n = session.station.site, make.number()
    cdr, _new = Cdr.objects.get_or_create(session=session, defaults={"currency": currency})
    row = Invoice.objects.create(
        operator=site.operator, site=site, sequence=1,
        series=Series.objects.create(operator=site.operator, prefix=f"S{n}"),
        number=f"S{n}-1", kind=kind, corrects=corrects, cdr=cdr, issued_at=timezone.now(),
        supplied_on=session.started_at.date(), booked_on=session.started_at.date(), vat_country="DE",
        currency=currency, seller={}, buyer={}, net=Decimal(net), tax=0, gross=Decimal(net),
    )  # fmt: skip
    InvoiceLine.objects.create(
        invoice=row, position=1, kind="ENERGY", text="Energy", quantity=1, unit_price=Decimal(net),
        vat_percent=0, net=Decimal(net), tax=0, gross=Decimal(net),
    )  # fmt: skip
    return row


@pytest.fixture
def evse():
    return make.evse(max_power_w=22_000)


def test_an_hour_of_an_evse_and_of_its_site(evse):
    charge(evse)
    everything()
    first, second = EvseHour.objects.order_by("starts_at")
    assert (first.starts_at, second.starts_at) == (NOON, NOON + timedelta(hours=1))
    assert (first.energy_wh, first.sessions, first.peak_w) == (11_000, 1, 11_000)
    assert (first.occupied_s, first.charging_s, first.idle_s) == (3600, 3600, 0)
    assert (second.energy_wh, second.sessions) == (0, 0)
    assert (second.occupied_s, second.charging_s, second.idle_s) == (1800, 0, 1800)
    hour = SiteHour.objects.get(starts_at=NOON)
    assert hour.slot == 14, "a Monday, 14:00 in Berlin"
    day = SiteDay.objects.get()
    assert (day.day, day.energy_wh, day.idle_s, day.sessions) == (date(2026, 6, 15), 11_000, 1800, 1)
    assert day.lengths == [0, 0, 0, 0, 1, 0, 0, 0] and day.energies == [0, 0, 0, 1, 0, 0, 0, 0]


def test_done_twice_it_is_the_same(evse):
    charge(evse)
    everything()
    before = list(SiteDay.objects.values()), list(EvseHour.objects.order_by("pk").values())
    assert rollup.roll_up() == 0, "nothing is new"
    rollup.rebuild(since=NOON - timedelta(days=1), until=NOON + timedelta(days=1))
    everything()
    assert (list(SiteDay.objects.values()), list(EvseHour.objects.order_by("pk").values())) == before


def test_what_comes_late_corrects_its_hours(evse):
    charge(evse)
    everything()
    # An hour that was reckoned long ago gets a session from an offline queue.
    charge(evse, started_at=NOON - timedelta(hours=30), minutes=30, charging=30, energy_wh=5_000)
    everything()
    assert sorted(SiteDay.objects.values_list("day", "energy_wh")) == [
        (date(2026, 6, 14), 5_000),
        (date(2026, 6, 15), 11_000),
    ]
    # A correction of the first one: its hours are reckoned anew, not added to.
    session = evse.sessions.get(started_at=NOON)
    Reading.objects.filter(session_id=session.pk, measurand__startswith="Energy").update(value=1000)
    session.meter_stop_wh = 1000
    metering.reckon_anew(session)
    session.save()
    everything()
    day = SiteDay.objects.get(day=date(2026, 6, 15))
    assert (day.energy_wh, day.sessions, day.failed_starts) == (0, 1, 1)


def test_small_rounds_come_to_the_same(evse):
    for number in range(5):
        charge(evse, started_at=NOON + timedelta(hours=3 * number))
    everything(limit=2)
    assert sum(SiteDay.objects.values_list("energy_wh", flat=True)) == 55_000
    assert (
        not EvseHour.objects.filter(is_stale=True).exists() and not Hour.objects.filter(is_news=True).exists()
    )


def test_failed_starts_are_refusals_and_sessions_that_gave_nothing(evse):
    make.session(evse=evse, started_at=NOON + 5 * MINUTE, minutes=2, energy_wh=10)
    common = {"station": evse.station, "action": "RemoteStartTransaction", "expires_at": timezone.now()}
    at = timezone.now()
    for payload, status, response in (
        ({"connectorId": 1}, "answered", {"status": "Rejected"}),
        ({}, "timed_out", None),
        ({"connectorId": 1}, "answered", {"status": "Accepted"}),
        ({"connectorId": 7}, "answered", {"status": "Rejected"}),
        ({"connectorId": "x"}, "error", None),
    ):
        Command.objects.create(**common, payload=payload, status=status, response=response, answered_at=at)
    series.touch([(evse.pk, NOON)])
    everything()
    assert EvseHour.objects.get(starts_at=NOON).failed_starts == 1
    assert EvseHour.objects.get(starts_at=series.hour_of(at)).failed_starts == 3


def test_takings_by_currency_less_credit_notes_in_the_hour_of_the_start(evse):
    session = charge(evse)
    original = invoice(session)
    everything()
    assert EvseTakings.objects.get().net == 10
    assert (SiteTakings.objects.get().day, SiteTakings.objects.get().net) == (date(2026, 6, 15), 10)
    # The next day some of it is given back.
    invoice(session, net="4.00", kind="381", corrects=original)
    other = charge(evse, started_at=NOON + timedelta(hours=4))
    invoice(other, net="7.00", currency="CHF")
    everything()
    assert sorted(SiteTakings.objects.values_list("currency", "net")) == [("CHF", 7), ("EUR", 6)]
    assert EvseTakings.objects.get(currency="EUR").starts_at == NOON


@pytest.mark.parametrize(
    ("zone", "at", "day", "slot"),
    [
        ("Europe/Berlin", datetime(2026, 6, 14, 22, 30, tzinfo=UTC), date(2026, 6, 15), 0),
        # The hour that comes twice, and the one after the hour that is missing.
        ("Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), date(2026, 10, 25), 6 * 24 + 2),
        ("Europe/Berlin", datetime(2026, 10, 25, 1, 30, tzinfo=UTC), date(2026, 10, 25), 6 * 24 + 2),
        ("Europe/Berlin", datetime(2026, 3, 29, 1, 30, tzinfo=UTC), date(2026, 3, 29), 6 * 24 + 3),
        ("Asia/Kathmandu", datetime(2026, 6, 14, 18, 30, tzinfo=UTC), date(2026, 6, 14), 6 * 24 + 23),
        ("America/Los_Angeles", datetime(2026, 6, 15, 6, 30, tzinfo=UTC), date(2026, 6, 14), 6 * 24 + 23),
    ],
)
def test_days_and_slots_are_the_sites(zone, at, day, slot):
    evse = make.evse(station=make.station(site=make.site(time_zone=zone)))
    charge(evse, started_at=at, minutes=20, charging=20, energy_wh=2_000)
    everything()
    assert SiteHour.objects.get().slot == slot
    assert (SiteDay.objects.get().day, SiteDay.objects.get().energy_wh) == (day, 2_000)
    assert sum(SiteDay.objects.get().lengths) == 1


def test_figures_of_a_period(evse):
    site = evse.station.site
    quiet = make.site(operator=site.operator)
    charge(evse)
    charge(evse, started_at=NOON - timedelta(days=7))
    everything()
    week = Period(date(2026, 6, 15), date(2026, 6, 22))
    line, empty = figures.by_site([site, quiet], week)
    assert (line.use.energy_kwh, line.use.occupied_h, line.use.idle_h, line.evses) == (11.0, 1.5, 0.5, 1)
    assert line.utilisation(7) == pytest.approx(1.5 / 168 * 100)
    assert (empty.use.energy_kwh, empty.utilisation(7)) == (0, 0)
    assert (line.full_hours, empty.full_hours) == (1, 0)
    heat = figures.heat([site], week, 1)
    assert (heat[14], heat[15], heat[16]) == (100.0, 50.0, 0.0)
    assert figures.heat([site], Period(date(2026, 6, 8), date(2026, 6, 22)), 1)[14] == 100.0
    days = figures.over_time([site], week, "day")
    assert [(day.day, use.energy_kwh) for day, use in days[:2]] == [(15, 11.0), (16, 0.0)] and len(days) == 7
    assert figures.shape([site], week).lengths[4] == 1
    demand = figures.demand(site, NOON + timedelta(hours=2, minutes=5), 12)
    assert len(demand) == 7 * 24 + 2 and demand[-2:] == [11.0, 0.0] and demand[0] == 11.0


def test_two_rounds_at_once_do_not_wait_for_each_other(evse):
    """The second leaves at once; what it left, the first one does."""
    import psycopg
    from django.db import connection

    settings = connection.get_connection_params()
    known = {
        name: settings[name] for name in ("dbname", "user", "password", "host", "port") if settings.get(name)
    }
    charge(evse)
    hours.roll_up()
    with psycopg.connect(**known) as other:
        other.execute("SELECT pg_advisory_lock(hashtext('evportal.patterns'))")
        assert rollup.roll_up() == 0
        other.execute("SELECT pg_advisory_unlock(hashtext('evportal.patterns'))")
    assert rollup.roll_up() > 0
