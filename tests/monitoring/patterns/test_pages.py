"""The reports' pages, files, API and mails; and what is asked of them in vain."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.utils import timezone

from evportal.accounts.models import Membership
from evportal.outbox import tasks as outbox
from evportal.outbox.models import Mail
from monitoring.patterns import scheduled
from monitoring.patterns.models import ScheduledReport, SiteDay, SiteHour, SiteTakings
from tests import make

pytestmark = pytest.mark.django_db


def used(site, day: date, *, energy_kwh=100, hour=14, takings="42.00", **fields):
    """A day on which a site was used, all in one hour."""
    fields = {"sessions": 5, "occupied_s": 1800, "charging_s": 1200, "idle_s": 600, "peak_w": 22_000} | fields
    SiteDay.objects.create(
        site=site, day=day, energy_wh=energy_kwh * 1000,
        lengths=[0, 0, 2, 3, 0, 0, 0, 0], energies=[0, 5, 0, 0, 0, 0, 0, 0],
        by_hour=[fields["occupied_s"] * (each == hour) for each in range(24)], **fields,
    )  # fmt: skip
    at = datetime(day.year, day.month, day.day, hour, tzinfo=site.zone)
    SiteHour.objects.create(
        site=site, starts_at=at, slot=day.weekday() * 24 + hour, energy_wh=energy_kwh * 1000, **fields
    )
    SiteTakings.objects.create(site=site, day=day, currency="EUR", net=Decimal(takings))


@pytest.fixture
def site():
    site = make.site(name="Harbour")
    make.evse(station=make.station(site=site))
    return site


@pytest.fixture
def manager(site, client):
    person = make.member(operator=site.operator)
    client.force_login(person)
    return person


YESTERDAY = timezone.localdate() - timedelta(days=1)


def test_the_page_shows_what_was_charged_and_earned(site, manager, client):
    used(site, YESTERDAY)
    used(site, YESTERDAY - timedelta(days=30), energy_kwh=50)
    page = client.get("/ops/reports/").content.decode()
    assert "100" in page and "50 in the period before" in page
    assert "€42.00" in page
    assert page.count('class="heat-') == 168
    assert 'class="heat-5"' in page
    assert "Harbour" in page and "report-energy-data" in page and "report-revenue-EUR" in page


def test_who_may_not_see_money_does_not(site, client):
    used(site, YESTERDAY)
    client.force_login(make.member(operator=site.operator, role="technician"))
    page = client.get("/ops/reports/").content.decode()
    assert "100" in page and "Revenue" not in page and "42.00" not in page
    assert "42.00" not in client.get("/ops/reports/sites.csv").content.decode()


def test_another_operators_use_is_not_in_it(site, manager, client):
    other = make.site(name="Elsewhere")
    used(other, YESTERDAY, energy_kwh=246813)
    used(site, YESTERDAY)
    page = client.get(f"/ops/reports/?site={other.pk}").content.decode()
    assert "246813" not in page and "Elsewhere" not in page
    assert "246813" not in client.get("/ops/reports/sites.csv").content.decode()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("since=2026-02-02&until=2026-02-01", "The last day lies before the first."),
        ("since=2015-01-01&until=2025-01-01", "three years at most"),
        ("since=2999-01-01", "future"),
        ("since=0001-01-01&until=0001-01-02", "2010"),
        ("since=yesterday", "Enter a valid date."),
        ("site=999999999999999999999", "Select a valid choice"),
    ],
)
def test_what_makes_no_report_is_said_and_the_rest_is_shown(site, manager, client, query, words):
    page = client.get(f"/ops/reports/?{query}")
    assert page.status_code == 200 and words in page.content.decode()
    refused = client.get(f"/ops/reports/sites.csv?{query}")
    assert refused.status_code == 400 and words in refused.content.decode()
    assert client.get(f"/ops/reports/report.xlsx?{query}").status_code == 400


def test_nothing_there(site, manager, client):
    assert "Nothing was charged in this time" in client.get("/ops/reports/").content.decode()
    assert "Too little is known yet" in client.get("/ops/reports/forecast/").content.decode()
    assert client.get("/ops/reports/report.xlsx").status_code == 200
    site.stations.get().evses.all().delete()
    assert client.get("/ops/reports/").status_code == 200
    stranger = make.member(operator=make.operator())
    client.force_login(stranger)
    for url in ("reports/", "reports/forecast/", "uptime/", "outages/", "reports/over-time.csv"):
        assert client.get(f"/ops/{url}").status_code == 200
    assert client.get("/ops/uptime/?site=1e9").status_code == 404


def test_each_table_as_a_file(site, manager, client):
    used(site, YESTERDAY)
    for name in ("comparison", "over-time", "utilisation", "sites", "lengths", "energies", "bookings"):
        response = client.get(f"/ops/reports/{name}.csv")
        assert response.status_code == 200 and name in response["Content-Disposition"]
        assert len(response.content.decode("utf-8-sig").splitlines()) >= 2
    lines = client.get("/ops/reports/sites.csv").content.decode("utf-8-sig").splitlines()
    assert lines[2].startswith("Harbour,1,") and lines[2].endswith(",42.00")
    assert client.get("/ops/reports/nothing.csv").status_code == 404
    book = client.get("/ops/reports/report.xlsx")
    assert book.content[:2] == b"PK"


def test_the_api_says_the_same_as_the_file(site, manager, client):
    used(site, YESTERDAY)
    found = client.get(f"/api/v1/reports/?site={site.slug}").json()
    table = next(each for each in found["tables"] if each["name"] == "sites")
    assert table["rows"][0][:4] == ["Harbour", 1, round(0.5 / (28 * 24) * 100, 1), 100.0]
    for query in ("from=2026-02-02&until=2026-02-01", "from=2001-01-01&until=2020-01-01", "from=x"):
        assert client.get(f"/api/v1/reports/?{query}").status_code == 400
    assert client.get("/api/v1/reports/?site=nothing").status_code == 404


def test_a_report_asks_as_often_for_many_sites_as_for_one(
    site, manager, client, django_assert_max_num_queries
):
    used(site, YESTERDAY)
    client.get("/ops/reports/")
    for number in range(12):
        used(make.site(operator=site.operator, name=f"More {number}"), YESTERDAY, energy_kwh=number)
    with django_assert_max_num_queries(40):
        page = client.get("/ops/reports/").content.decode()
    assert "Sites with least energy" in page


def test_a_forecast_with_its_error(site, manager, client):
    first = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(weeks=6)
    SiteHour.objects.bulk_create(
        SiteHour(site=site, starts_at=first + timedelta(hours=n), slot=0, energy_wh=1000 * (n % 24))
        for n in range(6 * 168)
    )
    page = client.get(f"/ops/reports/forecast/?site={site.pk}").content.decode()
    assert "over the last 4 weeks" in page and "report-forecast-data" in page
    assert page.count("276 kWh") >= 6, "0 + 1 + … + 23"
    assert client.get("/ops/reports/forecast/?site=nonsense").status_code == 200


# By e-mail

MONDAY = datetime(2026, 6, 15, 8, tzinfo=UTC)


@pytest.fixture
def weekly(site, manager):
    used(site, date(2026, 6, 10))
    return scheduled.schedule(
        membership=manager.memberships.get(), every="week", site=None, now=MONDAY - timedelta(days=3)
    )


def test_it_comes_on_monday_once(weekly, site, manager):
    assert scheduled.mail_due(now=MONDAY - timedelta(days=1)) == 0
    assert scheduled.mail_due(now=MONDAY - timedelta(hours=5)) == 0, "nobody is written to in the night"
    assert scheduled.mail_due(now=MONDAY) == 1
    assert scheduled.mail_due(now=MONDAY + timedelta(hours=1)) == 0
    row = Mail.objects.get(key__startswith="report:")
    assert row.to == manager.email and "100.0 kWh" in row.text and "€42.00" in row.text
    assert f"/reports/stop/{weekly.token}/" in row.text
    outbox.send_mail(row.pk)
    (sent,) = mail.outbox
    name, content, kind = sent.attachments[0]
    assert name == "report-2026-06-08-2026-06-14.xlsx" and content[:2] == b"PK" and "spreadsheet" in kind


def test_the_link_in_it_ends_it_without_a_sign_in(weekly, client):
    client.logout()
    url = f"/reports/stop/{weekly.token}/"
    page = client.get(url).content.decode()
    assert "Stop mailing it" in page and ScheduledReport.objects.exists(), "a look alone ends nothing"
    assert "not mailed any more" in client.post(url).content.decode()
    assert not ScheduledReport.objects.exists()
    assert client.get(url).status_code == 200
    assert client.get("/reports/stop/nothing/").status_code == 200


def test_who_left_gets_none(weekly, manager):
    Membership.objects.filter(user=manager).update(is_active=False)
    assert scheduled.mail_due(now=MONDAY) == 0
    name, content, _kind = scheduled.attachment(f"{weekly.membership_id}::2026-06-08:2026-06-15")
    assert name.endswith(".xlsx") and b"Harbour" not in content


def test_two_rounds_at_once_mail_once(weekly, monkeypatch):
    """Both have read the row; the one that writes later finds it written."""
    stale = list(ScheduledReport.objects.select_related("membership__user", "membership__operator", "site"))[
        0
    ]
    assert scheduled.mail_due(now=MONDAY) == 1
    assert scheduled._mail(stale, MONDAY) is False


def test_the_page_of_what_is_mailed(site, manager, client):
    page = client.post("/ops/reports/mail/", {"every": "month", "site": site.pk})
    assert page.status_code == 302
    again = client.post("/ops/reports/mail/", {"every": "month", "site": site.pk})
    assert again.status_code == 422 and "already" in again.content.decode()
    assert client.post("/ops/reports/mail/", {"every": "hourly"}).status_code == 422
    foreign = client.post("/ops/reports/mail/", {"every": "week", "site": make.site().pk})
    assert foreign.status_code == 422
    row = ScheduledReport.objects.get()
    assert "Harbour" in client.get("/ops/reports/mail/").content.decode()
    client.force_login(make.member(operator=site.operator))
    assert client.post(f"/ops/reports/mail/{row.pk}/delete/").status_code == 404
    client.force_login(manager)
    client.post(f"/ops/reports/mail/{row.pk}/delete/")
    assert not ScheduledReport.objects.exists()


def test_the_demo_has_a_history(db):
    from evportal.demo import history
    from monitoring.uptime.models import Outage

    evse = make.evse(max_power_w=22_000)
    history.seed(timezone.now())
    assert SiteDay.objects.filter(site=evse.station.site).count() > 50
    assert Outage.objects.filter(evse=evse).count() == 1
    before = SiteDay.objects.count()
    history.seed(timezone.now())
    assert SiteDay.objects.count() == before
    for day in SiteDay.objects.all():
        assert sum(day.energies) == sum(day.lengths) == day.sessions
