"""Charging without an account: pay first, come back by a link, and nobody signs in as a guest."""

import json
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlsplit

import httpx
import pytest
from django.contrib.auth import authenticate
from django.core import mail
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing import actions, documents, gateway, sweeping
from billing.actions import guest_links, guests
from billing.actions.books import books_of
from billing.exports import making
from billing.models import Account, Cdr, Invoice, Payment, RevenueAccount, Start
from evportal.accounts import guests as links
from evportal.accounts.models import Guest, User
from evportal.outbox.models import Mail
from stations.models import Command, Session
from tests import make
from tests.billing import money

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh():
    cache.clear()


def pay(page: str, *, email: str = "", number: str = "4242424242424242", answer: str = "complete") -> str:
    """What the guest does on the provider's page; where it leads them to afterwards."""
    form = {"number": number, "expiry": "12 / 34", "cvc": "123", "email": email or "wallet@example.com"}
    with httpx.Client(trust_env=False) as browser:
        response = browser.post(page, data=form)
        if "/3ds/" in response.headers.get("location", ""):
            response = browser.post(response.headers["location"], data={"answer": answer})
    assert response.status_code == 302 or response.status_code == 303, response.text
    return response.headers["location"]


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def scan_and_pay(client, evse, **how) -> str:
    """Two taps: the address to which the provider sends the guest back."""
    response = client.post(reverse("billing:guest_start", args=[evse.public_id]))
    return path_of(pay(response.url, **how))


def body(response) -> str:
    return response.content.decode()


def charge(
    client, evse, *, energy_wh: int = 10_000, minutes: int = 30, email: str = "", is_nameless=False
) -> Session:
    """A guest's whole charge."""
    client.get(scan_and_pay(client, evse, email=email))
    if is_nameless:
        # As if the wallet had given no address.
        Guest.objects.update(email="")
    start = Start.objects.latest("created_at")
    session = money.begin(evse, start.user, at=timezone.now() - timedelta(minutes=minutes + 10))
    actions.open_cdr(session=session)
    session = money.end(session, minutes=minutes, energy_wh=energy_wh)
    actions.bill(session=session)
    return session


# The charger's page and the way to the charger


def test_page_offers_to_pay_without_an_account(client, provider):
    evse = money.place()
    page = body(client.get(reverse("billing:charger", args=[evse.public_id])))
    assert "Pay and charge" in page
    assert "I have an account" in page


def test_from_the_button_to_the_receipt(client, provider):
    evse = money.place()
    response = client.post(reverse("billing:guest_start", args=[evse.public_id]))
    payment, start = Payment.objects.get(), Start.objects.get()
    assert response.url.startswith(provider.url)
    assert (payment.state, payment.amount, start.state) == ("new", Decimal(25), "paying")
    assert not Command.objects.exists()

    back = path_of(pay(response.url))
    response = client.get(back)
    assert response.url == f"/start/{start.pk}/"
    payment.refresh_from_db(), start.refresh_from_db()
    assert (payment.state, start.state) == ("held", "asked")
    assert str(payment.card) == "Visa •••• 4242"
    assert payment.capture_before is not None
    assert "Hold placed" in body(client.get(response.url))

    session = money.begin(evse, start.user, at=timezone.now())
    actions.open_cdr(session=session)
    assert client.get(f"/start/{start.pk}/").url == f"/x/{session.link}/"
    # The same code scanned again in this browser, and the link in any other.
    assert client.get(f"/c/{evse.public_id}/").url == f"/x/{session.link}/"
    assert Client().get(back).url == f"/x/{session.link}/"
    page = body(client.get(f"/x/{session.link}/"))
    assert "Your link" in page and "/g/" in page and "wallet@example.com" in page
    other = body(Client().get(f"/x/{session.link}/"))
    assert "Your link" not in other and "wallet@example.com" not in other

    session = money.end(session)
    cdr = actions.bill(session=session)
    payment.refresh_from_db()
    assert (cdr.state, payment.state, payment.amount_captured) == ("settled", "captured", Decimal("4.90"))
    invoice = Invoice.objects.get()
    assert invoice.buyer == {"name": "", "email": "wallet@example.com"}
    assert invoice.details["paid"]["last4"] == "4242"
    page = body(Client().get(f"/r/{session.link}/"))
    assert "Visa •••• 4242" in page and "Sign in to pay" not in page
    assert Client().get(f"/r/{session.link}/invoice.pdf").content.startswith(b"%PDF")


def test_free_charging_starts_with_one_tap(client, provider):
    evse = money.place(components=[money.FREE])
    assert "Charge now" in body(client.get(f"/c/{evse.public_id}/"))
    response = client.post(f"/c/{evse.public_id}/guest/")
    start = Start.objects.get()
    assert (response.url, start.state, start.payment) == (f"/start/{start.pk}/", "asked", None)
    session = money.begin(evse, start.user)
    actions.open_cdr(session=session)
    assert actions.bill(session=money.end(session)).gross == 0
    assert not Mail.objects.exists()


def test_the_provider_is_asked_for_a_hold_on_cards_and_wallets(client, provider):
    client.post(f"/c/{money.place().public_id}/guest/")
    page = gateway.client().checkout.sessions.retrieve(Payment.objects.get().stripe_checkout)
    assert (page.mode, page.payment_method_types, page.amount_total) == ("payment", ["card"], 2500)
    assert page.expires_at - timezone.now().timestamp() <= 31 * 60


# Whoever brings the news first


def deliver(client, provider) -> list[str]:
    """The provider's webhooks so far, and what they are about."""
    sent = provider.webhooks.take()
    for payload, signature in sent:
        response = client.post(
            "/billing/stripe/webhook/",
            payload,
            content_type="application/json",
            headers={"Stripe-Signature": signature},
        )
        assert response.status_code == 200
    return [json.loads(payload)["type"] for payload, _signature in sent]


def test_the_webhook_comes_before_the_browser(client, provider, eager, django_capture_on_commit_callbacks):
    evse = money.place()
    provider.webhooks.take()
    back = scan_and_pay(client, evse)
    with django_capture_on_commit_callbacks(execute=True):
        assert "checkout.session.completed" in deliver(client, provider)
    start = Start.objects.get()
    assert (start.state, start.payment.state) == ("asked", "held")
    assert client.get(back).url == f"/start/{start.pk}/"
    assert Command.objects.count() == 1


def test_the_browser_comes_before_the_webhook(client, provider, eager, django_capture_on_commit_callbacks):
    provider.webhooks.take()
    client.get(scan_and_pay(client, money.place()))
    with django_capture_on_commit_callbacks(execute=True):
        deliver(client, provider)
    assert Start.objects.get().state == "asked"
    assert Command.objects.count() == 1


def test_neither_comes_and_the_sweeper_finds_the_hold(client, provider):
    scan_and_pay(client, money.place())
    later(minutes=1)
    sweeping.sweep(timezone.now())
    start = Start.objects.get()
    assert (start.state, start.payment.state) == ("asked", "held")
    assert Mail.objects.get().to == "wallet@example.com"


def later(**ago) -> None:
    """As if the rows were so much older."""
    delta = timedelta(**ago)
    for payment in Payment.objects.all():
        Payment.objects.filter(pk=payment.pk).update(
            updated_at=payment.updated_at - delta, created_at=payment.created_at - delta
        )
    for start in Start.objects.all():
        Start.objects.filter(pk=start.pk).update(expires_at=start.expires_at - delta)


def test_a_page_that_is_left_open_is_shut_in_the_end(client, provider):
    evse = money.place()
    response = client.post(f"/c/{evse.public_id}/guest/")
    later(minutes=1)
    sweeping.sweep(timezone.now())
    assert Payment.objects.get().state == "new"
    later(minutes=15)
    sweeping.sweep(timezone.now())
    payment, start = Payment.objects.get(), Start.objects.get()
    assert (payment.state, start.state) == ("released", "failed")
    assert gateway.read_hold_page(payment.stripe_checkout).status == "expired"
    assert "expired" in httpx.get(response.url, trust_env=False).text


def test_who_pays_in_the_last_moment_gets_it_back(client, provider, monkeypatch):
    """The page is used between our look and our shutting it."""
    scan_and_pay(client, money.place())
    later(minutes=16)
    sweeping.sweep(timezone.now())
    payment = Payment.objects.get()
    assert payment.state in ("held", "released")
    start = Start.objects.get()
    assert (payment.state, start.state) != ("held", "failed")
    sweeping.sweep(timezone.now())
    payment.refresh_from_db()
    start.refresh_from_db()
    if start.state == "failed":
        assert payment.state == "released"
        assert gateway.retrieve(payment.stripe_intent).status == "canceled"


@pytest.mark.parametrize("moment", ["before", "at", "after"])
def test_the_provider_is_silent(client, provider, moment):
    """While its page is asked for nothing is left behind; while it is asked how it went, the page waits."""
    evse = money.place()
    if moment == "before":
        for _attempt in range(3):
            provider.fail_next("/v1/checkout/sessions")
        response = client.post(f"/c/{evse.public_id}/guest/")
        assert response.url == f"/c/{evse.public_id}/"
        assert "does not answer" in body(client.get(response.url))
        payment, start = Payment.objects.get(), Start.objects.get()
        assert (payment.state, start.state) == ("released", "failed")
        return
    back = scan_and_pay(client, evse)
    payment = Payment.objects.get()
    if moment == "at":
        for _attempt in range(6):
            provider.fail_next(payment.stripe_checkout)
        response = client.get(back)
        assert response.status_code == 302
        assert client.get(response.url).status_code == 200
        provider.app.api.faults.clear()
    client.get(back)
    assert Start.objects.get().state == "asked"


# Cancelled, twice, too late, taken


def test_a_cancelled_checkout_can_go_on(client, provider):
    evse = money.place()
    first = client.post(f"/c/{evse.public_id}/guest/").url
    link = path_of(guest_links.link_of(User.objects.get(is_guest=True)))
    response = client.get(f"{link}?back=1")
    assert response.url == f"/c/{evse.public_id}/"
    page = body(client.get(response.url))
    assert "You have not paid" in page and "Pay and charge" in page
    assert client.post(f"/c/{evse.public_id}/guest/").url == first
    assert Payment.objects.count() == Start.objects.count() == 1
    assert "Go on paying" in body(client.get(f"/start/{Start.objects.get().pk}/"))


def test_two_tabs_are_one_hold(client, provider):
    evse = money.place()
    first = client.post(f"/c/{evse.public_id}/guest/").url
    second = client.post(f"/c/{evse.public_id}/guest/").url
    assert first == second
    back = path_of(pay(first))
    # The other tab's button, before the first is back.
    assert client.post(f"/c/{evse.public_id}/guest/").url == f"/start/{Start.objects.get().pk}/"
    client.get(back)
    assert (Payment.objects.count(), Command.objects.count()) == (1, 1)
    assert Payment.objects.get().state == "held"


@pytest.mark.parametrize("how", ["session", "starting"])
def test_taken_while_paying(client, provider, how):
    evse = money.place()
    back = scan_and_pay(client, evse)
    if how == "session":
        make.session(evse=evse, user=make.user(), started_at=timezone.now())
    else:
        make_start(evse)
    response = client.get(back)
    page = body(client.get(response.url))
    payment, start = Payment.objects.get(), Start.objects.get(user__is_guest=True)
    assert (payment.state, start.state) == ("released", "failed")
    assert ("Somebody is charging here" if how == "session" else "Somebody else is just starting") in page
    assert "is released; nothing was charged" in page
    assert not Command.objects.exists()
    assert gateway.retrieve(payment.stripe_intent).status == "canceled"


def make_start(evse) -> Start:
    return Start.objects.create(
        user=make.user(), evse=evse, state="asked", expires_at=timezone.now() + timedelta(minutes=2)
    )


def test_a_declined_card_may_be_followed_by_another(client, provider):
    evse = money.place()
    url = client.post(f"/c/{evse.public_id}/guest/").url
    with httpx.Client(trust_env=False) as browser:
        refused = browser.post(
            url,
            data={"number": "4000000000000002", "expiry": "12 / 34", "cvc": "123", "email": "a@b.de"},
        )
    assert "declined" in refused.text
    later(minutes=1)
    sweeping.sweep(timezone.now())
    assert Payment.objects.get().state == "new"
    client.get(path_of(pay(url)))
    assert Payment.objects.get().state == "held"


def test_with_the_banks_question(client, provider):
    evse = money.place()
    client.get(scan_and_pay(client, evse, number="4000002500003155"))
    assert (Payment.objects.get().state, Start.objects.get().state) == ("held", "asked")


def test_plugged_in_too_late(client, provider):
    """The start is over, the hold is free, and what begins without one is stopped and not billed."""
    evse = money.place()
    client.get(scan_and_pay(client, evse))
    later(minutes=4)
    sweeping.sweep(timezone.now())
    payment, start = Payment.objects.get(), Start.objects.get()
    assert (payment.state, start.state) == ("released", "failed")
    assert "in time" in body(client.get(f"/start/{start.pk}/"))
    session = money.begin(evse, start.user, at=timezone.now())
    cdr = actions.open_cdr(session=session)
    assert actions.secure(session=session, cdr=cdr) is None
    assert Command.objects.filter(action="RemoteStopTransaction").count() == 1
    cdr = actions.bill(session=money.end(session, minutes=1, energy_wh=200))
    assert (cdr.state, Invoice.objects.count()) == ("waived", 0)
    assert "not secured" in cdr.review
    assert not Mail.objects.filter(key__startswith="unpaid").exists()


@pytest.mark.parametrize("what", ["offline", "faulted", "busy"])
def test_a_charger_that_can_not_be_used_takes_no_money(client, provider, what):
    evse = money.place()
    if what == "offline":
        evse.station.connection = None
        evse.station.save()
    elif what == "faulted":
        evse.state = "faulted"
        evse.save()
    else:
        make.session(evse=evse, user=make.user(), started_at=timezone.now())
    assert client.post(f"/c/{evse.public_id}/guest/").url == f"/c/{evse.public_id}/"
    assert not Payment.objects.exists()
    assert not User.objects.filter(is_guest=True).exists()


def test_without_a_tariff(client, provider):
    evse = make.evse(state="available")
    money.online(evse)
    assert "No price is set" in body(client.post(f"/c/{evse.public_id}/guest/", follow=True))
    assert not User.objects.filter(is_guest=True).exists()


def test_many_charges_from_one_address_have_to_wait(client, provider, settings):
    settings.GUEST_STARTS_PER_ADDRESS = 2
    evse = money.place()
    for _try in range(2):
        assert Client().post(f"/c/{evse.public_id}/guest/").url.startswith(provider.url)
    response = Client().post(f"/c/{evse.public_id}/guest/", follow=True)
    assert "Wait a few minutes" in body(response)
    assert Payment.objects.count() == 2
    # An open page keeps the charger from nobody.
    other = Client().post(f"/c/{evse.public_id}/guest/", REMOTE_ADDR="198.51.100.7")
    assert other.url.startswith(provider.url)


def test_no_guests_where_the_operator_wants_none(client, provider, settings):
    settings.GUEST_STARTS_PER_ADDRESS = 0
    evse = money.place()
    assert "Sign in to start" in body(client.get(f"/c/{evse.public_id}/"))
    assert "not offered here" in body(client.post(f"/c/{evse.public_id}/guest/", follow=True))
    assert not Payment.objects.exists()


# Never more than was secured


@pytest.mark.parametrize("vat", [19, 0])
def test_what_was_not_secured_is_not_billed(client, provider, vat):
    """A meter that speaks too late: the bill is the hold, and its document adds up."""
    evse = money.place(components=[money.ENERGY | {"vat": vat}, {**money.PARKING, "vat": 7}])
    session = charge(client, evse, energy_wh=80_000, minutes=240)
    payment, cdr = Payment.objects.get(), Cdr.objects.get()
    assert (payment.state, payment.amount_captured) == ("captured", payment.amount)
    assert (cdr.state, cdr.gross) == ("settled", payment.amount)
    invoice = Invoice.objects.get()
    assert (invoice.gross, invoice.details["paid"]["open"]) == (payment.amount, "0.000")
    off = invoice.lines.filter(gross__lt=0)
    assert [line.text for line in off] == ["More than was held, not charged"]
    assert sum(line.gross for line in invoice.lines.all()) == invoice.gross == invoice.net + invoice.tax
    before = cdr.review
    assert actions.bill(session=session).review == before
    assert Client().get(f"/r/{session.link}/invoice.pdf").content.startswith(b"%PDF")


@pytest.mark.parametrize("is_known", [True, False])
def test_a_lost_hold_is_nobodys_debt(client, provider, is_known):
    evse = money.place()
    client.get(scan_and_pay(client, evse))
    start = Start.objects.get()
    session = money.begin(evse, start.user, at=timezone.now() - timedelta(minutes=40))
    actions.open_cdr(session=session)
    # Their bank let it go.
    gateway.release(Payment.objects.get().stripe_intent, payment_id=f"elsewhere-{make.number()}")
    if is_known:
        actions.look(payment=Payment.objects.get())
    cdr = actions.bill(session=money.end(session))
    assert (cdr.state, Invoice.objects.count()) == ("waived", 0)
    assert Payment.objects.get().state == "released"
    assert not Mail.objects.filter(key__startswith="unpaid").exists()
    assert "Nothing is charged" in body(client.get(f"/r/{session.link}/"))


# Nobody signs in as a guest


def test_a_guest_can_not_sign_in_by_any_way(client, provider):
    guest = User.objects.create_guest()
    assert not guest.is_active and not guest.has_usable_password()
    assert authenticate(username="", password="") is None
    assert authenticate(email="", password="x") is None
    client.force_login(guest, "django.contrib.auth.backends.ModelBackend")
    assert "/login/" in client.get("/me/").url
    Guest.objects.filter(user=guest).update(email="guest@example.com")
    client.logout()
    for path in ("/accounts/password/reset/", "/accounts/login/code/"):
        client.post(path, {"email": "guest@example.com"})
    assert not any("/password/reset/key/" in sent.body for sent in mail.outbox)


@pytest.mark.parametrize(
    "fields",
    [
        {"is_active": True},
        {"is_staff": True},
        {"is_superuser": True},
        {"email": "a@example.com"},
        {"password": "scrypt$1"},
        {"is_guest": False},
    ],
)
def test_the_database_holds_it(fields):
    guest = User.objects.create_guest()
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=guest.pk).update(**fields)


def test_a_guests_address_is_free_for_an_account():
    guest = User.objects.create_guest()
    assert links.learn_address(user=guest, email="ada@example.com")
    assert not links.learn_address(user=guest, email="eve@example.com")
    assert make.user(email="ada@example.com").mail_address == User.objects.get(pk=guest.pk).mail_address
    User.objects.create_guest()


# Links


@pytest.mark.parametrize("change", ["", "x", "cut", "old", "ended", "unsigned"])
def test_links(client, provider, change, settings, monkeypatch):
    session = charge(client, money.place())
    guest = Guest.objects.get()
    token = links.token(guest)
    if change == "x":
        token = token[:-1] + ("A" if token[-1] != "A" else "B")
    elif change == "cut":
        token = token[:30]
    elif change == "unsigned":
        token = guest.key
    elif change == "old":
        settings.GUEST_LINK_DAYS = -1
    elif change == "ended":
        links.end_links(guest=guest)
    response = Client().get(f"/g/{token}/")
    if not change:
        assert response.url == f"/r/{session.link}/"
        return
    assert response.status_code == 410
    assert "/receipt/" in body(response)
    assert session.link not in body(response)
    if change == "ended":
        # Also for the browser that paid.
        assert "Your details" not in body(client.get(f"/r/{session.link}/"))


# Details for the invoice


def test_details_before_and_after_the_invoice(client, provider):
    evse = money.place()
    client.get(scan_and_pay(client, evse))
    start = Start.objects.get()
    session = money.begin(evse, start.user, at=timezone.now() - timedelta(minutes=40))
    actions.open_cdr(session=session)
    address = f"/r/{session.link}/details/"
    assert Client().get(address).status_code == Client().post(address).status_code == 404
    given = {"kind": "private", "name": "Ada Lovelace", "city": "Berlin", "country": "DE"}
    assert "invoicing" not in body(client.get(address))
    assert client.post(address, {"kind": "business", "vat_id": "x"}).status_code == 422
    assert client.post(address, given | {"invoicing": "monthly"}).url == f"/r/{session.link}/"
    actions.bill(session=money.end(session))
    first = Invoice.objects.get()
    assert first.buyer["name"] == "Ada Lovelace"
    assert Account.objects.get().invoicing == "each"

    client.post(address, given | {"kind": "business", "name": "Engines Ltd", "street": "Weg 1", "vat_id": ""})
    assert first.buyer["name"] == "Ada Lovelace"
    assert Client().post(f"/r/{session.link}/reissue/").status_code == 404
    client.post(f"/r/{session.link}/reissue/")
    assert Invoice.objects.filter(kind=Invoice.Kind.INVOICE).latest("pk").buyer["name"] == "Engines Ltd"


def test_without_an_address_the_receipt_says_nothing_of_mail(client, provider):
    session = charge(client, money.place(), is_nameless=True)
    page = body(client.get(f"/r/{session.link}/"))
    assert "was mailed to you" not in page


# Lost receipts


def searched(client, **facts) -> str:
    response = client.post("/receipt/", facts)
    return response.url if response.status_code == 302 else body(response)


def facts_of(session: Session, **changed) -> dict:
    day = session.started_at.astimezone(session.station.site.zone).date()
    facts = {"last4": "4242", "day": str(day), "amount": "4,90", "charger": session.evse.public_id.lower()}
    return {name: value for name, value in (facts | changed).items() if value is not None}


SAME_WORDS = "If there is such a charge"


@pytest.mark.parametrize("known", [{"amount": None}, {"charger": None}, {}])
def test_the_link_is_mailed_to_the_known_address_only(client, provider, known):
    session = charge(client, money.place(), email="ada@example.com")
    stranger = Client()
    for _time in range(2):
        page = searched(stranger, **facts_of(session, **known))
        assert SAME_WORDS in page and session.link not in page
    sent = Mail.objects.get(key__startswith="receipt ")
    assert sent.to == "ada@example.com"
    token = sent.text.partition("/g/")[2].partition("/")[0]
    assert Client().get(f"/g/{token}/").url == f"/r/{session.link}/"


@pytest.mark.parametrize(
    ("changed", "opens"),
    [
        ({}, True),
        ({"amount": "4.90"}, True),
        ({"amount": None}, False),
        ({"charger": None}, False),
        ({"amount": "4.91"}, False),
        ({"last4": "4243"}, False),
        ({"charger": "DE*ABC*E99999*1"}, False),
        ({"day": "2026-01-01"}, False),
    ],
)
def test_without_an_address_all_facts_must_be_right(client, provider, changed, opens):
    session = charge(client, money.place())
    Guest.objects.update(email="")
    Mail.objects.all().delete()
    found = searched(Client(), **facts_of(session, **changed))
    if opens:
        assert found == f"/r/{session.link}/"
        stranger = Client()
        assert "Your details" not in body(stranger.get(found))
    else:
        assert SAME_WORDS in found and session.link not in found
    assert not Mail.objects.exists()


def test_a_drivers_receipt_is_not_found(client, provider):
    cdr = money.charged()
    found = searched(client, **facts_of(cdr.session, amount=str(cdr.gross)))
    assert SAME_WORDS in found
    assert not Mail.objects.filter(key__startswith="receipt ").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"last4": "42a2"},
        {"last4": "424"},
        {"day": "31.31.2026"},
        {"day": "2999-01-01"},
        {"amount": "-1"},
        {"amount": "1e9"},
        {"amount": "NaN"},
        {"amount": "1.23456"},
        {"amount": "", "charger": ""},
    ],
)
def test_searches_that_can_not_be_read(client, wrong):
    given = {"last4": "4242", "day": "2026-06-15", "amount": "4.90", "charger": ""} | wrong
    assert client.post("/receipt/", given).status_code == 422


def test_searching_is_limited(client, provider):
    session = charge(client, money.place())
    Guest.objects.update(email="")
    for number in range(10):
        searched(Client(), **facts_of(session, last4=f"{number:04}"))
    assert Client().post("/receipt/", facts_of(session)).status_code == 429
    # From many addresses, at one charger's day.
    for number in range(11):
        Client().post("/receipt/", facts_of(session, last4=f"1{number:03}"), REMOTE_ADDR=f"10.0.0.{number}")
    assert Client().post("/receipt/", facts_of(session), REMOTE_ADDR="10.1.0.1").status_code == 429


# Forgotten after a time


def test_guests_are_forgotten_and_documents_are_not(client, provider, settings):
    session = charge(client, money.place(), email="ada@example.com")
    invoice = Invoice.objects.get()
    Account.objects.create(user=session.user, name="Ada", email="ada@example.com")
    Mail.objects.update(sent_at=timezone.now())
    later_on = timezone.now() + timedelta(days=settings.GUEST_DATA_DAYS + 1)
    assert guests.erase_old(now=timezone.now()) == 0
    assert guests.erase_old(now=later_on) == 1
    assert guests.erase_old(now=later_on) == 0
    guest = Guest.objects.get()
    assert (guest.email, guest.user.mail_address) == ("", "")
    assert not Mail.objects.exists()
    account = Account.objects.get()
    assert (account.name, account.email) == ("", "")
    kept = Invoice.objects.get(pk=invoice.pk)
    assert (kept.buyer, kept.gross) == (invoice.buyer, invoice.gross)
    assert Client().get(f"/r/{session.link}/").status_code == 200
    assert not links.learn_address(user=guest.user, email="eve@example.com")


def test_who_still_charges_is_not_forgotten(client, provider, settings):
    client.get(scan_and_pay(client, money.place()))
    money.begin(Start.objects.get().evse, Start.objects.get().user, at=timezone.now())
    assert guests.erase_old(now=timezone.now() + timedelta(days=settings.GUEST_DATA_DAYS + 1)) == 0


def test_who_never_charged_leaves_nothing(client, provider, settings):
    client.post(f"/c/{money.place().public_id}/guest/")
    later(minutes=16)
    sweeping.sweep(timezone.now())
    guests.erase_old(now=timezone.now() + timedelta(days=settings.GUEST_DATA_DAYS + 1))
    assert not Start.objects.exists()


# What operators and accountants see


def signed_in(operator, settings, role: str = "manager") -> Client:
    settings.STAFF_MFA_REQUIRED = False
    client = Client()
    client.force_login(make.member(operator=operator, role=role), "django.contrib.auth.backends.ModelBackend")
    return client


def test_finance_does_without_a_name_and_an_address(client, provider, settings):
    session = charge(client, money.place(), is_nameless=True)
    invoice, payment = Invoice.objects.get(), Payment.objects.get()
    assert invoice.buyer == {"name": "", "email": ""}
    assert not Mail.objects.filter(key__startswith="invoice").exists()
    assert actions.refund(payment=payment, amount=Decimal("1.00"), reason="Cable", by=None).state == "done"
    note = Invoice.objects.get(kind=Invoice.Kind.CREDIT_NOTE)
    assert documents.pdf(note).startswith(b"%PDF")

    operator = session.station.site.operator
    kept = books_of(operator)
    kept.consultant, kept.client, kept.receivables = "1001", "1", "1410"
    kept.save()
    RevenueAccount.objects.create(books=kept, country="DE", category="S", vat_percent=19, account="8400")
    for kind, formats in making.KINDS.items():
        row = making.create(operator=operator, kind=kind, format=formats[0], params={}, by=None)
        making.make(export_id=row.pk)
        row.refresh_from_db()
        assert (row.state, row.totals["EUR"]["documents"]) == ("done", 2), (kind, row.problems)

    staff = signed_in(operator, settings)
    guest = f"Guest {session.user_id}"
    for address in ("/fin/invoices/", f"/fin/invoices/{invoice.pk}/", f"/fin/invoices/{invoice.pk}/refund/"):
        assert guest in body(staff.get(address)), address
    for address in (
        "/fin/invoices/export.csv",
        "/fin/journal/",
        f"/fin/invoices/{invoice.pk}/invoice.ubl.xml",
    ):
        assert staff.get(address).status_code == 200, address


def test_operators_see_that_it_was_a_guest(client, provider, settings):
    session = charge(client, money.place())
    money.charged(evse=session.evse)
    operator = session.station.site.operator
    manager, technician = signed_in(operator, settings), signed_in(operator, settings, "technician")
    assert f"Guest {session.user_id}" in body(manager.get(f"/ops/sessions/{session.pk}/"))
    page = body(technician.get(f"/ops/sessions/{session.pk}/"))
    assert "Guest" in page and f"Guest {session.user_id}" not in page
    found = manager.get("/api/v1/sessions/?guest=true").json()["results"]
    assert [(row["id"], row["is_guest"]) for row in found] == [(str(session.pk), True)]
    assert [row["is_guest"] for row in manager.get("/api/v1/sessions/?guest=false").json()["results"]] == [
        False
    ]
    # Nobody but those who run the portal sees guests' addresses in one list.
    assert manager.get("/admin/accounts/guest/").status_code in (302, 403)


def test_links_are_ended_in_the_admin(client, provider, settings):
    settings.STAFF_MFA_REQUIRED = False
    charge(client, money.place())
    guest = Guest.objects.get()
    token = links.token(guest)
    admin = Client()
    admin.force_login(
        make.user(is_staff=True, is_superuser=True), "django.contrib.auth.backends.ModelBackend"
    )
    assert "wallet@example.com" in body(admin.get("/admin/accounts/guest/"))
    admin.post("/admin/accounts/guest/", {"action": "end_links", "_selected_action": [guest.pk]})
    assert Client().get(f"/g/{token}/").status_code == 410
    assert f"Guest {guest.user_id}" in body(admin.get("/admin/accounts/user/"))
