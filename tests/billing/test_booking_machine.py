"""Whatever happens to bookings in whatever order: no overlap, each in exactly one state, and no cent astray.

`EVPORTAL_EXAMPLES=200 EVPORTAL_STEPS=60 pytest tests/billing/test_booking_machine.py` looks longer.
"""

import os
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
import time_machine
from django.db import transaction
from django.test import TestCase
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billing import actions as billing
from billing import sweeping
from billing.models import Invoice, Payment, Refund
from bookings import actions, changes, slots, tasks
from bookings.models import Booking, Claim
from stations.exceptions import Refused
from stations.models import Evse, Session
from tests import make
from tests.billing import money
from tests.make import NOON

pytestmark = pytest.mark.django_db
EXAMPLES, STEPS = (int(os.environ.get(f"EVPORTAL_{name}", usual)) for name, usual in
                   (("EXAMPLES", "6"), ("STEPS", "25")))  # fmt: skip
MINUTE = timedelta(minutes=1)
Status, State = Booking.Status, Payment.State
FEE = Decimal("5.00")
DONE = {"steps": 0, "bookings": 0, "captured": 0, "refused": 0}

which = st.integers(0, 50)
starts = st.integers(0, 7)
lengths = st.sampled_from([30, 60, 90])


class World:
    """Made once: two chargers, three drivers, a tariff, and a fee for who doesn't come."""

    def __init__(self):
        self.site = make.site()
        make.site_rules(site=self.site, noshow_fee=FEE, max_open_per_driver=3, buffer_minutes=5)
        self.evses = [
            make.evse(station=make.station(site=self.site), max_power_w=22_000, state="available")
            for _number in range(2)
        ]
        money.tariff(site=self.site)
        for evse in self.evses:
            money.online(evse)
        self.drivers = [make.user(password="") for _number in range(3)]
        self.cards = {user.pk: money.card(user) for user in self.drivers}
        self.declined = {user.pk: money.card(user, "pm_card_chargeCustomerFail") for user in self.drivers}


def there(machine) -> bool:
    """There is something to do it to."""
    return machine.made > 0


class Bookings(RuleBasedStateMachine):
    world: World
    made = 0

    @initialize()
    def begin(self):
        DONE["steps"] += 1
        self.made = 0
        self.undo = transaction.atomic()
        # As the test's own transaction: money's rows ask to be durable, and are as good as that within it.
        self.undo._from_testcase = True
        self.undo.__enter__()
        self.clock = time_machine.travel(NOON - 60 * MINUTE, tick=False)
        self.traveller = self.clock.start()

    def teardown(self):
        if hasattr(self, "undo"):
            self.clock.stop()
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)

    # --- what happens

    def booking(self, number):
        """One that is there, the later ones more often open."""
        found = list(Booking.objects.with_place().order_by("created_at", "pk"))
        return found[-1 - number % len(found)] if found else None

    def do(self, step, **how):
        """Run it and all that follows its commit; a refusal must be one of the house's own."""
        DONE["steps"] += 1
        with TestCase.captureOnCommitCallbacks(execute=True):
            try:
                return step(**how)
            except Refused:
                DONE["refused"] += 1
        return None

    def slot(self, start, minutes):
        at = NOON + start * 30 * MINUTE
        return {"starts_at": at, "ends_at": at + minutes * MINUTE}

    @rule(driver=st.integers(0, 2), evse=st.integers(0, 1), start=starts, minutes=lengths)
    def hold(self, driver, evse, start, minutes):
        held = self.do(
            actions.hold,
            evse=Evse.objects.with_station().get(pk=self.world.evses[evse].pk),
            user=self.world.drivers[driver],
            now=timezone.now(),
            **self.slot(start, minutes),
        )
        self.made += held is not None

    @precondition(there)
    @rule(number=which, declined=st.booleans())
    def pay(self, number, declined):
        if booking := self.booking(number):
            cards = self.world.declined if declined else self.world.cards
            # Not in a transaction of its own: the payment's row outlives a refusal.
            DONE["steps"] += 1
            with TestCase.captureOnCommitCallbacks(execute=True):
                try:
                    billing.confirm_booking(booking=booking, card=cards[booking.user_id])
                except Refused:
                    DONE["refused"] += 1

    @precondition(there)
    @rule(number=which)
    def the_bank_says_it_again(self, number):
        booking = self.booking(number)
        payment = (
            booking and booking.payments.filter(state=State.HELD, purpose="session", session=None).first()
        )
        if payment:
            self.do(billing.proceed, payment=payment)

    @precondition(there)
    @rule(number=which)
    def extend_hold(self, number):
        if booking := self.booking(number):
            self.do(actions.extend_hold, booking=booking, now=timezone.now())

    @rule(minutes=st.integers(1, 45))
    def time_passes(self, minutes):
        self.traveller.shift(minutes * MINUTE)
        self.do(tasks.expire_holds)
        self.do(tasks.turn_slots)

    @rule(evse=st.integers(0, 1), state=st.sampled_from(["faulted", "available"]))
    def fault(self, evse, state):
        Evse.objects.filter(pk=self.world.evses[evse].pk).update(state=state)

    @precondition(there)
    @rule(number=which)
    def give_up(self, number):
        if booking := self.booking(number):
            self.do(slots.fail, booking=booking, reason="The charger failed.", now=timezone.now())

    @precondition(there)
    @rule(number=which, evse=st.integers(0, 1), start=starts, minutes=lengths)
    def move(self, number, evse, start, minutes):
        if booking := self.booking(number):
            place = Evse.objects.with_station().get(pk=self.world.evses[evse].pk)
            self.do(
                actions.reschedule,
                booking=booking,
                evse=place,
                now=timezone.now(),
                **self.slot(start, minutes),
            )

    @precondition(there)
    @rule(number=which, minutes=lengths)
    def change_end(self, number, minutes):
        if booking := self.booking(number):
            ends_at = booking.starts_at + minutes * MINUTE
            self.do(changes.change_end, booking=booking, ends_at=ends_at, now=timezone.now())

    @precondition(there)
    @rule(number=which, minutes=st.sampled_from([10, 30, 60]))
    def late(self, number, minutes):
        if booking := self.booking(number):
            self.do(changes.late, booking=booking, minutes=minutes, now=timezone.now())

    @precondition(there)
    @rule(number=which, by_driver=st.booleans())
    def cancel(self, number, by_driver):
        if booking := self.booking(number):
            by = booking.user if by_driver else None
            self.do(actions.cancel, booking=booking, by=by, now=timezone.now())

    @precondition(there)
    @rule(number=which, wh=st.integers(0, 9000))
    def charge(self, number, wh):
        booking = self.booking(number)
        if booking is None or not booking.may_start(timezone.now()):
            return
        if Session.objects.open().filter(evse=booking.evse).exists():
            return
        session = self.do(money.begin, evse=booking.evse, user=booking.user, at=timezone.now())
        self.traveller.shift(5 * MINUTE)
        self.do(money.end, session=Session.objects.get(pk=session.pk), minutes=5, energy_wh=wh)

    @precondition(there)
    @rule(number=which, share=st.sampled_from(["0.30", "1"]))
    def refund(self, number, share):
        paid = list(Payment.objects.filter(state=State.CAPTURED).order_by("created_at"))
        if paid:
            payment = paid[number % len(paid)]
            amount = payment.amount_captured * Decimal(share)
            DONE["steps"] += 1
            try:
                billing.refund(payment=payment, amount=amount, reason="goodwill", by=None)
            except Refused:
                DONE["refused"] += 1

    @rule()
    def sweep(self):
        self.traveller.shift(MINUTE)
        self.do(sweeping.sweep, now=timezone.now())

    # --- what must hold

    @invariant()
    def nothing_overlaps(self):
        claims = defaultdict(list)
        for claim in Claim.objects.order_by("evse", "period"):
            claims[claim.evse_id].append(claim.period)
        for periods in claims.values():
            assert all(before.upper <= after.lower for before, after in pairwise(periods))

    @invariant()
    def every_booking_is_in_one_state(self):
        for booking in Booking.objects.select_related("reservation", "session"):
            has_claim = Claim.objects.filter(booking=booking).exists()
            over = booking.status in (Status.FAILED, Status.CANCELED, Status.NO_SHOW)
            assert (booking.closed_at is not None) == over, booking.status
            assert has_claim or booking.status not in Booking.OPEN
            assert not (has_claim and over)
            assert (booking.session is not None) == (booking.status == Status.FULFILLED)
            if booking.status in (Status.RESERVED, Status.FULFILLED, Status.NO_SHOW):
                assert booking.confirmed_at is not None and booking.reservation is not None
            if booking.status == Status.PENDING:
                assert booking.confirmed_at is None and booking.reservation is None
            assert booking.fee in (Decimal(0), FEE)
            assert not booking.fee or booking.status in (Status.CANCELED, Status.NO_SHOW)

    @invariant()
    def no_cent_is_astray(self):
        for booking in Booking.objects.all():
            payments = list(booking.payments.all())
            live = [each for each in payments if each.state == State.HELD]
            assert len(live) <= 1
            if booking.status in (Status.FAILED, Status.CANCELED, Status.NO_SHOW):
                assert not live, booking.status
                taken = sum((each.amount_captured for each in payments), Decimal(0))
                assert taken == booking.fee, (booking.status, taken)
            if booking.status == Status.RESERVED:
                assert len(live) == 1
        issued = sum(
            (row.gross if row.kind == "380" else -row.gross for row in Invoice.objects.all()), Decimal(0)
        )
        taken = sum((row.amount_captured for row in Payment.objects.all()), Decimal(0))
        back = sum((row.amount for row in Refund.objects.filter(state=Refund.State.DONE)), Decimal(0))
        assert issued == taken - back
        for payment in Payment.objects.exclude(stripe_intent=""):
            [intent] = self.provider.all("payment_intent", id=payment.stripe_intent)
            assert intent["amount_received"] == payment.amount_captured * 100
            assert payment.amount_refunded <= payment.amount_captured <= payment.amount
            is_held = intent["status"] == "requires_capture"
            assert is_held == (payment.state == State.HELD), (intent["status"], payment.state)
        DONE["bookings"] = max(DONE["bookings"], Booking.objects.count())
        DONE["captured"] = max(DONE["captured"], int(taken * 100))


@pytest.mark.timeout(60 + EXAMPLES * STEPS)
def test_bookings_in_any_order(provider, eager):
    Bookings.world, Bookings.provider = World(), provider
    run_state_machine_as_test(
        Bookings,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(DONE)  # noqa: T201  said with -s, and when it fails
    assert DONE["bookings"] > 1 and DONE["steps"] > EXAMPLES * STEPS / 4
