"""Limits on the pages and over the API; the fleet's driver without a card; the simulated 2.1 station."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing import actions, limits
from billing.actions.debts import fees_owed_by
from billing.limits import Limits
from billing.models import Account, AccountDriver, Cdr, ChargeLimit, FeeDebt, HoldRules, Payment, Start
from bookings.models import Booking
from evportal.accounts.models import ApiKey
from stations.simulator.station import Reading
from stations.simulator.transactions import Reason, Transaction
from stations.simulator.v21 import reached
from tests import make
from tests.api import as_person
from tests.billing import money
from tests.billing.test_watching import fresh, metered, started

pytestmark = pytest.mark.django_db


def test_a_limit_is_chosen_on_the_charger_s_page(client, provider):
    user, evse = make.user(), money.place()
    card = money.card(user)
    client.force_login(user)
    url = reverse("billing:charger", args=[evse.public_id])
    page = client.get(url).content.decode()
    assert "Set a limit" in page and "<details" in page
    # Type 2 is alternating current: such a car doesn't tell how full it is.
    assert "limit-soc" not in page
    client.post(url + "start/", {"card": card.pk, "limit-kwh": "10", "limit-minutes": "90"})
    row = ChargeLimit.objects.get()
    assert (row.energy_wh, row.minutes, row.money) == (Decimal(10_000), 90, None)
    assert row.start.payment.amount == Decimal("10")


def test_a_limit_that_is_no_limit_is_said_at_its_field(client, provider):
    user, evse = make.user(), money.place()
    card = money.card(user)
    client.force_login(user)
    url = reverse("billing:charger", args=[evse.public_id])
    answer = client.post(url + "start/", {"card": card.pk, "limit-kwh": "-3", "limit-money": "5.005"})
    assert not Start.objects.exists() and not Payment.objects.exists()
    page = client.get(answer["Location"]).content.decode()
    assert '<details class="fold" open' in page
    assert 'value="-3"' in page and "greater than or equal to 0.5" in page
    assert "finer than the smallest coin" in page


def test_who_wants_no_limit_sees_no_more_than_before(client, provider):
    user, evse = make.user(), money.place()
    card = money.card(user)
    client.force_login(user)
    client.post(reverse("billing:start", args=[evse.public_id]), {"card": card.pk})
    assert Start.objects.get().payment.amount == Decimal("25")
    assert not ChargeLimit.objects.exists()


def test_the_session_s_page_shows_how_far_it_is(client, provider):
    session = metered(started(wanted=Limits(energy_wh=Decimal(20_000), minutes=120)), ago=70, kwh=9.5)
    session = metered(session, ago=10, kwh=10)
    page = client.get(reverse("billing:session", args=[session.link])).content.decode()
    assert "10.00 / 20.00 kWh" in page and 'value="50"' in page
    assert "60 of 120 min" in page
    # Whoever has the link may watch and stop; the limit is its driver's.
    url = reverse("billing:limit", args=[session.link])
    assert url not in page
    client.force_login(make.user())
    client.post(url, {"limit-kwh": "60"})
    assert ChargeLimit.objects.get().energy_wh == 20_000
    client.force_login(session.user)
    assert url in client.get(reverse("billing:session", args=[session.link])).content.decode()
    assert 'value="20"' in client.get(url).content.decode()
    client.post(url, {"limit-kwh": "30", "limit-minutes": ""})
    row = ChargeLimit.objects.get()
    assert (row.energy_wh, row.minutes) == (Decimal(30_000), None)
    page = client.post(url, {"limit-kwh": "5"}).content.decode()
    assert "charged that much already" in page
    client.post(url, {"limit-kwh": ""})
    assert not ChargeLimit.objects.get().limits


def fleet(user, operator) -> Account:
    account = Account.objects.create(
        operator=operator, name="Post AG", kind="business", invoicing="monthly", on_account=True
    )
    AccountDriver.objects.create(account=account, user=user)
    return account


def test_a_limit_is_chosen_with_a_booking_s_start(client, provider):
    user, evse, now = make.user(), money.place(), timezone.now()
    slot = {"starts_at": now + timedelta(minutes=5), "now": now}
    booking = make.booking(evse=evse, user=user, **slot, confirmed=False)
    actions.confirm_booking(booking=booking, card=money.card(user))
    client.force_login(user)
    page = reverse("bookings:booking", args=[booking.pk])
    assert 'name="limit-kwh"' in client.get(page).content.decode()
    start = reverse("billing:start_booking", args=[booking.pk])
    answer = client.post(start, {"limit-minutes": "1"})
    assert not Start.objects.exists()
    shown = client.get(answer["Location"]).content.decode()
    assert '<details class="fold" open' in shown and 'value="1"' in shown
    client.post(start, {"limit-kwh": "10"})
    row = ChargeLimit.objects.get()
    assert (row.energy_wh, row.start.booking) == (Decimal(10_000), booking)
    # What was held for the slot stays the hold.
    assert row.start.payment == Payment.objects.get()


def a_fleet_s_booking(**rules) -> tuple[Booking, Account]:
    user, evse, now = make.user(), money.place(), timezone.now()
    if rules:
        make.site_rules(site=evse.station.site, **rules)
    account = fleet(user, evse.station.site.operator)
    starts_at = now + timedelta(minutes=5)
    return make.booking(evse=evse, user=user, starts_at=starts_at, now=now, confirmed=False), account


def test_a_fleet_s_driver_books_without_a_card(client, provider):
    booking, account = a_fleet_s_booking()
    client.force_login(booking.user)
    review = reverse("billing:review", args=[booking.pk])
    page = client.get(review).content.decode()
    assert "Paid by Post AG" in page and "Add a card" not in page
    client.post(review)
    booking.refresh_from_db()
    assert booking.status == "RESERVED" and booking.quote.gross > 0
    assert not Payment.objects.exists()
    client.post(reverse("billing:start_booking", args=[booking.pk]))
    assert (Start.objects.get().state, Start.objects.get().payment) == (Start.State.ASKED, None)
    session = money.begin(booking.evse, booking.user, at=timezone.now() - timedelta(minutes=30))
    cdr = actions.bill(session=money.end(session))
    assert (cdr.state, cdr.gross) == (Cdr.State.ON_ACCOUNT, Decimal("4.90"))


def test_who_has_left_the_fleet_needs_a_card_to_book(client, provider):
    booking, account = a_fleet_s_booking()
    account.drivers.all().delete()
    client.force_login(booking.user)
    answer = client.post(reverse("billing:review", args=[booking.pk]))
    assert answer.status_code == 402
    booking.refresh_from_db()
    assert booking.status == "PENDING"


def test_a_slot_that_a_fleet_s_driver_leaves_unused_is_not_taken_from_their_own_card(provider):
    booking, account = a_fleet_s_booking(noshow_fee=Decimal("5.00"))
    money.card(booking.user)
    actions.confirm_booking(booking=booking, card=None)
    Booking.objects.update(status="NO_SHOW", fee=Decimal("5.00"), closed_at=timezone.now())
    for _time in range(2):
        assert actions.charge_fee(booking=Booking.objects.with_place().get()) is None
    fee = FeeDebt.objects.get()
    assert (fee.state, fee.account, fee.amount) == ("account", account, Decimal("5.00"))
    assert not Payment.objects.exists() and not fees_owed_by(booking.user).exists()


def test_a_fleet_s_driver_starts_without_a_card(client, provider):
    user, evse = make.user(), money.place()
    fleet(user, evse.station.site.operator)
    client.force_login(user)
    page = client.get(reverse("billing:charger", args=[evse.public_id])).content.decode()
    assert "Paid by Post AG" in page and "Add a card" not in page
    client.post(reverse("billing:start", args=[evse.public_id]), {"limit-kwh": "10"})
    start = Start.objects.get()
    assert (start.state, start.payment) == (Start.State.ASKED, None)
    session = money.begin(evse, user, at=timezone.now() - timedelta(minutes=30))
    cdr = actions.open_cdr(session=session)
    assert actions.secure(session=session, cdr=cdr) is None
    # Its own limit holds without any money being held.
    assert actions.watch_hold(session=metered(fresh(session), ago=1, kwh=10))
    cdr = actions.bill(session=money.end(session))
    assert cdr.state == Cdr.State.ON_ACCOUNT
    assert not Payment.objects.exists()


def test_starts_over_the_api(provider):
    user, evse = make.user(), money.place()
    api = as_person(user)
    asked = {"evse": evse.public_id, "limit": {"energy_wh": "10000", "money": "8.00"}}
    assert api.post("starts/", asked).status_code == 409  # No card yet.
    money.card(user)
    answer = api.post("starts/", asked)
    assert answer.status_code == 201, answer.data
    assert (answer.data["state"], answer.data["hold"]) == ("asked", "8.000")
    assert answer.data["limit"]["energy_wh"] == "10000.000"
    assert api.post(f"starts/{answer.data['id']}/limit/", {}).status_code == 409
    from billing import actions

    session = money.begin(evse, user, at=timezone.now() - timedelta(minutes=30))
    actions.open_cdr(session=session)
    changed = api.post(f"starts/{answer.data['id']}/limit/", {"minutes": 45})
    assert changed.status_code == 200, changed.data
    assert changed.data["limit"] == {"energy_wh": None, "money": None, "minutes": 45, "soc_percent": None}
    assert str(changed.data["session"]) == str(session.pk)
    running = api.post("starts/", {"evse": evse.public_id})
    assert (running.status_code, running.data["session"]) == (409, str(session.pk))
    assert api.post("starts/", {"evse": evse.public_id, "limit": {"minutes": 1}}).status_code == 400
    assert api.post("starts/", {"evse": evse.public_id, "card": 999_999}).status_code == 400
    # A stranger sees nothing of it.
    assert as_person(make.user()).get(f"starts/{answer.data['id']}/").status_code == 404


def test_a_fleet_s_driver_starts_over_the_api_without_a_card(provider):
    user, evse = make.user(), money.place()
    fleet(user, evse.station.site.operator)
    answer = as_person(user).post("starts/", {"evse": evse.public_id})
    assert (answer.status_code, answer.data["state"], answer.data["hold"]) == (201, "asked", None)


def test_a_key_starts_nothing(provider):
    evse = money.place()
    key, _row = ApiKey.issue(operator=evse.station.site.operator, role="manager", name="key")
    answer = Client(headers={"authorization": f"Bearer {key}"}).post(
        "/api/v1/starts/", {"evse": evse.public_id}, content_type="application/json"
    )
    assert answer.status_code == 403


def test_a_site_s_rules_are_set_in_the_admin(client, settings):
    settings.STAFF_MFA_REQUIRED = False
    site = make.site()
    client.force_login(make.member(operator=site.operator, role="manager"))
    page = client.post(
        reverse("admin:billing_holdrules_add"), {"site": site.pk, "when_used_up": "stop", "most": "60"}
    )
    assert page.status_code == 302
    assert HoldRules.objects.get(site=site).when_used_up == "stop"


# 2.1: the station itself keeps to it


@pytest.mark.parametrize(
    ("wanted", "told", "knows_tariff", "expected"),
    [
        (Limits(energy_wh=Decimal(10_000)), {}, False, {"maxEnergy": 10_000.0}),
        (Limits(minutes=30, soc_percent=80), {}, False, {"maxTime": 1800, "maxSoC": 80}),
        (Limits(money=Decimal(8)), {}, False, {}),
        (Limits(money=Decimal(8)), {}, True, {"maxCost": 8.0}),
        (Limits(), {"maxSoC": 80}, True, {"maxSoC": 100}),
        (Limits(minutes=30), {"maxEnergy": 1.0}, True, {"maxEnergy": 1e9, "maxTime": 1800}),
    ],
)
def test_as_the_standard_says_it(wanted, told, knows_tariff, expected):
    assert limits.transaction_limit(wanted, told, knows_tariff=knows_tariff) == expected


@pytest.mark.parametrize(
    ("limit", "energy_wh", "minutes", "soc", "reason"),
    [
        ({}, 90_000, 600, 100, None),
        ({"maxEnergy": 10_000}, 10_999, 1, None, None),
        ({"maxEnergy": 10_000}, 11_000, 1, None, Reason.ENERGY_LIMIT),
        ({"maxTime": 1800}, 2000, 30, None, Reason.TIME_LIMIT),
        ({"maxSoC": 80}, 2000, 1, 80, Reason.SOC_LIMIT),
    ],
)
def test_the_simulated_station_keeps_to_it(limit, energy_wh, minutes, soc, reason):
    tx = Transaction("t", 1, None, None, make.NOON, "Authorized", limit=limit)
    tx.first = Reading(1000, 0, (), None)
    seen = Reading(energy_wh, 11_000, (), soc)
    assert reached(tx, seen, make.NOON + timedelta(minutes=minutes)) is reason
