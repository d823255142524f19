"""The demo's books: last month's charges and this month's so far, lived through by billing's own actions.

From the month before last on, both clocks are led from one charge's end to the next (evportal/demo/clock.py):
so each payment, invoice, payout and entry has its own day, and numbers have no gaps. Webhooks are not sent.
A few customers stand for many: the rest of what reports show is figures only (history.py).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

import httpx
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.utils import timezone

from billing import actions, calendar, gateway
from billing.actions import cards, monthly, movements, reconciliation, refunds
from billing.models import (
    Account,
    AccountDriver,
    Books,
    Card,
    Invoice,
    Payment,
    RevenueAccount,
)
from evportal.accounts.models import Operator, User
from evportal.demo import charges, customers
from evportal.demo.charges import Charge, Plug
from evportal.demo.clock import Clock, Provider, moved
from evportal.demo.customers import Customer
from evportal.outbox.models import Mail
from stations import sessions, signals
from stations.meter import ENERGY, POWER, SOC
from stations.models import Evse, IdToken, Reading, Session

#: So far back days are compared with the provider's books, as workers would have (days_due).
COMPARED = timedelta(days=8)
#: Refunded in part, some days later; and disputed, some days ago.
REFUNDED, DISPUTED = "k.lorenz@mail.example", "p.nowak@mail.example"
SUPPORT = "support@example.com"
Step = tuple[datetime, Callable[[], object]]


def seed(now: datetime) -> None:
    """Once: where anything is billed or paid, or the provider's clock has moved on, nothing is added.

    Not within a transaction: a payment provider is asked.
    """
    provider = Provider(settings.STRIPE_API_BASE)
    there = provider.now()
    try:
        if there is not None and there < _months(now)[1][1] and not _is_used():
            Past(now, provider).live()
    finally:
        if there is not None:
            provider.put(timezone.now())
        provider.close()


def _is_used() -> bool:
    return Invoice.objects.exists() or Payment.objects.exists()


def _months(now: datetime) -> list[tuple[date, datetime, datetime]]:
    """The month before last, the last one and this one, by the first operator's clocks."""
    zone = ZoneInfo(customers.BOOKS["nordlicht"]["time_zone"])
    this = calendar.first_of(now.astimezone(zone).date())
    last = calendar.first_of(this - timedelta(days=1))
    before = calendar.first_of(last - timedelta(days=1))
    return [(month, *calendar.bounds(month, zone)) for month in (before, last, this)]


class _Nobody(Executor):
    """The past is news to nobody: what workers would do about it is done here, or long over."""

    def submit(self, fn, /, *args, **kwargs) -> Future:
        return Future()


class Past:
    def __init__(self, now: datetime, provider: Provider) -> None:
        self.now, self.provider = now, provider
        self.months = _months(now)
        self.operators = {row.slug: row for row in Operator.objects.filter(slug__in=customers.BOOKS)}
        self.sessions: dict[Charge, Session] = {}
        self.registers: dict[int, Decimal] = {}
        self.clock: Clock

    def live(self) -> None:
        self.provider.do("webhooks", hold=True)
        signals.deliver_in(_Nobody())
        _wait_for_disk(False)
        try:
            with moved(self.months[0][1]) as self.clock:
                self._people()
                for at, step in self._steps():
                    self.clock.put(at)
                    step()
        finally:
            _wait_for_disk(True)
            signals.deliver_in(None)
            # What the webhooks would say was learnt by asking.
            self.provider.do("webhooks/drop")
            self.provider.do("webhooks", hold=False)
        self.provider.put(timezone.now())
        self._close()

    # Who is there

    def _people(self) -> None:
        for slug, fields in customers.BOOKS.items():
            Books.objects.update_or_create(operator=self.operators[slug], defaults=fields)
        for slug, accounts in customers.REVENUE.items():
            for country, category, rate, account in accounts:
                RevenueAccount.objects.get_or_create(
                    books=self.operators[slug].books,
                    country=country,
                    category=category,
                    vat_percent=rate,
                    defaults={"account": account},
                )
        for one in customers.CUSTOMERS:
            user = self._person(one)
            if one.account:
                Account.objects.get_or_create(user=user, defaults={"language": one.language} | one.account)
            give_card(user, one.card)
        fleet, _new = Account.objects.get_or_create(
            operator=self.operators["nordlicht"],
            name=customers.FLEET["name"],
            defaults=customers.FLEET,
        )
        for one in customers.FLEET_DRIVERS:
            AccountDriver.objects.get_or_create(account=fleet, user=self._person(one))

    def _person(self, one: Customer) -> User:
        user = User.objects.filter(email=one.email).first() or User.objects.create_user(
            one.email, None, name=one.name, language=one.language, date_joined=timezone.now()
        )
        IdToken.objects.get_or_create(
            operator=self.operators[one.operator],
            token=one.token,
            defaults={"label": f"Card of {one.name}", "user": user},
        )
        return user

    # What happened

    def _steps(self) -> list[Step]:
        found: list[Step] = []
        planned = self._planned()
        for one in planned:
            found.append((one.stopped_at, partial(self._charge, one)))
        for (month, _start, over), _later in zip(self.months, self.months[1:], strict=False):
            found.append((over + timedelta(hours=2), partial(self._bill_fleets, month)))
        day = self.months[1][1].astimezone(UTC).date()
        while (at := datetime.combine(day, time(5), UTC)) < self.now:
            found.append((at, partial(self._morning, day)))
            day += timedelta(days=1)
        last = self.months[1][1]
        mine = [one for one in planned if one.customer.email == REFUNDED and one.started_at >= last]
        if mine:
            found.append((mine[0].stopped_at + timedelta(days=3), partial(self._refund, mine[0])))
        until = self.now - timedelta(days=6)
        mine = [one for one in planned if one.customer.email == DISPUTED and last <= one.stopped_at < until]
        if mine:
            found.append((self.now - timedelta(days=5), partial(self._dispute, mine[-1])))
        return sorted(
            ((at, step) for at, step in found if at < self.now - timedelta(minutes=5)),
            key=lambda step: step[0],
        )

    def _planned(self) -> list[Charge]:
        """All charges that are over by now, in the order in which they ended."""
        (_m, before, last), (_m, _last, this), (_m, _this, end) = self.months
        fleet = [(one, one.charges[0]) for one in customers.FLEET_DRIVERS]
        people = {
            slug: [one for one in customers.CUSTOMERS if one.operator == slug] for slug in self.operators
        }
        found: list[Charge] = []
        for slug, operator in self.operators.items():
            plugs = _plugs(operator)
            of_last = [(one, one.charges[0]) for one in people[slug]]
            of_this = [(one, one.charges[1]) for one in people[slug]]
            if slug == "nordlicht":
                found += charges.plan(fleet, plugs, start=before, end=last, until=self.now, taken=found)
                of_last += fleet
                of_this += [(one, one.charges[1]) for one in customers.FLEET_DRIVERS]
            found += charges.plan(of_last, plugs, start=last, end=this, until=self.now, taken=found)
            found += charges.plan(
                of_this, plugs, start=this, end=end, until=self.now - timedelta(hours=1), taken=found
            )
        return sorted(found, key=lambda one: one.stopped_at)

    def _charge(self, one: Charge) -> None:
        """A charge by RFID card, told when it is over; the card on file is asked for exactly its price."""
        evse = Evse.objects.select_related("station").get(pk=one.plug.key)
        register = self.registers.get(evse.pk, charges.FIRST_WH)
        session, _decision = sessions.start(
            station=evse.station,
            report=sessions.Start(
                evse_number=evse.number,
                connector_number=1,
                token=one.customer.token,
                started_at=one.started_at,
                received_at=one.started_at,
                meter_start_wh=register,
            ),
        )
        _readings(session, one, register)
        self.registers[evse.pk] = register + one.energy_wh
        session = sessions.stop(
            station=evse.station,
            transaction_id=session.transaction_id,
            stopped_at=one.stopped_at,
            received_at=one.stopped_at,
            meter_stop_wh=self.registers[evse.pk],
            reason="EVDisconnected",
        )
        if one.customer.card:
            self.provider.put(one.stopped_at)
        actions.bill(session=Session.objects.with_place().get(pk=session.pk))
        self.sessions[one] = session

    def _bill_fleets(self, month: date) -> None:
        for operator in self.operators.values():
            monthly.bill_month(operator=operator, month=month)

    def _morning(self, day: date) -> None:
        """On Mondays the provider pays out; of late, the day before is compared with its books."""
        is_late = day >= self.now.date() - COMPARED
        if day.weekday() != 0 and not is_late:
            return
        self.provider.put(timezone.now())
        if day.weekday() == 0:
            self._pay_out()
            movements.sync(since=timezone.now() - timedelta(days=8))
        if is_late:
            reconciliation.reconcile_day(day=day - timedelta(days=1))

    def _pay_out(self) -> None:
        """The simulator refuses where the balance is empty."""
        with contextlib.suppress(httpx.HTTPStatusError):
            self.provider.do("payouts")

    def _refund(self, one: Charge) -> None:
        self.provider.put(timezone.now())
        payment = self.sessions[one].payments.get(state=Payment.State.CAPTURED)
        by = User.objects.filter(email=SUPPORT).first()
        refunds.refund(payment=payment, amount=Decimal("5.00"), reason="The display was out of order", by=by)

    def _dispute(self, one: Charge) -> None:
        self.provider.put(timezone.now())
        payment = self.sessions[one].payments.get(state=Payment.State.CAPTURED)
        intent = gateway.client().payment_intents.retrieve(payment.stripe_intent)
        self.provider.do("disputes", charge=intent.latest_charge)
        movements.sync(since=timezone.now() - timedelta(hours=1))

    def _close(self) -> None:
        """Today again: what was mailed then lies in nobody's mail box now."""
        Mail.objects.filter(sent_at=None).update(sent_at=F("created_at"), attempts=1)
        for one in customers.CUSTOMERS:
            if one.forgets_card:
                for card in Card.objects.of_driver(User.objects.get(email=one.email)):
                    cards.remove_card(card=card)


def _wait_for_disk(wait: bool) -> None:
    """A thousand commits of a past that is made up need not each be on the disk before the next one."""
    with connection.cursor() as cursor:
        cursor.execute("RESET synchronous_commit" if wait else "SET synchronous_commit = off")


def give_card(user: User, name: str) -> None:
    """One of the simulator's test cards, as if its owner had entered it on the card page."""
    if Card.objects.filter(customer__user=user).exists():
        return
    customer = cards.customer_of(user)
    method = gateway.client().payment_methods.attach(name, {"customer": customer.stripe_id})
    cards.save_card_from_event(saved=gateway.card(method.id))


def _plugs(operator: Operator) -> list[Plug]:
    evses = Evse.objects.filter(station__site__operator=operator).select_related("station__site")
    return [
        Plug(evse.pk, evse.station.site.slug, evse.max_power_w, evse.max_power_w >= 50_000)
        for evse in evses.order_by("public_id")
    ]


def _readings(session: Session, one: Charge, register: Decimal) -> None:
    """The meter's values on the way; no worker is told of them."""
    rows = []
    for point in charges.curve(one):
        values = [(ENERGY, register + point.wh, "Wh", "Outlet"), (POWER, point.power_w, "W", "Outlet")]
        if one.plug.is_dc:
            values.append((SOC, point.soc, "Percent", "EV"))
        rows += [
            Reading(
                evse=session.evse, session=session, at=point.at, received_at=point.at, measurand=measurand,
                phase="", location=location, context="Sample.Periodic", value=value, unit=unit,
            )
            for measurand, value, unit, location in values
        ]  # fmt: skip
    Reading.objects.bulk_create(rows)
