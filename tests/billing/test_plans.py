"""Plans: subscribed to on the provider's page, renewed, switched, unpaid, ended; and the energy in them."""

from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from billing import actions, gateway_plans
from billing.actions import subscriptions
from billing.models import (
    Cdr,
    Invoice,
    Journal,
    Payment,
    Plan,
    PlanVersion,
    Subscription,
)
from billing.simulator import checkout
from billing.simulator.server import Simulator
from tests import make
from tests.billing import money
from tests.billing.test_ledger import commit, sums
from tests.billing.test_webhook import post

pytestmark = pytest.mark.django_db
State = Subscription.State
START = datetime(2026, 3, 10, 8, tzinfo=UTC)
CARD = {
    "type": "card",
    "card": {"number": "4242424242424242", "exp_month": "12", "exp_year": "40", "cvc": "123"},
}


@pytest.fixture
def clock(settings):
    """A provider whose time the test moves."""
    with Simulator(start=int(START.timestamp())) as provider:
        settings.STRIPE_API_BASE = provider.url
        settings.STRIPE_SECRET_KEY = "sk_test_simulator"
        settings.STRIPE_WEBHOOK_SECRET = "whsec_simulator"
        yield provider


def now(clock) -> datetime:
    return datetime.fromtimestamp(clock.now(), UTC)


def plan(operator, key="gold", *, fee="9.90", kwh="20", **fields) -> Plan:
    row = Plan.objects.create(operator=operator, key=key, name=key.title(), **fields)
    version(row, fee=fee, kwh=kwh)
    return row


def version(row, *, fee="9.90", kwh="20") -> PlanVersion:
    return PlanVersion.objects.create(
        plan=row, number=row.versions.count() + 1, currency="EUR", fee=D(fee), vat_percent=19,
        included_kwh=D(kwh),
    )  # fmt: skip


def pay_page(provider, row, card=CARD) -> None:
    """The driver fills in the provider's page."""
    world = provider.app.api.world
    with world.lock:
        checkout.submit(world, world.touch(world.get("checkout.session", row.stripe_checkout)), card)
        world.commit()


def subscribed(provider, row: Plan, user=None) -> Subscription:
    user = user or make.user()
    found, _url = subscriptions.subscribe(user=user, plan=row, now=now(provider))
    pay_page(provider, found)
    return subscriptions.look(row=found)


def deliver(client, provider, order=list, times=1) -> None:
    for sent in [one for one in order(provider.webhooks.take()) for _ in range(times)]:
        assert post(client, *sent).status_code == 200


def documents(row: Subscription) -> list[str]:
    return [
        f"{each.gross:.2f}" for each in Invoice.objects.filter(plan_invoice__subscription=row).order_by("pk")
    ]


def provider_totals(row: Subscription) -> list[str]:
    return [f"{one.total:.2f}" for one in gateway_plans.invoices(row.stripe_id) if one.status == "paid"]


def charge(user, evse, at, *, kwh=10, minutes=30) -> Cdr:
    if not user.customer.cards.exists():
        money.card(user)
    session = money.end(money.begin(evse, user, at=at), energy_wh=kwh * 1000, minutes=minutes)
    return actions.bill(session=session)


def test_three_months_of_a_plan(client, clock):
    evse = money.place()
    gold = plan(evse.station.site.operator)
    row = subscribed(clock, gold)
    deliver(client, clock)
    row.refresh_from_db()
    assert (row.state, row.period_start, row.period_end) == (
        State.ACTIVE, START, datetime(2026, 4, 10, 8, tzinfo=UTC)
    )  # fmt: skip
    document = Invoice.objects.get()
    assert (document.gross, document.net, document.tax) == (D("9.90"), D("8.32"), D("1.58"))
    assert document.lines.get().text.startswith("Plan: Gold, 10 March 2026")
    assert Payment.objects.get().purpose == Payment.Purpose.PLAN
    assert set(Journal.objects.values_list("kind", flat=True)) == {"invoice", "capture"}
    for _month in range(2):
        clock.advance(days=31)
        deliver(client, clock)
    row.refresh_from_db()
    assert documents(row) == provider_totals(row) == ["9.90"] * 3
    assert [f"{each.starts_at:%m-%d}" for each in row.periods.order_by("starts_at")] == [
        "03-10",
        "04-10",
        "05-10",
    ]
    commit()
    assert sums()["1200"] == 0
