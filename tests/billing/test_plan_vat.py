"""Reverse charge on a plan's fee: the net price for a business in another EU country, and its document."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from billing import documents, gateway, gateway_plans, sweeping, vat
from billing.actions import subscriptions
from billing.documents import facts
from billing.models import Account, Invoice, Payment, Subscription
from tests import make, pdf
from tests.api import as_person
from tests.billing.test_einvoice import check
from tests.billing.test_limit_pages import fleet
from tests.billing.test_plans import clock, deliver, now, pay_page, plan, subscribed

__all__ = ["clock"]
pytestmark = pytest.mark.django_db
GROSS, NET = D("9.90"), D("8.32")


@pytest.fixture
def gold(clock):
    operator = make.operator(country="DE", vat_id="DE123456788", legal_name="Strom GmbH")
    operator.street, operator.postcode, operator.city = "Hafen 1", "20457", "Hamburg"
    operator.save()
    return plan(operator)


def details(user, **fields) -> Account:
    named = {"name": "Wien GmbH", "street": "Ring 1", "postcode": "1010", "city": "Wien", "country": "AT"}
    wanted = named | {"kind": "business", "vat_id": "ATU12345675"} | fields
    return Account.objects.update_or_create(user=user, defaults=wanted)[0]


def business(**fields):
    user = make.user()
    details(user, **fields)
    return user


@pytest.mark.parametrize(
    ("customer", "seller", "expected"),
    [
        (vat.Customer("business", "AT", "ATU12345675"), ("DE", "DE123456788"), "AE"),
        (vat.Customer("reseller", "AT", "ATU12345675"), ("DE", "DE123456788"), "AE"),
        (vat.Customer("business", "GR", "EL094259216"), ("DE", "DE123456788"), "AE"),
        (vat.Customer("business", "DE", "DE136695976"), ("DE", "DE123456788"), "S"),
        (vat.Customer("private", "AT", "ATU12345675"), ("DE", "DE123456788"), "S"),
        (vat.Customer("business", "AT", ""), ("DE", "DE123456788"), "S"),
        (vat.Customer("business", "AT", "ATU12345675", vat_id_refused=True), ("DE", "DE123456788"), "S"),
        # Services have no rule of their own in Northern Ireland; outside the EU this is not its tax.
        (vat.Customer("business", "GB", "XI123456789"), ("DE", "DE123456788"), "S"),
        (vat.Customer("business", "AT", "ATU12345675"), ("DE", ""), "S"),
        (vat.Customer("business", "AT", "ATU12345675"), ("CH", "CHE123456788"), "S"),
    ],
)
def test_who_owes_the_tax(customer, seller, expected):
    found = vat.plan_category(seller_country=seller[0], seller_vat_id=seller[1], customer=customer)
    assert found == expected


def test_a_business_abroad_pays_the_net_fee_and_owes_the_tax(client, clock, gold):
    row = subscribed(clock, gold, business(language="de"))
    assert (row.state, row.vat_category, row.vat_id, row.fee) == ("active", "AE", "ATU12345675", NET)
    document = Invoice.objects.get()
    assert (document.net, document.tax, document.gross) == (NET, 0, NET)
    line = document.lines.get()
    assert (line.vat_category, line.vat_percent, line.kind) == ("AE", 0, "PLAN")
    assert Payment.objects.get().amount_captured == NET
    text = pdf.text(documents.pdf(document))
    assert "Steuerschuldnerschaft des Leistungsempfängers." in text and "ATU12345675" in text
    cii, _ubl = check(facts.of(document, [line]))
    assert b"VATEX-EU-AE" in cii
    clock.advance(days=31)
    deliver(client, clock)
    assert [each.gross for each in Invoice.objects.all()] == [NET, NET]


def test_a_version_has_both_prices_at_the_provider(clock, gold):
    version = gold.newest
    ids = {how: subscriptions.price_of(version, how) for how in ("S", "AE")}
    there = {how: gateway.client().prices.retrieve(price) for how, price in ids.items()}
    assert {how: price.unit_amount for how, price in there.items()} == {"S": 990, "AE": 832}
    assert {how: price.tax_behavior for how, price in there.items()} == {"S": "inclusive", "AE": "exclusive"}
    assert [price.recurring.interval for price in there.values()] == ["month", "month"]


def test_a_version_from_before_gets_its_net_price(clock, gold):
    version = gold.newest
    old = gateway_plans.make_price(
        version_id=version.pk, name="Gold", fee=version.fee, currency="EUR", with_tax=True
    )
    type(version).objects.filter(pk=version.pk).update(stripe_price=old)
    version.refresh_from_db()
    assert subscriptions.price_of(version, "AE") != old
    assert version.stripe_price == old


def test_everybody_else_pays_with_vat(clock, gold):
    row = subscribed(clock, gold, business(country="DE", vat_id="DE136695976"))
    assert (row.vat_category, row.vat_id, row.fee) == ("S", "", GROSS)
    assert Invoice.objects.get().tax == D("1.58")


def test_what_is_shown_is_what_is_charged(client, clock, gold):
    user, private = business(), make.user()
    client.force_login(user)
    page = client.get(reverse("me:plan")).content.decode()
    assert "€8.32 a month" in page and "you owe yourself (reverse charge)" in page and "9.90" not in page
    client.force_login(private)
    page = client.get(reverse("me:plan")).content.decode()
    assert "€9.90 a month" in page and "Price with VAT." in page
    for each, fee in ((user, "8.320"), (private, "9.900")):
        [shown] = as_person(each).get("plans/").data["results"]
        assert (shown["fee"], shown["your_fee"]) == ("9.900", fee)
    subscribed(clock, gold, user)
    client.force_login(user)
    page = client.get(reverse("me:plan")).content.decode()
    assert "without VAT (reverse charge)" in page and "for €8.32." in page
    assert as_person(user).get("subscriptions/").data["results"][0]["fee"] == "8.320"


def test_a_fleet_s_details_count_for_its_driver(clock, gold):
    user = make.user()
    account = fleet(user, gold.operator)
    account.country, account.vat_id, account.city = "AT", "ATU12345675", "Wien"
    account.save()
    assert subscribed(clock, gold, user).vat_category == "AE"


def test_details_that_change_before_it_is_paid_shut_the_page(clock, gold):
    user = make.user()
    first, _url = subscriptions.subscribe(user=user, plan=gold, now=now(clock))
    details(user)
    second, _url = subscriptions.subscribe(user=user, plan=gold, now=now(clock))
    first.refresh_from_db()
    assert (first.state, second.vat_category) == ("ended", "AE")
    pay_page(clock, second)
    assert subscriptions.look(row=second).fee == NET


@pytest.mark.parametrize("begins_with", ["AE", "S"])
def test_a_change_of_the_vat_id_begins_with_the_renewal(client, clock, gold, begins_with):
    user = business() if begins_with == "AE" else make.user()
    row = subscribed(clock, gold, user)
    before, after = (NET, GROSS) if begins_with == "AE" else (GROSS, NET)
    if begins_with == "AE":
        details(user, kind="private", vat_id="")
    else:
        details(user)
    for _time in range(2):
        sweeping.sweep(now(clock) + timedelta(minutes=1))
    row.refresh_from_db()
    assert (row.fee, row.next_fee, row.next_version) == (before, after, None)
    assert row.next_vat_category and not subscriptions.may_switch(row, gold.newest, now(clock))
    client.force_login(user)
    assert "By your invoice details" in client.get(reverse("me:plan")).content.decode()
    deliver(client, clock)
    clock.advance(days=31)
    deliver(client, clock)
    row.refresh_from_db()
    assert (row.fee, row.next_vat_category) == (after, "")
    bills = list(Invoice.objects.order_by("pk"))
    assert [bill.gross for bill in bills] == [before, after]
    for bill in bills:
        found = facts.of(bill, list(bill.lines.all()))
        check(found)
    net_bill = next(bill for bill in bills if bill.gross == NET)
    assert net_bill.buyer["vat_id"] == "ATU12345675"


def test_a_renewal_before_the_provider_heard_of_it_names_the_id_that_was_agreed(client, clock, gold):
    user = business()
    subscribed(clock, gold, user)
    details(user, kind="private", vat_id="")
    clock.advance(days=31)
    deliver(client, clock)
    bill = Invoice.objects.order_by("pk").last()
    assert (bill.gross, bill.buyer["vat_id"]) == (NET, "ATU12345675")
    check(facts.of(bill, list(bill.lines.all())))


def test_a_change_that_is_taken_back_changes_nothing(client, clock, gold):
    user = business()
    row = subscribed(clock, gold, user)
    details(user, kind="private", vat_id="")
    sweeping.sweep(now(clock) + timedelta(minutes=1))
    details(user)
    sweeping.sweep(now(clock) + timedelta(minutes=2))
    row.refresh_from_db()
    assert (row.next_vat_category, row.next_fee) == ("", NET)
    clock.advance(days=31)
    deliver(client, clock)
    assert [bill.gross for bill in Invoice.objects.all()] == [NET, NET]


def test_a_dearer_plan_is_switched_to_without_vat(client, clock, gold):
    row = subscribed(clock, gold, business())
    platinum = plan(gold.operator, "platinum", fee="19.90")
    at = now(clock)
    shown = subscriptions.preview(row=row, version=platinum.newest, now=at)
    subscriptions.switch(row=row, version=platinum.newest, at=at, now=at)
    deliver(client, clock)
    row.refresh_from_db()
    assert (row.fee, row.vat_category) == (D("16.72"), "AE")
    bill = Invoice.objects.order_by("pk").last()
    assert (bill.gross, bill.tax) == (shown.total, 0)
    assert {line.vat_category for line in bill.lines.all()} == {"AE"}
    check(facts.of(bill, list(bill.lines.all())))


def test_the_stand_in_fixes_how_a_price_is_taxed(clock, gold):
    price = subscriptions.price_of(gold.newest, "AE")
    with pytest.raises(Exception, match="tax_behavior"):
        gateway.client().prices.update(price, {"tax_behavior": "inclusive"})


def test_no_row_without_a_vat_id_owes_the_tax(clock, gold):
    row = subscribed(clock, gold)
    with pytest.raises(Exception, match="who_owes_a_plans_tax_has_a_vat_id"):
        Subscription.objects.filter(pk=row.pk).update(vat_category="AE")
