"""Charging past a booking's end: a line of its own, shown while it runs, billed once; and fees once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection

from billing import actions, prices
from billing.models import Invoice, Payment
from bookings import actions as bookings
from bookings import fulfilling
from bookings.models import Booking
from tests import make
from tests.billing import money
from tests.make import NOON

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def booked(terms: dict, minutes: int = 60, evse=None, **fields) -> Booking:
    evse = evse or money.place()
    make.site_rules(site=evse.station.site, **terms)
    return make.booking(evse=evse, minutes=minutes, **fields)


def charge(booking: Booking, *, minutes: int):
    session = money.begin(booking.evse, booking.user)
    assert fulfilling.fulfil(session=session) == booking
    money.reading(session, minutes=30, wh=11_000)
    return session, money.end(session, minutes=minutes)


@pytest.mark.parametrize(
    ("terms", "minutes", "fee"),
    [
        ({"late_stop_fee": Decimal("0.20")}, 60, None),
        ({"late_stop_fee": Decimal("0.20")}, 75, Decimal("3.00")),
        ({"late_stop_fee": Decimal("0.20"), "late_stop_minutes": 10}, 75, Decimal("1.00")),
        ({"late_stop_fee": Decimal("7"), "late_stop_fee_per": "once"}, 75, Decimal("7.00")),
        ({}, 75, None),
    ],
)
def test_the_fee_is_a_line_of_its_own(provider, terms, minutes, fee):
    booking = booked(terms)
    money.card(booking.user)
    _begun, session = charge(booking, minutes=minutes)
    for _run in range(2):
        cdr = actions.bill(session=session)
    lines = [line for line in cdr.lines if line["kind"] == "LATE_STOP"]
    assert [Decimal(line["gross"]) for line in lines] == ([fee] if fee else [])
    assert cdr.gross == Decimal("4.90") + (fee or 0)
    assert cdr.gross == cdr.net + cdr.tax == sum(Decimal(line["gross"]) for line in cdr.lines)
    invoice = Invoice.objects.get(cdr=cdr)
    texts = [line.text for line in invoice.lines.all()]
    assert any("Charging past the booked time" in text for text in texts) is bool(fee)
    assert invoice.gross == cdr.gross
    assert Payment.objects.get(session=session).amount_captured == cdr.gross


def test_what_runs_shows_it_too(provider):
    booking = booked({"late_stop_fee": Decimal("0.20")})
    session = money.begin(booking.evse, booking.user)
    fulfilling.fulfil(session=session)
    money.reading(session, minutes=58, wh=11_000)
    before = prices.running(session).gross
    money.reading(session, minutes=65, wh=11_000)
    assert prices.running(session).gross == before + 1


def test_without_tax_in_its_prices_the_unit_price_is_net(provider):
    evse = make.evse(max_power_w=22_000, state="available")
    money.tariff(evse=evse, tax_included="NO")
    money.online(evse)
    booking = booked({"late_stop_fee": Decimal("1.19"), "late_stop_fee_per": "once"}, evse=evse)
    money.card(booking.user)
    _begun, session = charge(booking, minutes=61)
    line = actions.bill(session=session).lines[-1]
    assert (line["kind"], line["unit_price"], line["gross"]) == ("LATE_STOP", "1.00", "1.19")


def test_the_review_page_says_what_charging_on_means(provider, client):
    booking = booked({"late_stop_fee": Decimal("0.20"), "late_stop_minutes": 5}, confirmed=False)
    client.force_login(booking.user)
    with time_machine.travel(NOON - 60 * MINUTE, tick=False):
        page = client.get(f"/b/{booking.pk}/review/").content.decode()
    # Noon in UTC is two o'clock in Berlin; the hour and five minutes later.
    assert "Charging on after 15:05 costs" in page and "0.20 for each minute begun" in page
    Booking.objects.update(late_stop_fee=0)
    with time_machine.travel(NOON - 60 * MINUTE, tick=False):
        assert "Charging is stopped at 15:05." in client.get(f"/b/{booking.pk}/review/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_no_show_is_charged_once_whoever_comes_at_the_same_time(provider):
    evse = money.place()
    make.site_rules(site=evse.station.site, noshow_fee=Decimal(5))
    with time_machine.travel(NOON - 60 * MINUTE, tick=False):
        booking = make.booking(evse=evse, confirmed=False)
        money_card = money.card(booking.user)
        actions.confirm_booking(booking=booking, card=money_card)

    def at_once(_number):
        try:
            mine = Booking.objects.get(pk=booking.pk)
            bookings.no_show(booking=mine, now=NOON + 15 * MINUTE)
            mine.refresh_from_db()
            actions.charge_fee(booking=mine)
        finally:
            connection.close()

    with time_machine.travel(NOON + 15 * MINUTE, tick=False):
        for _again in range(2):
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(at_once, range(4)))
        booking.refresh_from_db()
        actions.charge_fee(booking=booking)
    assert (booking.status, booking.fee) == (Booking.Status.NO_SHOW, 5)
    payment = Payment.objects.get(booking=booking)
    assert (payment.purpose, payment.state, payment.amount_captured) == ("no_show", "captured", 5)
    assert Invoice.objects.filter(booking=booking).count() == 1


def test_a_booking_that_the_same_session_goes_on_in_needs_no_hold(
    provider, eager, django_capture_on_commit_callbacks
):
    evse = money.place()
    make.site_rules(site=evse.station.site, late_stop_fee=Decimal("0.20"))
    first = make.booking(evse=evse, minutes=60)
    money.card(first.user)
    second = make.booking(
        evse=evse, user=first.user, starts_at=NOON + 60 * MINUTE, now=NOON - 60 * MINUTE, confirmed=False
    )
    with time_machine.travel(NOON - 60 * MINUTE, tick=False):
        hold = actions.confirm_booking(booking=second, card=first.user.customer.cards.get())
    session = money.begin(evse, first.user)
    fulfilling.fulfil(session=session)
    with django_capture_on_commit_callbacks(execute=True):
        assert fulfilling.join(booking=second)
    hold.refresh_from_db()
    assert hold.state == Payment.State.RELEASED
    # The time they have ends with the second one, and the fee begins there.
    session = money.end(session, minutes=95)
    cdr = actions.bill(session=session)
    assert [Decimal(line["gross"]) for line in cdr.lines if line["kind"] == "LATE_STOP"] == [Decimal("1.00")]
