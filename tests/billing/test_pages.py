"""The pages of money: what each person sees on them, and what they may not."""

from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
from django.urls import reverse
from django.utils import timezone

from billing import actions, documents
from billing.models import Card, Invoice, Payment, Start
from stations.models import Command
from tests import make, pdf
from tests.api import as_person
from tests.billing import money

pytestmark = pytest.mark.django_db


@pytest.fixture
def driver(client):
    user = make.user(name="Ada")
    client.force_login(user)
    return user


def held_booking(user, evse=None):
    now = timezone.now()
    return make.booking(
        evse=evse or money.place(), user=user, starts_at=now + timedelta(minutes=5), now=now, confirmed=False
    )


def body(response) -> str:
    return response.content.decode()


# Review


def test_review_shows_what_is_booked_held_and_due(client, provider, driver):
    booking = held_booking(driver)
    money.card(driver)
    page = body(client.get(f"/b/{booking.pk}/review/"))
    for wanted in (
        booking.evse.public_id,
        "Cancelling is free until",
        "Book and hold €10.00",
        "€0.49 per kWh",
        "Extend",
        "4242",
    ):
        assert wanted in page, wanted


def test_review_without_a_card_offers_to_add_one(client, provider, driver):
    page = body(client.get(f"/b/{held_booking(driver).pk}/review/"))
    assert "Add a card" in page
    assert "Book and hold" not in page


def test_review_pays_and_confirms(client, provider, driver):
    booking = held_booking(driver)
    card = money.card(driver)
    response = client.post(f"/b/{booking.pk}/review/", {"card": card.pk})
    assert response.url == f"/b/{booking.pk}/"
    booking.refresh_from_db()
    assert booking.status == "RESERVED"


def test_review_of_a_declined_card_keeps_the_slot(client, provider, driver):
    booking = held_booking(driver)
    card = money.card(driver, "pm_card_chargeCustomerFail")
    response = client.post(f"/b/{booking.pk}/review/", {"card": card.pk})
    assert response.status_code == 402
    assert "declined" in body(response)
    booking.refresh_from_db()
    assert booking.status == "PENDING"


@pytest.mark.parametrize("answer", ["complete", "fail"])
def test_review_goes_by_the_bank(client, provider, driver, answer):
    booking = held_booking(driver)
    card = money.card(driver, "pm_card_authenticationRequired")
    response = client.post(f"/b/{booking.pk}/review/", {"card": card.pk})
    payment = Payment.objects.get()
    assert response.url == f"/pay/{payment.pk}/"
    assert payment.action_url in body(client.get(response.url))
    back = httpx.post(payment.action_url, data={"answer": answer}, trust_env=False).headers["location"]
    response = client.get(back.partition("8000")[2] or back)
    booking.refresh_from_db()
    if answer == "complete":
        assert (response.url, booking.status) == (f"/b/{booking.pk}/", "RESERVED")
    else:
        assert (response.url, booking.status) == (f"/b/{booking.pk}/review/", "PENDING")
        assert "confirm that it is you" in body(client.get(response.url))


def test_review_is_the_drivers_own(client, provider, driver):
    booking = held_booking(make.user())
    assert client.get(f"/b/{booking.pk}/review/").status_code == 404
    assert client.post(f"/b/{booking.pk}/start/").status_code == 404
    client.logout()
    assert "/accounts/login/" in client.get(f"/b/{booking.pk}/review/").url


# Charger and start


def test_charger_shows_the_price_before_anything(client, provider):
    evse = money.place(components=[money.ENERGY, money.PARKING])
    page = body(client.get(reverse("billing:charger", args=[evse.public_id])))
    for wanted in (
        evse.public_id,
        "€0.49 per kWh",
        "€0.10 per minute",
        "20 kWh",
        "€9.80",
        "€25.00",
        "Pay and charge",
        "I have an account",
    ):
        assert wanted in page, wanted
    assert page.index("per kWh") < page.index("per minute")
    assert evse.station.identity not in page


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("35", "35 kWh"), ("x", "20 kWh"), ("-5", "20 kWh"), ("99999", "20 kWh"), ("400", "100 kWh")],
)
def test_charger_counts_any_energy(client, provider, asked, shown):
    evse = money.place()
    assert shown in body(client.get(reverse("billing:charger", args=[evse.public_id]), {"kwh": asked}))


def test_charger_out_of_order_names_another(client, provider):
    evse = money.place()
    other = make.evse(station=make.station(site=evse.station.site), state="available")
    money.online(other)
    evse.state = "faulted"
    evse.save()
    page = body(client.get(reverse("billing:charger", args=[evse.public_id])))
    assert "reports a fault" in page
    assert other.public_id in page
    assert "Start charging" not in page


def test_start_leads_to_the_session(client, provider, driver):
    evse = money.place()
    card = money.card(driver)
    response = client.post(reverse("billing:start", args=[evse.public_id]), {"card": card.pk})
    start = Start.objects.get()
    assert response.url == f"/start/{start.pk}/"
    assert "Hold placed" in body(client.get(response.url))
    assert client.get(reverse("billing:charger", args=[evse.public_id])).url == response.url
    session = money.begin(evse, driver, at=timezone.now())
    actions.open_cdr(session=session)
    assert client.get(response.url).url == f"/x/{session.link}/"


def test_start_goes_by_the_bank(client, provider, driver):
    evse = money.place()
    card = money.card(driver, "pm_card_authenticationRequired")
    response = client.post(reverse("billing:start", args=[evse.public_id]), {"card": card.pk})
    payment = Payment.objects.get()
    assert response.url == f"/pay/{payment.pk}/"
    assert not Command.objects.exists()
    back = httpx.post(payment.action_url, data={"answer": "complete"}, trust_env=False).headers["location"]
    client.get(back.partition("8000")[2] or back)
    assert Command.objects.get().action == "RemoteStartTransaction"
    assert Start.objects.get().state == Start.State.ASKED


def test_start_of_others_is_not_shown(client, provider, driver):
    evse, user = money.place(), make.user()
    start = actions.start_charging(user=user, evse=evse, card=money.card(user))
    assert client.get(f"/start/{start.pk}/").status_code == 404
    assert client.get(f"/pay/{start.payment.pk}/").status_code == 404


def test_start_of_a_booking_uses_its_hold(client, provider, driver):
    booking = held_booking(driver)
    actions.confirm_booking(booking=booking, card=money.card(driver))
    response = client.post(f"/b/{booking.pk}/start/")
    assert response.url == f"/start/{Start.objects.get().pk}/"
    assert Payment.objects.count() == 1


# Session and receipt


def running(user=None):
    user, evse = user or make.user(), money.place()
    actions.start_charging(user=user, evse=evse, card=money.card(user))
    session = money.begin(evse, user)
    actions.open_cdr(session=session)
    return session


def test_session_page_is_for_whoever_has_the_link(client, provider):
    session = running()
    money.reading(session, minutes=10, wh=3_000)
    page = body(client.get(f"/x/{session.link}/"))
    for wanted in (
        "€0.98",
        "Stop charging",
        f'data-live-watch="session:{session.link}"',
        f'id="session-{session.link}"',
        "€25.00 is held",
    ):
        assert wanted in page, wanted
    assert client.get("/x/nonsense/").status_code == 404


def test_stop_asks_then_stops(client, provider):
    session = running()
    assert "Stop charging?" in body(client.get(f"/x/{session.link}/stop/"))
    assert client.post(f"/x/{session.link}/stop/").url == f"/x/{session.link}/"
    assert Command.objects.filter(action="RemoteStopTransaction").count() == 1
    assert "Stopping…" in body(client.get(f"/x/{session.link}/"))


def test_receipt_and_its_pdf(client, provider):
    cdr = money.charged()
    link = cdr.session.link
    page = body(client.get(f"/r/{link}/"))
    invoice = Invoice.objects.get()
    for wanted in (invoice.number, "€4.90", "€20.10 of the hold is released", "4242"):
        assert wanted in page, wanted
    assert client.get(f"/x/{link}/").url == f"/r/{link}/"
    for address in (f"/r/{link}/invoice.pdf", f"/r/{invoice.link}/invoice.pdf"):
        assert client.get(address).content.startswith(b"%PDF")
    assert invoice.number in body(client.get(f"/r/{invoice.link}/"))
    assert client.get("/r/nonsense/").status_code == 404
    assert client.get("/r/nonsense/invoice.pdf").status_code == 404


def test_receipt_of_a_doubtful_session_says_so(client, provider):
    session = running()
    actions.bill(session=money.end(session, minutes=5, energy_wh=40_000))
    assert "We are checking this session" in body(client.get(f"/r/{session.link}/"))


def test_only_the_driver_pays_what_is_open(client, provider, driver):
    session = running()
    actions.bill(session=money.end(session, minutes=240, energy_wh=60_000))
    assert client.post(f"/r/{session.link}/pay/").status_code == 404
    client.force_login(session.user)
    assert "Pay what is open" in body(client.get(f"/r/{session.link}/"))
    client.post(f"/r/{session.link}/pay/")
    session.cdr.refresh_from_db()
    assert session.cdr.state == "settled"


# The driver's own pages


def test_me_shows_mine_and_nobody_elses(client, provider, driver):
    evse = money.place()
    mine = money.charged(user=driver, evse=evse)
    other = money.charged()
    held_booking(driver)
    page = body(client.get("/me/"))
    assert mine.session.link in page
    assert other.session.link not in page
    assert Invoice.objects.get(cdr=mine).number in page
    assert evse.station.site.name in page


@pytest.mark.parametrize("name", ["home", "cards", "vehicles", "tokens"])
def test_me_wants_a_sign_in(client, name):
    assert "/accounts/login/" in client.get(reverse(f"me:{name}")).url


def test_cards_are_added_at_the_provider(client, provider, driver):
    response = client.post("/me/cards/add/", {"next": "/c/X/"})
    assert response.url.startswith(provider.url)
    form = {"email": "a@b.de", "name": "Ada", "number": "5555555555554444", "expiry": "12/40", "cvc": "123"}
    back = httpx.post(response.url, data=form, trust_env=False).headers["location"]
    response = client.get(back[back.index("/me/") :])
    assert response.url == "/c/X/"
    assert str(Card.objects.get()) == "Mastercard •••• 4444"
    # Somebody else's page gives nobody a card.
    client.force_login(make.user())
    client.get(back[back.index("/me/") :])
    assert Card.objects.count() == 1


@pytest.mark.parametrize("where", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_cards_lead_back_to_the_portal_only(client, provider, driver, where):
    assert client.get("/me/cards/added/", {"next": where, "session_id": "cs_x"}).url == "/me/cards/"


def test_cards_are_chosen_and_removed(client, provider, driver):
    first, second = money.card(driver), money.card(driver, "pm_card_mastercard")
    client.post(f"/me/cards/{second.pk}/default/")
    assert Card.objects.of_driver(driver).first() == second
    assert "Remove this card?" in body(client.get(f"/me/cards/{second.pk}/remove/"))
    client.post(f"/me/cards/{second.pk}/remove/")
    assert [card.pk for card in Card.objects.of_driver(driver)] == [first.pk]
    assert Card.objects.of_driver(driver).get().is_default
    assert "4242" in body(client.get("/me/cards/"))


def test_cards_of_others_are_out_of_reach(client, provider, driver):
    card = money.card(make.user())
    assert client.post(f"/me/cards/{card.pk}/default/").status_code == 404
    assert client.post(f"/me/cards/{card.pk}/remove/").status_code == 404


def test_vehicles(client, driver):
    bad = client.post("/me/vehicles/", {"name": "", "connector_standard": "X", "battery_kwh": "-1"})
    assert bad.status_code == 422
    assert "There is a problem" in body(bad)
    client.post("/me/vehicles/", {"name": "Zoe", "connector_standard": "IEC_62196_T2", "battery_kwh": "52"})
    assert "Zoe" in body(client.get("/me/vehicles/"))
    vehicle = driver.vehicles.get()
    client.force_login(make.user())
    assert client.post(f"/me/vehicles/{vehicle.pk}/remove/").status_code == 404
    client.force_login(driver)
    client.post(f"/me/vehicles/{vehicle.pk}/remove/")
    assert not driver.vehicles.exists()


def test_rfid_cards(client, driver):
    operator = make.site().operator
    taken = make.id_token(operator=operator, token="04AABBCC", user=make.user())
    for number, status in (("04aabbcc", 422), ("x y", 422), ("04DDEEFF", 302)):
        response = client.post("/me/tokens/", {"operator": operator.pk, "token": number, "label": "Blue"})
        assert response.status_code == status, number
    token = driver.id_tokens.get()
    assert "Blue" in body(client.get("/me/tokens/"))
    assert client.post(f"/me/tokens/{taken.pk}/remove/").status_code == 404
    client.post(f"/me/tokens/{token.pk}/remove/")
    assert not driver.id_tokens.exists()


# Finance


@pytest.fixture
def books(provider, settings):
    settings.STAFF_MFA_REQUIRED = False
    return Invoice.objects.get(cdr=money.charged(user=make.user(email="ada@example.com")))


def people(invoice):
    operator = invoice.operator
    return {
        "accountant": make.member(operator=operator, role="accountant"),
        "manager": make.member(operator=operator, role="manager"),
        "technician": make.member(operator=operator, role="technician"),
        "support": make.member(operator=operator, role="support"),
        "stranger": make.member(operator=make.operator(), role="manager"),
        "driver": make.user(),
        "other site": make.member(operator=operator, role="accountant", sites=[]),
    }


@pytest.mark.parametrize(
    ("who", "of_list", "of_row"),
    [
        ("accountant", 200, 200),
        ("manager", 200, 200),
        ("technician", 403, 403),
        ("support", 403, 403),
        ("driver", 403, 403),
        ("stranger", 200, 404),
        ("other site", 200, 404),
    ],
)
def test_finance_by_role(client, books, who, of_list, of_row):
    client.force_login(people(books)[who])
    for name in ("fin:invoices", "fin:invoices_csv"):
        response = client.get(reverse(name))
        assert response.status_code == of_list
        if of_list == 200:
            text = b"".join(response.streaming_content).decode() if response.streaming else body(response)
            assert (books.number in text) == (of_row == 200)
    for name in ("fin:invoice_pdf", "fin:refund"):
        assert client.get(reverse(name, args=[books.pk])).status_code == of_row
    if of_row != 200:
        client.post(reverse("fin:refund", args=[books.pk]), {"amount": "1", "reason": "x", "confirmed": "1"})
        assert not Invoice.objects.filter(kind="381").exists()


@pytest.mark.parametrize("name", ["invoices", "exports", "months", "journal", "hosts", "books"])
def test_each_page_of_finance_leads_to_all_others(client, books, name):
    client.force_login(people(books)["accountant"])
    page = body(client.get(reverse(f"fin:{name}")))
    for other in ("invoices", "exports", "months", "journal", "hosts", "books"):
        assert f'href="{reverse(f"fin:{other}")}"' in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=380", True),
        ("kind=381", False),
        ("status=paid", True),
        ("status=unpaid", False),
        ("status=refunded", False),
        ("q=ada@", True),
        ("q=nobody", False),
        ("since=2020-01-01&until=2099-01-01", True),
        ("until=2020-01-01", False),
        ("since=nonsense", True),
        ("page=99", True),
    ],
)
def test_finance_filters_list_and_export_alike(client, books, query, found):
    client.force_login(people(books)["accountant"])
    assert (books.number in body(client.get(f"/fin/invoices/?{query}"))) == found
    export = b"".join(client.get(f"/fin/invoices/export.csv?{query}").streaming_content).decode()
    assert (books.number in export) == found


def test_finance_refunds_after_asking(client, books):
    client.force_login(people(books)["accountant"])
    address = reverse("fin:refund", args=[books.pk])
    assert "€4.90" in body(client.get(address))
    for amount in ("4.91", "0", "-1", "x", "1.001"):
        assert (
            client.post(address, {"amount": amount, "reason": "Slow", "confirmed": "1"}).status_code == 422
        ), amount
    assert "Refund €1.50?" in body(client.post(address, {"amount": "1.50", "reason": "Slow"}))
    assert not Invoice.objects.filter(kind="381").exists()
    assert client.post(address, {"amount": "1.50", "reason": "Slow", "confirmed": "1"}).status_code == 302
    assert Invoice.objects.get(kind="381").gross == Decimal("-1.50")
    page = body(client.get("/fin/invoices/"))
    assert "€3.40" in page
    assert "Paid, refunded" in page
    client.post(address, {"amount": "3.40", "reason": "Rest", "confirmed": "1"})
    assert client.get(address).status_code == 302


def test_finance_totals_are_per_currency(client, books):
    page = body(_as(client, people(books)["accountant"]).get("/fin/invoices/"))
    assert "EUR" in page
    assert "net €4.12" in page


def _as(client, user):
    client.force_login(user)
    return client


def doubtful():
    session = running()
    return actions.bill(session=money.end(session, minutes=10, energy_wh=30_000))


@pytest.mark.parametrize(("decision", "state"), [("approve", "settled"), ("waive", "waived")])
def test_finance_decides_on_doubtful_sessions(client, books, decision, state):
    cdr = doubtful()
    client.force_login(make.member(operator=cdr.session.station.site.operator, role="accountant"))
    assert "More energy than this charger can give" in body(client.get("/fin/review/"))
    assert "1 session waits" in body(client.get("/fin/invoices/"))
    client.post(f"/fin/review/{cdr.pk}/", {"decision": decision})
    cdr.refresh_from_db()
    assert cdr.state == state
    assert "Nothing waits" in body(client.get("/fin/review/"))


@pytest.mark.parametrize(("role", "own", "status"), [("technician", True, 403), ("manager", False, 404)])
def test_finance_decides_on_its_own_sessions_only(client, books, role, own, status):
    cdr = doubtful()
    operator = cdr.session.station.site.operator if own else make.operator()
    client.force_login(make.member(operator=operator, role=role))
    assert client.post(f"/fin/review/{cdr.pk}/", {"decision": "approve"}).status_code == status
    cdr.refresh_from_db()
    assert cdr.state == "review"


def test_banners_do_not_repeat_the_pages_title(client, provider, driver):
    booking = held_booking(driver)
    actions.confirm_booking(booking=booking, card=money.card(driver))
    page = body(client.get(reverse("billing:charger", args=[booking.evse.public_id])))
    assert "This is the place that you have booked" in page
    assert f"<strong>{booking.evse.station.site.name}" not in page


def test_prices_are_in_the_driver_s_language_from_the_charger_to_the_document(client, provider):
    night = money.ENERGY | {"price": 0.39}
    evse = make.evse(max_power_w=22_000, state="available")
    money.tariff(
        evse=evse,
        elements=[
            {"price_components": [night], "restrictions": {"min_kwh": 0.5}},
            {"price_components": [money.ENERGY]},
        ],
    )
    money.online(evse)
    user = make.user(language="de")
    client.force_login(user)
    page = client.get(reverse("billing:charger", args=[evse.public_id])).content.decode()
    assert "0,39\xa0€ pro kWh, ab 0,5 kWh" in page and "inkl. 19 % USt" in page
    cdr = money.charged(user=user, evse=evse)
    receipt = client.get(reverse("billing:receipt", args=[cdr.session.link])).content.decode()
    assert "Energie (ab 0,5 kWh)" in receipt and "9,5 kWh × 0,39\xa0€/kWh" in receipt
    printed = pdf.text(documents.pdf(Invoice.objects.get()))
    assert "Energie (ab 0,5 kWh)" in printed and "9,5 kWh" in printed


def test_a_quote_s_lines_are_in_the_language_that_was_asked_for(provider):
    evse = money.place()
    now = timezone.now()
    asked = {"evse": evse.public_id, "starts_at": now, "ends_at": now + timedelta(hours=1)}
    api = as_person(make.user(language="de"))
    said = api.post("quotes/", asked).data
    assert [line["description"] for line in said["lines"]] == ["Energie"]
