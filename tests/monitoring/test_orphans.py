"""What belongs to no session, as the people who settle it see it; and the charts of long times."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse
from django.utils import timezone

from monitoring import charts
from stations import doubts, orphans, rollup, series, sessions
from stations.downsample import thin
from stations.models import Event, Hour, Orphan, Reading, Session
from tests import make

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)


@pytest.fixture
def evse():
    return make.evse(max_power_w=22_000)


def sign_in(client, operator, role="manager"):
    person = make.member(operator=operator, role=role)
    Authenticator.objects.create(user=person, type="totp", data={"secret": "x"})
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return person


def lost_stop(station, meter=6000, number="777") -> Orphan:
    report = sessions.Stop(number, NOW, NOW, Decimal(meter), "Local", "04A2B3C4")
    orphans.stopped(station=station, report=report, payload={"transactionId": number, "meterStop": meter})
    return Orphan.objects.get(transaction_id=number)


def test_a_stop_is_attached_to_the_session_that_it_ends(client, evse):
    session = make.session(evse=evse, started_at=NOW - timedelta(hours=1), token="CARD")
    boss = sign_in(client, evse.station.site.operator)
    orphan = lost_stop(evse.station)
    listed = client.get(reverse("ops:orphans")).content.decode()
    assert "777" in listed and "No transaction of this charger has this number." in listed
    assert reverse("ops:orphans") in client.get(reverse("ops:sessions")).content.decode()

    address = reverse("ops:orphan", args=[orphan.pk])
    assert "0.00 kWh" in client.get(address).content.decode()
    answer = client.post(address, {"decision": "attach", "session": str(session.pk)}, follow=True)
    assert "5.00 kWh" in answer.content.decode()
    session.refresh_from_db()
    orphan.refresh_from_db()
    assert (session.is_open, session.energy_wh, session.review) == (False, Decimal(5000), "")
    assert (orphan.resolution, orphan.resolved_by, orphan.session) == ("attached", boss, session)
    assert "777" not in client.get(reverse("ops:orphans")).content.decode()


def test_readings_are_attached_and_correct_the_bill(client, evse):
    session = make.session(evse=evse, started_at=NOW - timedelta(hours=1), minutes=60, energy_wh=0)
    Session.objects.update(meter_stop_wh=None, is_estimated=True)
    Reading.objects.create(
        evse=evse, at=NOW - timedelta(minutes=10), received_at=NOW, value=4000, unit="Wh",
        measurand="Energy.Active.Import.Register", phase="", location="Outlet", context="Sample.Periodic",
    )  # fmt: skip
    orphans.metered(station=evse.station, transaction_id="9", payload={}, received_at=NOW)
    sign_in(client, evse.station.site.operator)
    orphan = Orphan.objects.get()
    client.post(reverse("ops:orphan", args=[orphan.pk]), {"decision": "attach", "session": str(session.pk)})
    session.refresh_from_db()
    assert session.energy_wh == Decimal(3000)


def test_it_is_dismissed_once(client, evse):
    orphan = lost_stop(evse.station)
    sign_in(client, evse.station.site.operator)
    address = reverse("ops:orphan", args=[orphan.pk])
    assert client.post(address, {"decision": "dismiss"}).status_code == 302
    again = client.post(address, {"decision": "dismiss"})
    assert again.status_code == 422
    assert "dealt with this already" in again.content.decode()


@pytest.mark.parametrize("chosen", ["", "nonsense", "another"])
def test_what_is_not_its_chargers_is_no_choice(client, evse, chosen):
    other = make.session(evse=make.evse(), started_at=NOW - timedelta(hours=1))
    orphan = lost_stop(evse.station)
    sign_in(client, evse.station.site.operator)
    chosen = str(other.pk) if chosen == "another" else chosen
    answer = client.post(reverse("ops:orphan", args=[orphan.pk]), {"decision": "attach", "session": chosen})
    assert answer.status_code == 422
    other.refresh_from_db()
    assert other.is_open
    with pytest.raises(orphans.WrongStation):
        orphans.attach(orphan=orphan, session=other, by=make.user())


def test_an_accountant_looks_and_does_not_decide(client, evse):
    orphan = lost_stop(evse.station)
    sign_in(client, evse.station.site.operator, "accountant")
    address = reverse("ops:orphan", args=[orphan.pk])
    assert "Save the decision" not in client.get(address).content.decode()
    assert client.post(address, {"decision": "dismiss"}).status_code == 403


def test_another_chargers_number_is_told_as_what_it_is(evse):
    theirs = make.session(evse=make.evse(), started_at=NOW - timedelta(hours=1), transaction_id="777")
    assert lost_stop(evse.station).problem == "The transaction belongs to another charger."
    theirs.refresh_from_db()
    assert theirs.is_open
    assert Event.objects.get().severity == 3


def test_the_session_page_says_what_was_odd(client, evse):
    session = make.session(
        evse=evse, started_at=NOW - timedelta(hours=2), minutes=60, seq_nos=[[0, 2], [5, 6]],
        flags=["rollover", doubts.OTHER_TOKEN],
    )  # fmt: skip
    sign_in(client, evse.station.site.operator)
    page = client.get(reverse("ops:session", args=[session.pk])).content.decode()
    for words in ("seqNo 3–4", "began again at zero", "another card"):
        assert words in page


# Series


def reading(session, minutes, wh, power=None):
    values = [("Energy.Active.Import.Register", wh, "Wh")]
    values += [("Power.Active.Import", power, "W")] if power else []
    at = session.started_at + timedelta(minutes=minutes)
    for measurand, value, unit in values:
        Reading.objects.create(
            evse=session.evse, session=session, at=at, received_at=at, measurand=measurand, phase="",
            location="Outlet", context="Sample.Periodic", value=value, unit=unit,
        )  # fmt: skip
    series.touch([(session.evse_id, at)])


def test_hours_are_reckoned_from_what_was_charged_in_them(evse):
    noon = NOW.replace(minute=0, second=0) - timedelta(days=1)
    session = make.session(evse=evse, started_at=noon + timedelta(minutes=30), minutes=60, energy_wh=10_000)
    reading(session, 15, 3000, power=8000)
    reading(session, 45, 9000, power=12_000)
    series.touch_session(session)
    for _again in range(2):
        rollup.roll_up()
    hours = [(row.starts_at, row.energy_wh, row.max_power_w, row.busy_s) for row in Hour.objects.all()]
    # 1000 → 3000 in the first quarter, → 9000 in the next half hour, → 11000 in the last quarter.
    assert hours == [
        (noon, Decimal(5000), Decimal(8000), 1800),
        (noon + timedelta(hours=1), Decimal(5000), Decimal(12_000), 1800),
    ]
    assert not series.stale().exists()
    reading(session, 50, 9500)
    assert series.stale().count() == 1, "only the hour that was touched"


def test_a_year_is_drawn_from_a_few_hundred_points(client, evse):
    since = NOW - timedelta(days=364)
    Hour.objects.bulk_create(
        Hour(
            evse=evse,
            starts_at=series.hour_of(since) + timedelta(hours=n),
            energy_wh=100,
            busy_s=60,
            is_stale=False,
        )
        for n in range(364 * 24)
    )
    sign_in(client, evse.station.site.operator)
    page = client.get(reverse("ops:charger_history", args=[evse.station_id])).content.decode()
    assert "Energy a day over the last twelve months" in page

    got = client.get(f"/api/v1/series/?station={evse.station.identity}&points=100").json()
    assert got["every"] == "week"
    assert len(got["points"]) <= 100
    assert sum(point["energy_wh"] for point in got["points"]) == 364 * 24 * 100
    got = client.get(f"/api/v1/series/?evse={evse.public_id}").json()
    assert (got["every"], 365 <= len(got["points"]) <= 366) == ("day", True)


@pytest.mark.parametrize(
    "query", ["", "evse=x&station=y", "evse=x&points=0", "evse=x&from=yesterday", "evse=x&every=second",
              "evse=x&from=2000-01-01T00:00:00Z&every=hour", "evse=x&from=2030-01-01T00:00:00Z"]
)  # fmt: skip
def test_questions_that_make_no_sense_are_refused(client, evse, query):
    sign_in(client, evse.station.site.operator)
    assert client.get(f"/api/v1/series/?{query}").status_code == 400


def test_days_are_the_sites_own():
    """At the end of summer time a day has 25 hours, and each hour belongs to one day."""
    evse = make.evse(station=make.station(site=make.site(time_zone="Europe/Berlin")))
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)
    Hour.objects.bulk_create(
        Hour(evse=evse, starts_at=start + timedelta(hours=n), energy_wh=1, is_stale=False) for n in range(25)
    )
    zone = evse.station.site.zone
    _step, days = series.buckets(
        Hour.objects.all(), since=start, until=start + timedelta(hours=25), zone=zone, step="day"
    )
    assert [(day.starts_at.astimezone(zone).day, day.energy_wh) for day in days] == [(25, Decimal(25))]


def test_thinning_keeps_the_peak_and_both_ends():
    points = [(float(n), 100.0 if n == 777 else 1.0) for n in range(10_000)]
    kept = thin(points, 300)
    assert len(kept) == 300
    assert {0, 777, 9999} <= set(kept)
    assert kept == sorted(set(kept))
    assert thin(points[:5], 300) == [0, 1, 2, 3, 4]


def test_a_long_sessions_chart_stays_small():
    at = datetime(2026, 6, 15, tzinfo=UTC)
    rows = []
    for n in range(3000):
        moment = at + timedelta(seconds=10 * n)
        rows += [(moment, "Power.Active.Import", Decimal(11_000 if n != 1234 else 99_000))]
        rows += [(moment, "SoC", Decimal(n) / 30)]
    drawn = charts.chart(rows)
    assert len(drawn.times) <= 300
    assert max(value for value in drawn.series[0].values if value is not None) == 99.0
