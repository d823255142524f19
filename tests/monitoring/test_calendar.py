"""The operator's calendar: what it shows to whom, at what cost, and what can be done from it."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings import actions, rules
from bookings.models import Booking, Closure
from evportal.outbox.models import Mail
from monitoring import calendar
from stations.models import AvailabilityPlan, Command, Evse
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db
Status = Booking.Status
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
NOW = NOON - 3 * HOUR


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def operator():
    return make.operator()


@pytest.fixture
def site(operator):
    return make.site(operator=operator)


def place(site, **fields) -> Evse:
    station = make.station(site=site, connection=uuid4(), node="tests")
    return make.evse(station=station, state=fields.pop("state", "available"), **fields)


@pytest.fixture
def manager(client, operator):
    person = make.member(operator=operator, role="manager")
    client.force_login(person)
    return person


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def page(client, site, **query):
    return client.get(reverse("ops:calendar"), {"site": site.slug, "day": "2026-06-15", **query})


def entry(starts_at, ends_at):
    return calendar.Entry("booking", "reserved", "x", starts_at, ends_at)


class TestTables:
    """Pure: columns by elapsed time."""

    @pytest.mark.parametrize(
        ("day", "zone", "count"),
        [
            (date(2026, 6, 15), "Europe/Berlin", 96),
            (date(2026, 3, 29), "Europe/Berlin", 92),
            (date(2026, 10, 25), "Europe/Berlin", 100),
            (date(2026, 10, 4), "Australia/Lord_Howe", 94),
            (date(2026, 6, 15), "Asia/Kathmandu", 96),
        ],
    )
    def test_a_day_has_as_many_columns_as_quarters_of_an_hour(self, day, zone, count):
        begin, end = rules.day_bounds(day, ZoneInfo(zone))
        starts = calendar.columns(begin, end)
        assert len(starts) == count
        assert sum(span for _label, span in calendar.hours(starts, ZoneInfo(zone))) == count

    def test_an_hour_that_comes_twice_is_named(self):
        zone = ZoneInfo("Europe/Berlin")
        starts = calendar.columns(*rules.day_bounds(date(2026, 10, 25), zone))
        labels = [label for label, _span in calendar.hours(starts, zone)]
        assert labels[1:5] == ["01:00", "02:00 CEST", "02:00 CET", "03:00"]

    def test_every_row_fills_the_day(self):
        begin = datetime(2026, 6, 15, tzinfo=UTC)
        starts = calendar.columns(begin, begin + 24 * HOUR)
        rows = [
            [],
            [entry(begin - HOUR, begin + HOUR), entry(begin + 23 * HOUR, begin + 30 * HOUR)],
            [
                entry(begin + 10 * MINUTE, begin + 20 * MINUTE),
                entry(begin + 20 * MINUTE, begin + 25 * MINUTE),
            ],
            [entry(begin - HOUR, begin), entry(begin + 24 * HOUR, begin + 25 * HOUR)],
        ]
        for entries in rows:
            assert sum(cell.span for cell in calendar.cells(entries, starts, begin + 24 * HOUR)) == 96
        spans = [
            (cell.span, cell.entry is not None)
            for cell in calendar.cells([entry(begin + HOUR, begin + 90 * MINUTE)], starts, begin + 24 * HOUR)
        ]
        assert spans == [(4, False), (2, True), (90, False)]


class TestPage:
    def test_shows_bookings_closures_and_sessions_with_links(self, client, manager, site):
        evse = place(site)
        booking = make.booking(evse=evse, user=make.user(name="Ada Lovelace"), now=NOW)
        client.post(
            "/api/v1/closures/",
            {
                "evse": evse.public_id,
                "starts_at": (NOON + HOUR).isoformat(),
                "ends_at": (NOON + 2 * HOUR).isoformat(),
                "reason": "New cables",
            },
            content_type="application/json",
        )
        session = make.session(evse=evse, started_at=NOW - HOUR, minutes=30, energy_wh=7000)
        for view in ("day", "week"):
            text = page(client, site, view=view).content.decode()
            # The site's clock: Berlin in summer.
            assert "14:00–14:30" in text
            for word in ("Ada Lovelace", "New cables", "Charged 7.0 kWh"):
                assert word in text
            for url in (
                reverse("ops:calendar_booking", args=[booking.pk]),
                reverse("ops:calendar_closure", args=[Closure.objects.get().pk]),
                reverse("ops:session", args=[session.pk]),
                reverse("ops:charger", args=[evse.station_id]),
            ):
                assert url in text

    @pytest.mark.parametrize(("role", "sees"), [("support", True), ("technician", False)])
    def test_who_may_not_know_drivers_sees_times_only(self, client, operator, site, role, sees):
        client.force_login(make.member(operator=operator, role=role))
        booking = make.booking(evse=place(site), user=make.user(name="Ada Lovelace"), now=NOW)
        for url in (None, reverse("ops:calendar_booking", args=[booking.pk])):
            text = (client.get(url) if url else page(client, site)).content.decode()
            assert "14:00–14:30" in text
            assert ("Ada Lovelace" in text) is sees
            assert ("Cancel the booking" in text) is (sees and url is not None)

    def test_each_operator_sees_its_own(self, client, manager, site):
        theirs = make.booking(evse=place(make.site()), now=NOW)
        place(site)
        response = page(client, theirs.evse.station.site)
        assert response.context["site"] == site
        assert str(theirs.pk) not in response.content.decode()
        assert client.get(reverse("ops:calendar_booking", args=[theirs.pk])).status_code == 404

    def test_the_busiest_site_comes_first(self, client, manager, site, operator):
        busy = make.site(operator=operator, name="Zz")
        make.booking(evse=place(busy), now=NOW)
        assert client.get(reverse("ops:calendar")).context["site"] == busy

    @pytest.mark.parametrize("day", ["", "nonsense", "0001-01-01", "9999-12-31", "2026-02-30"])
    def test_any_day_in_the_address_is_a_page(self, client, manager, site, day):
        place(site)
        for view in ("day", "week", "x"):
            assert page(client, site, day=day, view=view).status_code == 200

    @pytest.mark.parametrize("view", ["day", "week"])
    def test_the_queries_do_not_grow(self, client, manager, site, view):
        def count():
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert page(client, site, view=view).status_code == 200
            return len(queries)

        self.fill(site)
        first = count()
        for _more in range(4):
            self.fill(site)
        assert count() == first

    def fill(self, site):
        evse = place(site)
        for number in range(2):
            make.booking(evse=evse, starts_at=NOON + number * HOUR, now=NOW)
        closed = place(site)
        make.session(evse=closed, user=make.user(), started_at=NOW - HOUR)
        actions.close_evse(evse=closed, starts_at=NOW, ends_at=NOON, now=NOW)

    def conflicts(self, client, site):
        return [words for _evse, _entry, words in page(client, site).context["conflicts"]]

    def test_a_faulted_charger_before_a_booking_is_a_conflict(self, client, manager, site):
        evse = place(site)
        make.booking(evse=evse, starts_at=NOW + HOUR, now=NOW)
        assert self.conflicts(client, site) == []
        Evse.objects.filter(pk=evse.pk).update(state="faulted", state_since=NOW)
        assert self.conflicts(client, site) == ["The charger is faulted."]
        text = page(client, site).content.decode()
        assert "1 conflict" in text and "has-conflict" in text

    def test_an_offline_charger_and_a_planned_closure_too(self, client, manager, site):
        offline = make.evse(station=make.station(site=site))
        make.booking(evse=offline, starts_at=NOW + HOUR, now=NOW)
        planned = place(site)
        make.booking(evse=planned, now=NOW)
        AvailabilityPlan.objects.create(station=planned.station, starts_at=NOON - HOUR)
        assert set(self.conflicts(client, site)) == {
            "The charger is offline.",
            "The charger is planned to be out of service then.",
        }

    def test_a_session_that_overruns_into_a_booking(self, client, manager, site):
        evse = place(site)
        booking = make.booking(evse=evse, starts_at=NOW + HOUR, now=NOW)
        make.session(evse=evse, user=make.user(), started_at=NOW - HOUR)
        assert self.conflicts(client, site) == ["Another car may still be charging there when it begins."]
        with time_machine.travel(booking.starts_at + MINUTE, tick=False):
            assert self.conflicts(client, site) == ["Another car is still charging there."]

    def test_a_session_under_a_closure(self, client, manager, site):
        evse = place(site)
        make.session(evse=evse, user=make.user(), started_at=NOW - HOUR)
        actions.close_evse(evse=evse, starts_at=NOW, ends_at=NOON, now=NOW)
        assert self.conflicts(client, site) == ["Somebody is charging there in spite of it."]


def local(moment):
    return moment.astimezone(ZoneInfo("Europe/Berlin")).strftime("%Y-%m-%dT%H:%M")


class TestClose:
    def fill(self, site, *evses, **more):
        return {
            "site": site.slug,
            "once": str(uuid4()),
            "evses": [evse.pk for evse in evses],
            "starts_at": local(NOON - HOUR),
            "ends_at": local(NOON + 2 * HOUR),
            "kind": "closure",
            "reason": "New cables",
            **more,
        }

    def post(self, client, data):
        return client.post(reverse("ops:calendar_close"), data)

    def test_lists_first_then_moves_and_tells(self, client, manager, site):
        evse, other = place(site), place(site)
        booking = make.booking(evse=evse, now=NOW)
        data = self.fill(site, evse)
        first = self.post(client, data)
        text = first.content.decode()
        assert "1 booking is affected" in text and other.station.name in text
        assert not Closure.objects.exists() and fresh(booking).evse == evse
        # What the page carries is enough to go on.
        hidden = dict(first.context["hidden"])
        assert hidden["reason"] == "New cables"
        data |= {"seen": first.context["found"].seen, "choice": "move"}
        done = self.post(client, data)
        assert done.status_code == 302
        assert fresh(booking).evse == other
        closure = Closure.objects.get()
        assert (closure.starts_at, closure.created_by) == (NOON - HOUR, manager)
        # A double click does it once.
        assert self.post(client, data).status_code == 302
        assert Closure.objects.count() == 1
        assert Mail.objects.filter(key__contains=" moved ").count() == 1

    def test_a_booking_made_meanwhile_is_shown_first(self, client, manager, site):
        evse = place(site)
        data = self.fill(site, evse)
        seen = self.post(client, data).context["found"].seen
        booking = make.booking(evse=evse, now=NOW)
        again = self.post(client, data | {"seen": seen, "choice": "cancel"})
        assert again.status_code == 200
        assert "have changed since you looked" in again.content.decode()
        assert fresh(booking).status == Status.RESERVED
        done = self.post(client, data | {"seen": again.context["found"].seen, "choice": "cancel"})
        assert done.status_code == 302 and fresh(booking).status == Status.CANCELED

    def test_nobody_affected_is_one_click_more(self, client, manager, site):
        evse = place(site)
        data = self.fill(site, evse, starts_at="", out_of_service="on")
        seen = self.post(client, data).context["found"].seen
        assert self.post(client, data | {"seen": seen}).status_code == 302
        assert Closure.objects.get().starts_at == NOW
        assert AvailabilityPlan.objects.get().state == "running"

    def test_a_running_session_is_told_and_stopped_by_choice(self, client, manager, site):
        evse = place(site)
        make.session(evse=evse, user=make.user(), started_at=NOW - HOUR)
        data = self.fill(site, evse, starts_at="")
        first = self.post(client, data)
        assert "Charging there now" in first.content.decode()
        self.post(client, data | {"seen": first.context["found"].seen, "stop_sessions": "on"})
        assert Command.objects.get().action == "RemoteStopTransaction"

    @pytest.mark.parametrize(
        ("more", "words"),
        [
            ({"ends_at": local(NOON - 2 * HOUR)}, "must end after it begins"),
            ({"starts_at": local(NOW - HOUR)}, "over already"),
            ({"ends_at": local(NOON + timedelta(days=400))}, "longer than a year"),
            ({"ends_at": ""}, "required"),
            ({"starts_at": "2026-03-29T02:30"}, "couldn’t be interpreted in time zone"),
            ({"evses": []}, "Choose at least one charger"),
            ({"reason": ""}, "required"),
        ],
    )
    def test_bad_input_is_said_beside_its_field(self, client, manager, site, more, words):
        response = self.post(client, self.fill(site, place(site)) | more)
        assert response.status_code == 422
        assert words in response.content.decode()
        assert not Closure.objects.exists()

    def test_another_operators_charger_is_none_of_the_choices(self, client, manager, site):
        other = place(make.site())
        response = self.post(client, self.fill(site, other))
        assert response.status_code == 422
        assert self.post(client, self.fill(other.station.site, other)).status_code == 404
        assert not Closure.objects.exists()

    def test_closed_already_is_said(self, client, manager, site):
        evse = place(site)
        for _twice in range(2):
            data = self.fill(site, evse)
            first = self.post(client, data)
            self.post(client, data | {"seen": first.context["found"].seen})
        assert "Closed already" in first.content.decode()
        assert Closure.objects.count() == 1

    def test_opened_again(self, client, manager, site):
        evse = place(site)
        data = self.fill(site, evse)
        self.post(client, data | {"seen": self.post(client, data).context["found"].seen})
        url = reverse("ops:calendar_closure", args=[Closure.objects.get().pk])
        assert "Open it again" in client.get(url).content.decode()
        assert client.post(url).status_code == 302
        assert not Closure.objects.exists()

    def test_a_technician_looks_and_no_more(self, client, operator, site):
        client.force_login(make.member(operator=operator, role="technician"))
        evse = place(site)
        closure = actions.close_evse(evse=evse, starts_at=NOON, ends_at=NOON + HOUR, now=NOW)
        url = reverse("ops:calendar_closure", args=[closure.pk])
        assert "Open it again" not in client.get(url).content.decode()
        assert client.post(url).status_code == 403
        assert self.post(client, self.fill(site, evse)).status_code == 403
        assert Closure.objects.count() == 1


class TestBookings:
    def test_moved_with_a_reason_that_the_driver_reads(self, client, manager, site):
        evse, other = place(site), place(site)
        booking = make.booking(evse=evse, now=NOW)
        wish = {
            "once": str(uuid4()),
            "evse": other.pk,
            "starts_at": local(NOON + HOUR),
            "minutes": 60,
            "why": "A tour group comes",
        }
        url = reverse("ops:calendar_move", args=[booking.pk])
        for _twice in range(2):
            assert client.post(url, wish).status_code == 302
        moved = fresh(booking)
        assert (moved.evse, moved.starts_at, moved.minutes) == (other, NOON + HOUR, 60)
        assert "A tour group comes" in Mail.objects.get(key__contains=" moved ").text

    def test_a_taken_place_is_said_with_what_is_free(self, client, manager, site):
        evse, other = place(site), place(site)
        booking = make.booking(evse=evse, now=NOW)
        make.booking(evse=other, now=NOW)
        wish = {
            "once": str(uuid4()),
            "evse": other.pk,
            "starts_at": local(NOON),
            "minutes": 30,
            "why": "x",
        }
        response = client.post(reverse("ops:calendar_move", args=[booking.pk]), wish)
        assert response.status_code == 422
        text = response.content.decode()
        assert "just been taken" in text and "Free near it" in text
        assert fresh(booking).evse == evse

    def test_cancelled_with_a_reason_and_without_a_fee(self, client, manager, site):
        make.site_rules(site=site, noshow_fee=5)
        booking = make.booking(evse=place(site), now=NOW)
        url = reverse("ops:calendar_cancel", args=[booking.pk])
        once = {"cancel-once": str(uuid4())}
        assert client.post(url, once | {"cancel-why": ""}).status_code == 422
        with time_machine.travel(NOON - MINUTE, tick=False):
            assert client.post(url, once | {"cancel-why": "Flood"}).status_code == 302
            assert client.post(url, once | {"cancel-why": "Flood"}).status_code == 302
        assert (fresh(booking).status, fresh(booking).fee) == (Status.CANCELED, 0)
        assert "Flood" in Mail.objects.get(key__contains=" cancelled ").text

    def book(self, client, site, place, **more):
        wish = {
            "site": site.slug,
            "once": str(uuid4()),
            "evse": place.pk,
            "starts_at": local(NOON),
            "minutes": 30,
        }
        return client.post(reverse("ops:calendar_book"), wish | more)

    def test_booked_for_a_card_a_driver_or_nobody(self, client, manager, operator, site):
        evse, driver = place(site), make.user()
        card = make.id_token(operator=operator)
        assert self.book(client, site, evse, card=card.token.lower()).status_code == 302
        assert self.book(client, site, place(site), email=driver.email.upper()).status_code == 302
        assert self.book(client, site, place(site)).status_code == 302
        made = Booking.objects.filter(status=Status.RESERVED)
        assert made.count() == 3
        assert made.get(evse=evse).id_token == card
        assert made.filter(user=driver).count() == 1

    def test_a_booking_that_can_not_be_is_said(self, client, manager, operator, site):
        evse = place(site)
        stranger = make.id_token(operator=make.operator())
        for more in (
            {"card": stranger.token},
            {"card": "x", "email": "a@example.com"},
            {"email": "nobody@example.com"},
            {"starts_at": local(NOW - HOUR)},
            {"minutes": 5},
            {"minutes": 0},
            {"evse": place(make.site()).pk},
        ):
            assert self.book(client, site, evse, **more).status_code == 422, more
        assert not Booking.objects.exists()
