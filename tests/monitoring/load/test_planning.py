"""A site's plan against its rows: who refuses, who vanishes, what lapses; and how much work it is."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.fulfilling import fulfil, join
from bookings.models import SiteRules
from monitoring.load import actions, news, planning, showing, tasks
from monitoring.load.actions import BadLimits, GroupWish, MemberWish, Settings, configure
from monitoring.load.models import LoadMember, LoadSample, LoadSite
from monitoring.models import Alert
from monitoring.rules import rounds
from monitoring.watchman import check
from stations.charging_profiles import answers, set_limit
from stations.models import Abilities, Command, Connector, Evse, InstalledProfile, Reading, Setting, Station
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db


def amps(value):
    return (Decimal(value),) * 3


class Place:
    """A site with chargers of 22 kW, each with one EVSE, and what its chargers answer."""

    def __init__(self, chargers=2, limit=32, **settings):
        self.site, self.now = make.site(), NOON
        self.evses = []
        for _n in range(chargers):
            station = make.station(
                site=self.site,
                connection=uuid4(),
                node="test",
                connected_at=NOON - timedelta(days=1),
                ocpp_version="1.6",
            )
            self.evses.append(make.evse(station=station, max_power_w=22_000))
        self.configure(limit, **settings)

    def configure(self, limit, safe=6, **settings):
        self.load_site = configure(
            site=self.site,
            settings=Settings(
                groups=[GroupWish("Site", amps(limit))],
                members=[MemberWish(evse, "Site", Decimal(safe)) for evse in self.all_evses()],
                **({"margin_percent": Decimal(0)} | settings),
            ),
        )

    def all_evses(self):
        return Evse.objects.filter(station__site=self.site).select_related("station__site").order_by("pk")

    def start(self, evse, **fields):
        return make.session(evse=evse, started_at=self.now, start_received_at=self.now, **fields)

    def draws(self, evse, *currents, at=None):
        for number, current in enumerate(currents, start=1):
            Reading.objects.create(
                evse=evse,
                at=at or self.now,
                received_at=self.now,
                measurand="Current.Import",
                phase=f"L{number}",
                location="Outlet",
                context="Sample.Periodic",
                value=current,
                unit="A",
            )

    def plan(self, seconds=0):
        self.now += timedelta(seconds=seconds)
        planning.plan(site_id=self.site.pk, now=self.now)
        return self.members()

    def members(self):
        return list(LoadMember.objects.select_related("evse__station").order_by("evse_id"))

    def answer(self, accept=True):
        """What was sent is taken, or refused."""
        for row in InstalledProfile.objects.filter(state="sent"):
            if accept:
                answers.apply(row, now=self.now)
            else:
                answers.refused(row, "Rejected", now=self.now)

    def settle(self, rounds=4):
        for _n in range(rounds):
            self.plan(11)
            self.answer()
        return self.plan()

    def told(self):
        return [member.told_a for member in self.members()]


def test_lower_before_higher_and_only_when_it_was_accepted():
    place = Place()
    place.settle()
    one, two = place.evses
    place.start(one)
    place.settle()
    assert place.told() == [32, None]
    session = place.start(two)
    place.plan(1)
    # The one in the place is lowered; the other waits at its default until that is accepted.
    [row] = InstalledProfile.objects.filter(state="sent")
    assert (row.evse, row.purpose, row.limit_w) == (one, "TxProfile", 16 * 690)
    place.plan(1)
    assert InstalledProfile.objects.filter(state="sent").count() == 1
    place.answer()
    place.plan(1)
    [row] = InstalledProfile.objects.filter(state="sent")
    assert (row.evse, row.session, row.limit_w) == (two, session, 16 * 690)
    place.settle()
    assert place.told() == [16, 16]
    assert {member.why for member in place.members()} == {"shared"}


def test_who_refuses_is_reserved_what_it_draws_and_flagged():
    place = Place()
    place.settle()
    for evse in place.evses:
        place.start(evse)
    place.plan(1)
    for row in InstalledProfile.objects.filter(state="sent"):
        if row.evse == place.evses[0]:
            answers.refused(row, "Rejected", now=place.now)
        else:
            answers.apply(row, now=place.now)
    place.draws(place.evses[0], 20, 20, 20)
    first, second = place.plan(1)
    assert (first.flag, first.given_a, first.why, first.flag_reason) == (
        "rejected",
        20,
        "rejected",
        "Rejected",
    )
    assert second.given_a == 12
    # An old limit must not come back by itself.
    assert not InstalledProfile.objects.filter(retry_at__isnull=False).exists()
    check(now=place.now)
    place.now += timedelta(seconds=70)
    place.draws(place.evses[0], 20, 20, 20)
    check(now=place.now)
    alert = Alert.objects.get(kind="load")
    assert "refuses its limit (Rejected)" in alert.title and alert.station == place.evses[0].station
    # Asked again after a while for no more than it takes, it follows, and all is well.
    first, second = place.plan()
    assert first.sent_a == 20
    place.answer()
    first, second = place.settle()
    assert (first.flag, first.given_a, second.given_a) == ("", 16, 16)
    for minutes in (2, 2):
        place.now += timedelta(minutes=minutes)
        rounds.check(now=place.now)
    assert not Alert.objects.open().filter(kind="load").exists()


def test_who_ignores_its_limit_for_some_readings_is_reserved_what_it_draws():
    place = Place()
    place.settle()
    one, two = place.evses
    place.start(one), place.start(two)
    place.settle()
    assert place.told() == [16, 16]
    place.draws(one, 24, 24, 24, at=place.now + timedelta(seconds=80))
    first, _second = place.plan(80)
    assert (first.flag, bool(first.over_since)) == ("", True)
    place.draws(one, 24, 24, 24, at=place.now + timedelta(seconds=100))
    first, second = place.plan(100)
    assert (first.flag, first.given_a, second.given_a) == ("ignored", 24, 8)
    # It comes down: it is told like all others again.
    place.now += timedelta(seconds=90)
    place.draws(one, 16, 16, 16)
    first, second = place.plan()
    assert first.flag == ""


def test_lost_contact_reserves_what_it_was_told_and_then_its_default():
    place = Place(limit=40)
    place.settle()
    one, two = place.evses
    place.start(one), place.start(two)
    place.settle()
    assert place.told() == [20, 20]
    Station.objects.filter(pk=one.station_id).update(connection=None)
    first, second = place.plan(5)
    assert (first.why, first.given_a, second.given_a) == ("lost_told", 20, 20)
    # Its profile has run out: by itself it is at its safe default, so the other may have the rest.
    first, second = place.plan(15 * 60)
    assert (first.why, first.given_a, second.given_a) == ("lost", 6, 32)
    Station.objects.filter(pk=one.station_id).update(connection=uuid4())
    first, second = place.settle()
    assert (first.given_a, second.given_a) == (20, 20)


def test_a_profile_is_told_again_before_it_runs_out_and_not_more_often():
    place = Place(chargers=1)
    place.settle()
    place.start(place.evses[0])
    place.settle()
    before = Command.objects.count()
    for _n in range(12):
        place.plan(30)
        place.answer()
    assert Command.objects.count() == before
    place.plan(100)
    place.answer()
    assert Command.objects.count() == before + 1
    [member] = place.plan()
    assert member.told_until > place.now + timedelta(minutes=14)


def test_what_can_t_be_told_is_reserved_in_full():
    place = Place(limit=63)
    Abilities.objects.create(station=place.evses[0].station, told={"SupportedFeatureProfiles": "Core"})
    place.settle()
    place.start(place.evses[1])
    first, second = place.settle()
    assert (first.why, first.given_a, second.given_a) == ("unmanaged", 32, 31)
    assert not InstalledProfile.objects.filter(station=place.evses[0].station).exists()
    with pytest.raises(BadLimits, match="add up to 38 A"):
        place.configure(35)


def told(answer, *, asked_at=NOON):
    """What every 2.0.1 station of the network has answered; None: nothing yet."""
    Station.objects.update(ocpp_version="2.0.1")
    for station in Station.objects.all():
        Abilities.objects.update_or_create(
            station=station,
            defaults={
                "told": answer or {},
                "asked_at": asked_at,
                "known_at": None if answer is None else asked_at,
            },
        )


@pytest.mark.parametrize(
    "answer",
    [
        {"SmartChargingCtrlr.Available": "false"},
        {"SmartChargingCtrlr.Available": "true", "SmartChargingCtrlr.Enabled": "False"},
    ],
)
def test_a_2_x_charger_that_says_no_is_flagged_at_once_and_planned_at_what_it_draws(answer):
    place = Place(limit=40)
    told(answer)
    Abilities.objects.filter(station=place.evses[1].station).update(told={})
    place.start(place.evses[0])
    place.start(place.evses[1])
    first, second = place.settle()
    assert (first.flag, first.why, first.given_a, second.given_a) == ("unable", "unmanaged", 32, 8)
    assert first.flagged_at == NOON + timedelta(seconds=11)
    assert "full rating" in showing.why(first, place.now) and showing.look_of(first) == "attention"
    # It was never told anything: nothing was refused.
    assert not Command.objects.filter(station=place.evses[0].station).exists()
    # What its car takes has shown: the rest is the others'.
    place.draws(place.evses[0], 14, 14, 14, at=place.now + timedelta(seconds=120))
    place.plan(121)
    first, second = place.settle()
    assert (first.given_a, second.given_a) == (14, 26)
    assert "what it draws" in showing.why(first, place.now)
    check(now=place.now)
    alert = Alert.objects.get(kind="load")
    assert "can't be told a limit" in alert.title and alert.station == place.evses[0].station
    # A firmware that can: it is told like all others, and nothing is flagged.
    Abilities.objects.update(told={"SmartChargingCtrlr.Available": "true"})
    first, second = place.settle(6)
    assert (first.flag, second.flag, first.told_a is not None) == ("", "", True)


def test_what_the_device_model_reported_counts_where_no_question_was_answered():
    place = Place(limit=40)
    told({})
    station = place.evses[0].station
    for read_at, flag in ((None, ""), (NOON, "unable")):
        Setting.objects.update_or_create(
            station=station,
            path="SmartChargingCtrlr/Available",
            defaults={"value": "false", "read_at": read_at},
        )
        first, second = place.plan(1)
        assert (first.flag, second.flag) == (flag, "")


def test_a_2_x_charger_is_asked_before_it_is_told_and_not_waited_for_for_ever():
    place = Place(chargers=1)
    Station.objects.update(ocpp_version="2.0.1")
    place.plan(1)
    asked = Command.objects.values_list("action", flat=True)
    assert set(asked) == {"GetVariables"}
    assert "SmartChargingCtrlr" in str(Command.objects.earliest("created_at").payload)
    before = Command.objects.count()
    place.plan(5)
    assert Command.objects.count() == before
    # It says nothing: it may be able, so it is tried.
    place.plan(6)
    assert Command.objects.latest("created_at").action == "SetChargingProfile"
    assert Command.objects.count() == before + 1


def test_the_building_and_its_silent_meter():
    place = Place(limit=40, has_meter=True, building_safe=amps(20))
    place.settle()
    place.start(place.evses[0])
    [first, _second] = place.settle()
    assert first.given_a == 20
    assert actions.building_drew(
        load_site=place.load_site,
        currents=(Decimal("9.3"), Decimal(2), Decimal(0)),
        at=place.now,
        now=place.now,
    )
    first, _second = place.settle()
    assert first.given_a == 30
    # An older word changes nothing, and after a while without one the safe assumption holds again.
    old = place.now - timedelta(hours=1)
    assert not actions.building_drew(load_site=place.load_site, currents=amps(0), at=old, now=place.now)
    first, _second = place.plan(121)
    assert first.given_a == 20
    for nonsense in (amps(-1), amps("NaN"), amps(99999)):
        with pytest.raises(BadLimits):
            actions.building_drew(load_site=place.load_site, currents=nonsense, at=place.now, now=place.now)


def test_a_booked_place_has_its_promise():
    place = Place(limit=32, booked_a=Decimal(24))
    place.settle()
    one, two = place.evses
    booked = make.booking(evse=one, starts_at=NOON, minutes=120)
    session = place.start(one, user=booked.user)
    type(booked).objects.filter(pk=booked.pk).update(session=session, status="FULFILLED")
    place.start(two)
    first, second = place.settle()
    assert (first.given_a, first.why, second.given_a) == (24, "promised", 8)
    type(booked).objects.filter(pk=booked.pk).update(ends_at=place.now)
    first, second = place.settle()
    assert (first.given_a, second.given_a) == (16, 16)


def booked(evse, *, watts=None, user=None, starts_at=NOON, minutes=120):
    """A confirmed booking on the site's terms, which promise so much."""
    SiteRules.objects.update_or_create(site=evse.station.site, defaults={"promised_power_w": watts})
    return make.booking(evse=evse, user=user, starts_at=starts_at, minutes=minutes)


def test_a_booking_has_the_promise_of_its_own_terms_as_they_were():
    place = Place(limit=32, booked_a=Decimal(10))
    place.settle()
    one, two = place.evses
    slot = booked(one, watts=15_000)
    # The site's terms change; what was agreed stays.
    SiteRules.objects.update(promised_power_w=1_000)
    place.start(two)
    fulfil(session=place.start(one, user=slot.user))
    first, second = place.settle()
    # 15 kW on three phases of 230 V, rounded up to the tenth.
    assert (first.promised_a, first.given_a, first.why) == (Decimal("21.8"), Decimal("21.8"), "promised")
    assert (second.promised_a, second.given_a) == (None, Decimal("10.2"))
    assert showing.why(first, place.now).endswith("its booking is promised 21.8 A")
    # The slot is over, the car is still there: like anybody.
    type(slot).objects.filter(pk=slot.pk).update(ends_at=place.now)
    first, second = place.settle()
    assert (first.promised_a, first.given_a, second.given_a) == (None, 16, 16)


@pytest.mark.parametrize("keeps", [True, False])
def test_a_promise_is_kept_for_a_car_that_is_awaited_if_the_site_says_so(keeps):
    place = Place(limit=32, reserves_booked=keeps)
    place.settle()
    one, two = place.evses
    slot = booked(one, watts=13_800, starts_at=NOON + timedelta(minutes=30))
    place.start(two)
    first, second = place.settle()
    assert (first.given_a, second.given_a) == (0, 32)
    # Its early start: ten minutes before.
    place.now = NOON + timedelta(minutes=21)
    first, second = place.settle()
    if keeps:
        assert (first.given_a, first.why, first.promised_a, second.given_a) == (20, "awaited", 20, 12)
        assert first.waiting_since is None and first.told_a is None
        assert "isn't here yet; its booking is promised 20 A" in showing.why(first, place.now)
        assert showing.look_of(first) == "reserved"
    else:
        assert (first.given_a, first.why, first.promised_a, second.given_a) == (0, "nothing", None, 32)
    fulfil(session=place.start(one, user=slot.user))
    first, second = place.settle()
    assert (first.given_a, first.why, second.given_a) == (20, "promised", 12)
    assert first.told_a == 20


def test_who_comes_for_no_booking_or_another_one_is_promised_nothing():
    place = Place(limit=32, reserves_booked=True)
    place.settle()
    one, two = place.evses
    slot = booked(one, watts=22_000)
    # Somebody else is in the booked place: nothing is kept for a car that can't come.
    fulfil(session=place.start(one, user=make.user()))
    place.start(two)
    first, second = place.settle()
    assert (first.promised_a, first.given_a, second.given_a) == (None, 16, 16)
    # Nobody comes, and the place is given up: from then on nothing is kept.
    type(first.session).objects.filter(evse=one).update(stopped_at=place.now)
    first, second = place.settle()
    assert (first.why, first.given_a, second.why) == ("awaited", Decimal("31.9"), "waits")
    type(slot).objects.filter(pk=slot.pk).update(status="NO_SHOW")
    first, second = place.settle()
    assert (first.why, first.given_a, second.given_a) == ("nothing", 0, 32)


def test_who_charges_on_from_the_booking_before_has_the_promise_of_the_next():
    place = Place(limit=32)
    place.settle()
    one, two = place.evses
    before = booked(one, watts=13_800, minutes=30)
    after = booked(one, watts=17_250, user=before.user, starts_at=NOON + timedelta(minutes=30), minutes=60)
    fulfil(session=place.start(one, user=before.user))
    place.start(two)
    first, _second = place.settle()
    assert first.promised_a == 20
    place.now = NOON + timedelta(minutes=31)
    assert join(booking=after)
    first, second = place.settle()
    assert (first.promised_a, first.given_a, second.given_a) == (25, 25, 7)


def test_more_promised_than_there_is_is_shared_among_the_booked():
    place = Place(chargers=3, limit=40, reserves_booked=True)
    place.settle()
    one, two, three = place.evses
    for evse in (one, two):
        booked(evse, watts=20_700)
    place.start(three)
    first, second, third = place.settle()
    assert (first.given_a, second.given_a, third.why) == (20, 20, "waits")
    booked_root = place.load_site.groups.get()
    assert booked_root.allocated == [400, 400, 400]


def test_a_single_phase_car_leaves_the_other_phases():
    place = Place(limit=32)
    place.settle()
    one, two = place.evses
    place.start(one)
    place.settle()
    place.draws(one, 31, 0, 0, at=place.now + timedelta(seconds=90))
    place.start(two)
    # It may just be beginning: until it has had time to, it counts on all three.
    first, _second = place.plan()
    assert first.used_phases == ""
    place.plan(90)
    first, second = place.settle()
    assert first.used_phases == "0"
    assert (first.given_a, second.given_a) == (16, 16)
    LoadMember.objects.filter(evse=two).update(rotation="STR")
    Connector.objects.filter(evse=two).update(power_type="AC_1_PHASE")
    place.draws(one, 32, 0, 0)
    first, second = place.settle(8)
    assert (first.given_a, second.given_a) == (32, 32)


def test_other_limits_are_kept():
    place = Place(chargers=1)
    place.settle()
    set_limit(evse=place.evses[0], watts=6900)
    place.answer()
    place.start(place.evses[0])
    [member] = place.settle()
    assert member.given_a == member.told_a == 10


def test_a_fast_charger_is_told_in_watts():
    place = Place(chargers=1, limit=100)
    Connector.objects.update(power_type="DC")
    Evse.objects.update(max_power_w=150_000)
    place.settle()
    place.start(place.evses[0])
    [member] = place.settle()
    assert (member.given_a, member.told_a, member.default_a) == (100, 100, 6)
    row = InstalledProfile.objects.get(purpose="TxProfile", state="accepted")
    schedule = row.profile["chargingSchedule"]
    assert (schedule["chargingRateUnit"], schedule["chargingSchedulePeriod"][0]["limit"]) == ("W", 63480)


def test_who_waits_takes_turns():
    place = Place(chargers=3, limit=13, safe=0, takes_turns=True)
    place.settle()
    for evse in place.evses:
        place.start(evse)
    had = set()
    for _n in range(20):
        members = place.plan(300)
        place.answer()
        given = [member.given_a for member in members]
        assert sum(given) <= 13 and sum(amount > 0 for amount in given) == 2
        had |= {member.pk for member in members if member.given_a}
    assert len(had) == 3


def test_a_draw_beyond_the_limit_is_an_alert():
    place = Place(limit=16)
    place.start(place.evses[0])
    place.draws(place.evses[0], 30, 20, 0)
    place.plan()
    check(now=place.now)
    place.draws(place.evses[0], 30, 20, 0, at=place.now + timedelta(minutes=3))
    place.plan(180)
    check(now=place.now)
    alert = Alert.objects.get(kind="limit")
    assert "“Site” draws 30 A of 16.0 A on L1" in alert.title


def test_it_can_be_stopped_and_begun_again():
    place = Place(chargers=1)
    place.settle()
    place.start(place.evses[0])
    place.settle()
    place.load_site.refresh_from_db()
    actions.stop(load_site=place.load_site)
    cleared = Command.objects.filter(action="ClearChargingProfile").count()
    assert cleared == 2
    assert planning.plan(site_id=place.site.pk, now=place.now) is None
    place.configure(32)
    assert LoadSite.objects.get().is_active
    place.settle()
    assert place.told() == [32]


def test_groups_keep_their_rows_and_bad_ones_change_nothing():
    place = Place(limit=63)
    root = place.load_site.groups.get()
    one, two = place.all_evses()

    def wish(*groups, members):
        return Settings(groups=groups, members=members)

    configure(
        site=place.site,
        settings=wish(
            GroupWish("New name", amps(50)),
            GroupWish("Wall", amps(20), "New name"),
            members=[MemberWish(one, "Wall"), MemberWish(two, "New name")],
        ),
    )
    root.refresh_from_db()
    place.site.refresh_from_db()
    assert root.name == "New name" and place.site.grid_limit_w == 150 * 230
    before = list(LoadMember.objects.values_list("evse", "group__name"))
    for broken in (
        wish(GroupWish("A", amps(-5)), members=[]),
        wish(GroupWish("A", amps(50)), members=[MemberWish(one, "A"), MemberWish(one, "A")]),
        wish(GroupWish("A", amps(50)), members=[MemberWish(make.evse(), "A")]),
    ):
        with pytest.raises(BadLimits):
            configure(site=place.site, settings=broken)
    assert list(LoadMember.objects.values_list("evse", "group__name")) == before
    # Names change places without meeting.
    configure(
        site=place.site,
        settings=wish(
            GroupWish("Wall", amps(50)),
            GroupWish("New name", amps(20), "Wall"),
            members=[MemberWish(one, "New name")],
        ),
    )
    root.refresh_from_db()
    assert root.name == "Wall" and LoadMember.objects.get().group.name == "New name"


def test_the_round_plans_what_nobody_has_and_tidies(monkeypatch):
    place = Place()
    called = []
    monkeypatch.setattr(tasks.replan, "apply_async", lambda args, **_more: called.append(args))
    assert news.due(NOON) == [place.site.pk]
    place.plan()
    assert news.due(place.now) == [] and news.due(place.now + news.ROUND) == [place.site.pk]
    assert LoadSample.objects.get().limit_a == 32
    tasks.look_round()
    assert called == [(place.site.pk, "round")] and not LoadSample.objects.exists()
    # News within a second are one plan.
    news.soon(place.site.pk, "ended")
    assert len(called) == 1


def test_a_site_of_many_is_planned_in_few_queries():
    place = Place(chargers=3, limit=63)
    place.settle()
    for evse in place.evses:
        place.start(evse)
    place.settle()
    with CaptureQueriesContext(connection) as few:
        place.plan(1)
    for _n in range(9):
        station = make.station(
            site=place.site, connection=uuid4(), node="test", connected_at=NOON, ocpp_version="1.6"
        )
        place.start(make.evse(station=station, max_power_w=22_000))
    place.configure(400)
    place.settle(6)
    with CaptureQueriesContext(connection) as many:
        place.plan(1)
    assert len(many) <= len(few) <= 25


def test_the_last_reading_of_a_car_that_left_is_no_draw():
    place = Place()
    place.settle()
    session = place.start(place.evses[0])
    place.settle()
    place.draws(place.evses[0], 30, 30, 30)
    Reading.objects.update(session=session)
    first, _second = place.plan(1)
    assert first.draw == [300, 300, 300]
    type(session).objects.filter(pk=session.pk).update(stopped_at=place.now)
    first, _second = place.plan(1)
    assert (first.draw, first.why, first.given_a) == ([], "nothing", 0)
    # What flows without any session is reserved all the same.
    Reading.objects.update(session=None)
    first, _second = place.plan(1)
    assert (first.why, first.given_a) == ("no_session", 30)


def test_a_charger_that_was_leaving_has_refused_nothing():
    place = Place(chargers=1)
    place.plan()
    row = InstalledProfile.objects.get(state="sent")
    answers.refused(row, "Offline", now=place.now)
    place.plan(1)
    assert not InstalledProfile.objects.filter(state="sent").exists()
    Station.objects.update(connected_at=place.now + timedelta(seconds=5))
    place.plan(10)
    place.answer()
    place.start(place.evses[0])
    [member] = place.plan(1)
    Command.objects.filter(pk=member.profile.command_id).update(status=Command.Status.OFFLINE)
    answers.refused(member.profile, "Offline", now=place.now)
    [member] = place.plan(1)
    assert (member.flag, member.default_a) == ("", 6)
