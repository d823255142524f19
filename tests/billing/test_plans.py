"""Plans: subscribed to on the provider's page, renewed, switched, unpaid, ended; and the energy in them."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.urls import reverse

from billing import actions, gateway, gateway_plans, groups, prices, sweeping
from billing.actions import subscriptions
from billing.documents import pdf as print_pdf
from billing.documents import words
from billing.exceptions import CardDeclined, ProviderDown
from billing.models import (
    AllowanceUse,
    Cdr,
    Invoice,
    Journal,
    Payment,
    Plan,
    PlanInvoice,
    PlanPeriod,
    PlanVersion,
    Subscription,
)
from billing.simulator import checkout
from billing.simulator.errors import StripeError
from billing.simulator.server import Simulator
from evportal.outbox.models import Mail
from stations import commands
from stations.models import Session
from tests import make, pdf
from tests.api import as_person
from tests.billing import money
from tests.billing.test_ledger import commit, sums
from tests.billing.test_webhook import post

pytestmark = pytest.mark.django_db
State = Subscription.State
#: What is lost is found by the hour at which the provider was last asked, so its time begins with ours.
START = datetime.now(UTC).replace(microsecond=0)
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


def broken(monkeypatch, step: str, *, after: bool) -> None:
    """The provider does not answer, and has done the step before that or not. `undo` mends it."""
    done = getattr(gateway_plans, step)

    def dies(*args, **fields):
        if after:
            done(*args, **fields)
        raise ProviderDown

    monkeypatch.setattr(gateway_plans, step, dies)


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
    gold = plan(make.operator())
    row = subscribed(clock, gold)
    deliver(client, clock)
    row.refresh_from_db()
    assert (row.state, row.period_start) == (State.ACTIVE, START)
    document = Invoice.objects.get()
    assert (document.gross, document.net, document.tax) == (D("9.90"), D("8.32"), D("1.58"))
    assert document.lines.get().text.startswith("Plan: Gold, ")
    assert document.details["paid"] == {"amount": "9.90", "brand": "card", "last4": "", "open": "0.00"}
    assert Payment.objects.get().purpose == Payment.Purpose.PLAN
    assert set(Journal.objects.values_list("kind", flat=True)) == {"invoice", "capture", "fee"}
    for _month in range(2):
        clock.advance(days=31)
        deliver(client, clock)
    row.refresh_from_db()
    assert documents(row) == provider_totals(row) == ["9.90"] * 3
    periods = list(row.periods.order_by("starts_at"))
    assert [each.ends_at for each in periods[:2]] == [each.starts_at for each in periods[1:]]
    assert [(each.included_wh, each.used_wh) for each in periods] == [(20_000, 0)] * 3
    commit()
    assert sums(gold.operator).keys() == {"1100", "2000", "4000", "6000"}


@pytest.mark.parametrize("order", [list, lambda sent: sent[::-1]], ids=["in order", "backwards"])
@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
def test_news_in_any_order_and_number_come_to_the_same(client, clock, order, times):
    gold = plan(make.operator())
    row, _url = subscriptions.subscribe(user=make.user(), plan=gold, now=START)
    pay_page(clock, row)
    clock.advance(days=31)
    deliver(client, clock, order, times)
    row.refresh_from_db()
    assert row.state == State.ACTIVE
    assert row.period_start > START
    assert documents(row) == ["9.90", "9.90"]
    assert Payment.objects.filter(purpose="plan").count() == 2
    assert PlanInvoice.objects.count() == 2


def test_lost_news_are_found_by_the_sweep(clock):
    gold = plan(make.operator())
    row, _url = subscriptions.subscribe(user=make.user(), plan=gold, now=START)
    pay_page(clock, row)
    clock.webhooks.take()
    sweeping.sweep(START + timedelta(minutes=10))
    row.refresh_from_db()
    assert row.state == State.ACTIVE
    clock.advance(days=32)
    clock.webhooks.take()
    sweeping.sweep(now(clock))
    row.refresh_from_db()
    assert row.period_end > now(clock)
    assert documents(row) == ["9.90", "9.90"]


def test_an_answer_that_is_older_changes_no_state(clock):
    gold = plan(make.operator())
    row = subscribed(clock, gold)
    old = gateway_plans.read(row.stripe_id)
    before = datetime.now(UTC)
    subscriptions.cancel(row=row, now=START)
    subscriptions.take(row=row, facts=old, invoices=[], asked_at=before)
    assert row.state == State.CANCELLING


# Subscribing


def test_a_double_click_subscribes_once(clock):
    gold, user = plan(make.operator()), make.user()
    first, url = subscriptions.subscribe(user=user, plan=gold, now=START)
    second, again = subscriptions.subscribe(user=user, plan=gold, now=START)
    assert (first, url) == (second, again)
    pay_page(clock, first)
    with pytest.raises(subscriptions.HasAPlan):
        subscriptions.subscribe(user=user, plan=gold, now=START)
    with pytest.raises(subscriptions.HasAPlan):
        subscriptions.subscribe(user=user, plan=plan(gold.operator, "basic"), now=START)
    assert Subscription.objects.count() == 1
    assert len(gateway.client().subscriptions.list({"customer": user.customer.stripe_id}).data) == 1


@pytest.mark.django_db(transaction=True)
def test_two_clicks_in_the_same_moment_subscribe_once(clock):
    gold, user = plan(make.operator()), make.user()
    subscriptions.customer_of(user)
    subscriptions.price_of(gold.newest, "S")
    together, urls = threading.Barrier(2), []

    def click():
        try:
            together.wait(10)
            urls.append(subscriptions.subscribe(user=user, plan=gold, now=START)[1])
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(urls) == 2
    assert len(set(urls)) == 1
    assert Subscription.objects.count() == 1


def test_another_plan_shuts_the_page_of_the_first(clock):
    operator, user = make.operator(), make.user()
    first, _url = subscriptions.subscribe(user=user, plan=plan(operator), now=START)
    second, _url = subscriptions.subscribe(user=user, plan=plan(operator, "basic"), now=START)
    first.refresh_from_db()
    assert (first.state, second.state) == (State.ENDED, State.INCOMPLETE)
    assert gateway_plans.read_page(first.stripe_checkout).status == "expired"


def test_a_crash_before_the_page_leaves_nothing(clock, monkeypatch):
    gold, user = plan(make.operator()), make.user()

    broken(monkeypatch, "page", after=False)
    with pytest.raises(ProviderDown):
        subscriptions.subscribe(user=user, plan=gold, now=START)
    row = Subscription.objects.get()
    sweeping.sweep(START + timedelta(minutes=10))
    row.refresh_from_db()
    assert row.state == State.ENDED


def test_a_crash_after_the_page_was_made_gives_the_same_page(clock, monkeypatch):
    gold, user = plan(make.operator()), make.user()
    broken(monkeypatch, "page", after=True)
    with pytest.raises(ProviderDown):
        subscriptions.subscribe(user=user, plan=gold, now=START)
    monkeypatch.undo()
    row, _url = subscriptions.subscribe(user=user, plan=gold, now=START)
    world = clock.app.api.world
    assert [each["id"] for each in world.all("checkout.session")] == [row.stripe_checkout]


def test_a_declined_card_on_the_page_ends_nothing(client, clock):
    gold = plan(make.operator())
    row, _url = subscriptions.subscribe(user=make.user(), plan=gold, now=START)
    bad = {**CARD, "card": {**CARD["card"], "number": "4000000000000341"}}
    with pytest.raises(StripeError):
        pay_page(clock, row, bad)
    with clock.world.lock:
        clock.world.commit()
    deliver(client, clock)
    row.refresh_from_db()
    assert (row.state, row.stripe_id) == (State.INCOMPLETE, "")
    pay_page(clock, row)
    deliver(client, clock)
    row.refresh_from_db()
    assert row.state == State.ACTIVE


# Switching


def test_a_dearer_plan_begins_at_once_at_the_price_shown(client, clock):
    operator = make.operator()
    basic, gold = plan(operator, "basic", fee="4.90", kwh="10"), plan(operator, fee="19.90", kwh="50")
    row = subscribed(clock, basic)
    clock.advance(days=10, seconds=12_345)
    at = now(clock)
    shown = subscriptions.preview(row=row, version=gold.newest, now=at)
    clock.advance(seconds=90)
    subscriptions.switch(row=row, version=gold.newest, at=at, now=now(clock))
    deliver(client, clock)
    row.refresh_from_db()
    assert row.plan == gold
    assert row.switching_to is None
    assert documents(row) == provider_totals(row) == ["4.90", f"{shown.total:.2f}"]
    document = Invoice.objects.filter(plan_invoice__subscription=row).latest("pk")
    lines = list(document.lines.all())
    assert [line.gross for line in lines] == [line.amount for line in shown.lines]
    assert [line.kind for line in lines] == ["PRORATION", "PRORATION"]
    assert lines[0].gross < 0 < lines[1].gross
    left = (row.period_end - at) / (row.period_end - row.period_start)
    assert abs(float(row.period.included_wh) - (10_000 * (1 - left) + 50_000 * left)) < 1
    clock.advance(days=31)
    deliver(client, clock)
    row.refresh_from_db()
    assert documents(row)[-1] == "19.90"
    assert row.period.included_wh == 50_000


def test_a_cheaper_plan_begins_with_the_next_period(client, clock):
    operator = make.operator()
    basic, gold = plan(operator, "basic", fee="4.90", kwh="10"), plan(operator, fee="19.90", kwh="50")
    row = subscribed(clock, gold)
    clock.advance(days=3)
    shown = subscriptions.preview(row=row, version=basic.newest, now=now(clock))
    assert shown.total == D("4.90")
    subscriptions.switch(row=row, version=basic.newest, at=now(clock), now=now(clock))
    assert (row.plan, row.next_version.plan) == (gold, basic)
    subscriptions.keep_plan(row=row)
    assert row.next_version is None
    subscriptions.switch(row=row, version=basic.newest, at=now(clock), now=now(clock))
    clock.advance(days=31)
    deliver(client, clock)
    row.refresh_from_db()
    assert (row.plan, row.next_version) == (basic, None)
    assert documents(row) == ["19.90", "4.90"]
    assert row.period.included_wh == 10_000


def test_a_declined_switch_leaves_the_plan_as_it_was(clock):
    operator = make.operator()
    basic, gold = plan(operator, "basic", fee="4.90"), plan(operator, fee="19.90")
    row = subscribed(clock, basic)
    broke(row)
    with pytest.raises(CardDeclined):
        subscriptions.switch(row=row, version=gold.newest, at=now(clock), now=now(clock))
    subscriptions.look(row=row)
    assert (row.state, row.plan, row.switching_to) == (State.ACTIVE, basic, None)
    assert documents(row) == ["4.90"]


@pytest.mark.parametrize("after", [True, False], ids=["after the provider", "before it"])
def test_a_switch_whose_process_dies_is_finished_or_dropped(clock, monkeypatch, after):
    operator = make.operator()
    basic, gold = plan(operator, "basic", fee="4.90"), plan(operator, fee="19.90")
    row = subscribed(clock, basic)
    subscriptions.price_of(gold.newest, "S")
    clock.advance(days=1)
    broken(monkeypatch, "change_price", after=after)
    with pytest.raises(ProviderDown):
        subscriptions.switch(row=row, version=gold.newest, at=now(clock), now=now(clock))
    assert row.switching_to == gold.newest
    monkeypatch.undo()
    sweeping.sweep(now(clock) + timedelta(hours=1))
    row.refresh_from_db()
    assert (row.plan, row.switching_to) == (gold if after else basic, None)
    assert len(documents(row)) == (2 if after else 1)


# Ending and not paying


def test_it_ends_with_its_period_unless_that_is_taken_back(client, clock):
    gold = plan(make.operator())
    row = subscribed(clock, gold)
    subscriptions.cancel(row=row, now=START)
    assert (row.state, row.ends_at, row.ends_there) == (State.CANCELLING, row.period_end, True)
    subscriptions.go_on(row=row, now=START)
    assert (row.state, row.ends_at, row.ends_there) == (State.ACTIVE, None, False)
    subscriptions.cancel(row=row, now=START)
    clock.advance(days=32)
    deliver(client, clock)
    row.refresh_from_db()
    assert row.state == State.ENDED
    assert documents(row) == ["9.90"]
    assert Mail.objects.filter(subject__contains="has ended").count() == 1
    assert not row.counts(now(clock))


def test_least_months_are_kept(client, clock):
    gold = plan(make.operator(), least_months=2)
    row = subscribed(clock, gold)
    subscriptions.cancel(row=row, now=START)
    assert row.state == State.CANCELLING
    assert row.ends_at > row.period_end
    assert not row.ends_there
    clock.advance(days=32)
    deliver(client, clock)
    sweeping.sweep(now(clock))
    row.refresh_from_db()
    assert (row.state, row.ends_there, row.ends_at) == (State.CANCELLING, True, row.period_end)
    clock.advance(days=32)
    deliver(client, clock)
    row.refresh_from_db()
    assert (row.state, len(documents(row))) == (State.ENDED, 2)


def test_a_wish_to_end_that_the_provider_did_not_hear_is_told_again(clock, monkeypatch):
    gold = plan(make.operator())
    row = subscribed(clock, gold)
    broken(monkeypatch, "end_with_period", after=False)
    with pytest.raises(ProviderDown):
        subscriptions.cancel(row=row, now=START)
    monkeypatch.undo()
    sweeping.sweep(START + timedelta(minutes=5))
    assert gateway_plans.read(row.stripe_id).ends


def broke(row) -> None:
    """The card on file declines from now on."""
    method = gateway.client().payment_methods.attach(
        "pm_card_chargeCustomerFail", {"customer": row.user.customer.stripe_id}
    )
    gateway_plans.use_card(row.stripe_id, card=method.id)


def test_an_unpaid_renewal_has_its_grace_and_is_paid(client, clock):
    evse = money.place()
    gold = plan(evse.station.site.operator, grace_days=5)
    row = subscribed(clock, gold)
    broke(row)
    clock.advance(days=31)
    deliver(client, clock)
    row.refresh_from_db()
    assert row.state == State.PAST_DUE
    assert documents(row) == ["9.90"]
    assert Mail.objects.filter(subject__contains="could not be renewed").count() == 1
    assert row.counts(row.past_due_since + timedelta(days=4))
    assert not row.counts(row.past_due_since + timedelta(days=5))
    sweeping.sweep(now(clock))
    subscriptions.pay(row=row, card=money.card(row.user))
    assert (row.state, row.past_due_since) == (State.ACTIVE, None)
    assert documents(row) == ["9.90", "9.90"]


def test_an_unpaid_plan_ends_when_its_grace_does(client, clock):
    gold = plan(make.operator(), grace_days=5)
    row = subscribed(clock, gold)
    broke(row)
    clock.advance(days=31)
    deliver(client, clock)
    row.refresh_from_db()
    sweeping.sweep(row.past_due_since + timedelta(days=5, minutes=1))
    row.refresh_from_db()
    assert row.state == State.ENDED
    assert gateway_plans.read(row.stripe_id).status == "canceled"
    assert [each.state for each in row.plan_invoices.all()] == ["void", "paid"]
    assert "was not paid and has ended" in Mail.objects.get(subject__contains="has ended").text


# Another fee


def test_a_new_version_is_for_new_drivers_at_once_and_for_others_after_notice(client, clock):
    gold = plan(make.operator(), notice_days=30)
    row = subscribed(clock, gold)
    clock.advance(days=10)
    dearer = version(gold, fee="12.90", kwh="30")
    sweeping.sweep(now(clock))
    sweeping.sweep(now(clock))
    assert Mail.objects.filter(subject__contains="changes").count() == 1
    assert subscribed(clock, gold).version == dearer
    for _month in range(2):
        clock.advance(days=31)
        deliver(client, clock)
        sweeping.sweep(now(clock))
    row.refresh_from_db()
    # The first renewal is within the notice, so it is the second one.
    assert documents(row) == ["9.90", "9.90", "12.90"]
    assert (row.version, row.period.included_wh) == (dearer, 30_000)


# Prices and energy


def test_its_drivers_pay_its_prices_where_it_counts(clock):
    here = make.evse(max_power_w=22_000)
    site = here.station.site
    there = make.evse(station=make.station(site=make.site(operator=site.operator)), max_power_w=22_000)
    prices_of_plan = {"groups": [{"group": "plan:gold", "discount_percent": 50}]}
    for evse in (here, there):
        money.tariff(evse=evse, evportal=prices_of_plan)
    gold = plan(site.operator, kwh="0")
    assert groups.choices(site.operator) == [("plan:gold", "Gold")]
    gold.sites.set([site])
    row = subscribed(clock, gold)
    later = START + timedelta(days=1)

    def cost(evse, user, at=later):
        return prices.estimate(evse=evse, starts_at=at, energy_wh=D(10_000), user=user).gross

    user = lambda: type(row.user).objects.get(pk=row.user_id)  # noqa: E731  groups are remembered on the row
    assert (cost(here, user()), cost(there, user()), cost(here, make.user())) == (
        D("2.45"),
        D("4.90"),
        D("4.90"),
    )
    assert cost(here, user(), START - timedelta(days=1)) == D("4.90")


def test_included_energy_is_taken_off_as_a_line(clock, eager):
    evse = money.place()
    row = subscribed(clock, plan(evse.station.site.operator, kwh="15"))
    user = row.user
    quote = prices.quote(
        evse=evse, starts_at=START + timedelta(hours=1), energy_wh=D(10_000), user=user, now=START
    )
    assert (quote.gross, [line["kind"] for line in quote.lines]) == (0, ["ENERGY", "INCLUDED"])
    assert quote.hold_amount == 5
    first = charge(user, evse, START + timedelta(hours=1))
    assert (first.gross, first.state) == (0, Cdr.State.SETTLED)
    second = charge(user, evse, START + timedelta(hours=3))
    assert (second.gross, second.state) == (D("2.45"), Cdr.State.SETTLED)
    lines = list(Invoice.objects.get(cdr=second).lines.all())
    assert [(line.kind, line.quantity, line.gross, line.energy_wh) for line in lines] == [
        ("ENERGY", 10, D("4.90"), 10_000), ("INCLUDED", -5, D("-2.45"), 0)
    ]  # fmt: skip
    assert lines[1].text == "Included in your plan"
    assert row.period.left_wh == 0
    assert charge(user, evse, START + timedelta(hours=5)).gross == D("4.90")


def test_the_receipt_says_what_the_plan_paid_and_what_is_left(client, clock, eager):
    evse = money.place()
    row = subscribed(clock, plan(evse.station.site.operator, kwh="15"))
    money.card(row.user)
    first = charge(row.user, evse, START + timedelta(hours=1), kwh=10)
    url = reverse("billing:receipt", args=[first.session.link])
    said = "5.0 of 15.0 kWh are left until"
    client.force_login(row.user)
    page = client.get(url).content.decode()
    assert "10.0 kWh were included in your plan" in page and said in page
    # Whoever else has the link sees the charge, and not what its driver has left.
    client.force_login(make.user())
    assert "Your charge" in client.get(url).content.decode()
    assert said not in client.get(url).content.decode()
    client.force_login(row.user)
    charge(row.user, evse, START + timedelta(hours=3), kwh=10)
    assert "0.0 of 15.0 kWh are left until" in client.get(url).content.decode()
    last = charge(row.user, evse, START + timedelta(hours=5), kwh=10)
    page = client.get(reverse("billing:receipt", args=[last.session.link])).content.decode()
    assert "included in your plan" not in page
    # Of a month that is over nothing is left.
    PlanPeriod.objects.update(starts_at=START - timedelta(days=40), ends_at=START - timedelta(days=10))
    page = client.get(url).content.decode()
    assert "10.0 kWh were included in your plan" in page and "are left until" not in page


def test_the_document_says_what_the_plan_paid_and_what_was_left_then(clock, eager):
    evse = money.place(components=(money.ENERGY, {"type": "FLAT", "price": 1, "vat": 19, "step_size": 1}))
    user = make.user(language="de")
    row = subscribed(clock, plan(evse.station.site.operator, kwh="15.5"), user)
    bill = Invoice.objects.get(cdr=charge(user, evse, START + timedelta(hours=1), kwh=10))
    assert bill.gross == 1
    until = words.day(row.period_end.astimezone(evse.station.site.zone).date(), "de")
    said = (
        f"10 kWh waren in Ihrem Ladetarif Gold enthalten; 5,5 von 15,5 kWh waren noch übrig bis zum {until}."
    )
    assert said in pdf.text(print_pdf(bill))
    # It stays what it was, whatever is used later; what gives money back has no word of it.
    charge(user, evse, START + timedelta(hours=3), kwh=5)
    assert said in pdf.text(print_pdf(bill))
    paid = Payment.objects.get(session=bill.cdr.session)
    note = actions.refund(payment=paid, amount=D(1), reason="", by=None).credit_note
    assert "Ladetarif" not in pdf.text(print_pdf(note))
    without = Invoice.objects.get(cdr=charge(make_driver(), evse, START + timedelta(hours=5)))
    assert "Ladetarif" not in pdf.text(print_pdf(without)) and "plan" not in pdf.text(print_pdf(without))


def make_driver():
    user = make.user()
    money.card(user)
    return user


def test_a_charge_across_a_period_uses_the_one_in_which_it_began(client, clock):
    evse = money.place()
    row = subscribed(clock, plan(evse.station.site.operator, kwh="15"))
    first = row.period
    begins = row.period_end - timedelta(minutes=10)
    clock.advance(days=31, hours=2)
    deliver(client, clock)
    cdr = charge(row.user, evse, begins, minutes=60)
    assert cdr.gross == 0
    row.refresh_from_db()
    first.refresh_from_db()
    assert (first.used_wh, row.period.used_wh) == (10_000, 0)


def test_a_renewal_that_nobody_told_us_of_is_asked_for_before_the_bill(clock):
    evse = money.place()
    row = subscribed(clock, plan(evse.station.site.operator, kwh="15"))
    end = row.period_end
    clock.advance(days=31, hours=2)
    clock.webhooks.take()
    assert charge(row.user, evse, end + timedelta(minutes=5)).gross == 0
    assert row.periods.get(starts_at=end).used_wh == 10_000


def test_running_charges_share_what_is_left(clock):
    one = money.place()
    two = make.evse(station=make.station(site=one.station.site), max_power_w=22_000)
    money.tariff(evse=two)
    money.online(two)
    row = subscribed(clock, plan(one.station.site.operator, kwh="15"))
    money.card(row.user)
    token = commands.app_token(row.user, one.station.site.operator)
    token.concurrent_allowed = True
    token.save()
    early = money.begin(one, row.user, at=START + timedelta(minutes=1))
    late = money.begin(two, row.user, at=START + timedelta(minutes=2))
    for session in (early, late):
        actions.open_cdr(session=session)
        money.reading(session, minutes=10, wh=11_000)
        Session.objects.filter(pk=session.pk).update(energy_wh=10_000)
    early, late = (Session.objects.with_place().get(pk=each.pk) for each in (early, late))
    assert prices.running(early).gross == 0
    assert prices.running(late).gross == D("2.45")
    bills = [actions.bill(session=money.end(each)) for each in (late, early)]
    assert sorted(each.gross for each in bills) == [D("0.00"), D("2.45")]
    assert row.period.left_wh == 0


@pytest.mark.django_db(transaction=True)
def test_bills_in_the_same_moment_never_overspend(clock, settings):
    one = money.place()
    row = subscribed(clock, plan(one.station.site.operator, kwh="15"))
    money.card(row.user)
    ended = []
    for hours in (1, 2, 3):
        session = money.begin(one, row.user, at=START + timedelta(hours=hours))
        ended.append(money.end(session))
    together = threading.Barrier(3)

    def bill(session):
        try:
            together.wait(10)
            actions.bill(session=Session.objects.with_place().get(pk=session.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=bill, args=[each]) for each in ended]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert row.period.used_wh == 15_000
    assert sum(AllowanceUse.objects.values_list("wh", flat=True)) == 15_000
    assert sum(Cdr.objects.values_list("gross", flat=True)) == D("7.35")


def test_a_correction_gives_energy_back(clock):
    evse = money.place()
    row = subscribed(clock, plan(evse.station.site.operator, kwh="15"))
    cdr = charge(row.user, evse, START + timedelta(hours=1))
    session = cdr.session
    Session.objects.filter(pk=session.pk).update(meter_stop_wh=D(7_000), energy_wh=D(6_000))
    actions.correct(session=Session.objects.with_place().get(pk=session.pk), previous_energy_wh=D(10_000))
    assert row.period.used_wh == 6_000
    cdr.refresh_from_db()
    assert cdr.gross == 0


# Refunds


def test_a_plans_fee_is_refunded_like_any_payment(clock):
    row = subscribed(clock, plan(make.operator()))
    payment = Payment.objects.get(purpose="plan")
    actions.refund(payment=payment, amount=D("4.00"), reason="Sorry", by=None)
    note = Invoice.objects.get(kind=Invoice.Kind.CREDIT_NOTE)
    assert (note.gross, note.corrects) == (D("-4.00"), row.plan_invoices.get().document)


# Pages


@pytest.fixture
def desk(client, provider):
    """A driver, signed in, and a plan of an operator."""
    evse = money.place()
    user = make.user()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client, user, plan(evse.station.site.operator, text="For commuters"), evse


def test_a_driver_subscribes_and_ends_it(desk, provider):
    client, user, gold, evse = desk
    page = client.get("/me/plan/").content.decode()
    assert "For commuters" in page
    assert "€9.90 a month" in page
    assert "Gold" in client.get(f"/c/{evse.public_id}/").content.decode()
    for _click in range(2):
        response = client.post(reverse("me:subscribe", args=[gold.pk]))
        assert response["Location"].startswith(provider.url)
    row = Subscription.objects.get()
    assert "is not confirmed yet" in client.get("/me/plan/").content.decode()
    pay_page(provider, row)
    page = client.get(f"/me/plan/{row.pk}/", follow=True).content.decode()
    assert "Your plan Gold has begun." in page
    assert "20.0 of 20.0 kWh left" in page
    charger = client.get(f"/c/{evse.public_id}/").content.decode()
    assert "With your plan Gold" in charger
    assert "20.0 kWh" in charger
    assert "It ends on" in client.get(f"/me/plan/{row.pk}/cancel/").content.decode()
    client.post(f"/me/plan/{row.pk}/cancel/")
    assert "Go on with the plan" in client.get("/me/plan/").content.decode()
    client.post(f"/me/plan/{row.pk}/go-on/")
    row.refresh_from_db()
    assert row.state == State.ACTIVE


def test_a_driver_sees_what_a_switch_costs_before_it(desk, provider):
    client, user, gold, _evse = desk
    row = subscribed(provider, gold, user)
    family = plan(gold.operator, "family", fee="29.90")
    url = reverse("me:switch_plan", args=[row.pk, family.pk])
    assert "See what it costs" in client.get("/me/plan/").content.decode()
    page = client.get(url)
    shown = page.context["totals"][0]["amount"]
    assert page.context["is_now"]
    client.post(url, {"at": page.context["at"], "seen": page.context["seen"]})
    row.refresh_from_db()
    assert row.plan == family
    assert f"€{documents(row)[-1]}" == shown
    stale = client.post(
        reverse("me:switch_plan", args=[row.pk, gold.pk]), {"at": "1", "seen": "x"}, follow=True
    )
    assert "changed meanwhile" in stale.content.decode()


def test_an_operator_makes_a_plan_and_sees_what_it_brings(client, provider, settings):
    settings.STAFF_MFA_REQUIRED = False
    operator = make.operator()
    manager = make.member(operator=operator, role="manager")
    client.force_login(manager, "django.contrib.auth.backends.ModelBackend")
    wish = {
        "name": "Pendler", "key": "pendler", "fee": "11.90", "vat_percent": "19", "included_kwh": "20",
        "least_months": "1", "grace_days": "7", "notice_days": "30",
    }  # fmt: skip
    assert client.post("/fin/plans/", wish | {"fee": "0"}).status_code == 422
    response = client.post("/fin/plans/", wish)
    row = Plan.objects.get()
    assert response["Location"] == f"/fin/plans/{row.pk}/"
    assert "key already" in client.post("/fin/plans/", wish).content.decode()
    subscribed(provider, row)
    page = client.get("/fin/plans/").content.decode()
    assert "€10.00" in page
    terms = {"do": "publish", "fee": "11.90", "vat_percent": "19", "included_kwh": "20"}
    assert "Nothing is different" in client.post(f"/fin/plans/{row.pk}/", terms).content.decode()
    client.post(f"/fin/plans/{row.pk}/", terms | {"fee": "12.90"})
    assert row.newest.fee == D("12.90")


def test_the_api_has_plans_and_ones_own(provider):
    user, gold = make.user(), plan(make.operator())
    api = as_person(user)
    assert [each["name"] for each in api.get("/api/v1/plans/").json()["results"]] == ["Gold"]
    begun = api.post("/api/v1/subscriptions/", {"plan": gold.pk}, format="json")
    assert begun.status_code == 201
    assert begun.json()["url"].startswith(provider.url)
    row = Subscription.objects.get()
    pay_page(provider, row)
    subscriptions.look(row=row)
    assert api.post(f"/api/v1/subscriptions/{row.pk}/cancel/").json()["state"] == "cancelling"
    assert api.post(f"/api/v1/subscriptions/{row.pk}/go-on/").json()["state"] == "active"
    assert api.post("/api/v1/subscriptions/", {"plan": gold.pk}, format="json").status_code == 409
