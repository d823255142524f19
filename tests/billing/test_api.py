"""Tariffs, quotes, payments, invoices and the export over the API."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing.models import Payment, Tariff, TariffAssignment
from tests import make
from tests.api import as_person, caller
from tests.billing import money

pytestmark = pytest.mark.django_db

OCPI = {
    "id": "T1",
    "currency": "EUR",
    "tax_included": "YES",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.49, "vat": 19, "step_size": 1}]}],
}


@pytest.fixture
def operator():
    return make.operator()


@pytest.fixture
def evse(operator):
    return make.evse(station=make.station(site=make.site(operator=operator)))


@pytest.fixture
def api(operator):
    return caller(operator=operator)


# Tariffs


def test_a_tariff_is_made_renewed_and_used(api, evse):
    made = api.post("tariffs/", {"name": "Standard", "ocpi": OCPI})
    assert made.status_code == 201, made.data
    assert [version["number"] for version in made.data["versions"]] == [1]
    assert made.data["versions"][0]["ocpi"] == OCPI

    dearer = OCPI | {
        "elements": [{"price_components": [OCPI["elements"][0]["price_components"][0] | {"price": 0.59}]}]
    }
    tomorrow = (timezone.now() + timedelta(days=1)).isoformat()
    version = api.post(f"tariffs/{made.data['id']}/versions/", {"ocpi": dearer, "valid_from": tomorrow})
    assert (version.status_code, version.data["number"]) == (201, 2)

    site = evse.station.site
    answer = api.post(f"tariffs/{made.data['id']}/assign/", {"site": site.slug})
    assert (answer.status_code, answer.data) == (200, {"site": site.slug, "evse": None})
    answer = api.post(f"tariffs/{made.data['id']}/assign/", {"evse": evse.public_id})
    assert answer.data == {"site": site.slug, "evse": evse.public_id}
    api.post(f"tariffs/{made.data['id']}/assign/", {"site": site.pk})
    assert TariffAssignment.objects.count() == 2
    assert api.get("tariffs/").data["results"][0]["versions"][0]["number"] == 2
    assert api.patch(f"tariffs/{made.data['id']}/", {"is_active": False}).data["is_active"] is False


@pytest.mark.parametrize(
    ("fields", "at_fault", "words"),
    [
        ({"name": ""}, "name", ""),
        ({"ocpi": "0.49"}, "ocpi", "object"),
        ({"ocpi": {}}, "ocpi", "missing"),
        ({"ocpi": OCPI | {"currency": "XXX"}}, "ocpi", "currency"),
        (
            {"ocpi": OCPI | {"elements": [{"price_components": [{"type": "AIR"}]}]}},
            "ocpi",
            "price_components[0]",
        ),
        ({"valid_from": "2020-01-01T00:00:00Z"}, "valid_from", "over"),
    ],
)
def test_a_tariff_that_cannot_be(api, fields, at_fault, words):
    answer = api.post("tariffs/", {"name": "Standard", "ocpi": OCPI} | fields)
    assert answer.status_code == 400
    assert words in str(answer.data["errors"][at_fault])
    assert not Tariff.objects.exists()


def test_names_of_tariffs_are_there_once(api):
    api.post("tariffs/", {"name": "Standard", "ocpi": OCPI})
    assert api.post("tariffs/", {"name": "Standard", "ocpi": OCPI}).status_code == 409
    assert (
        caller(operator=make.operator()).post("tariffs/", {"name": "Standard", "ocpi": OCPI}).status_code
        == 201
    )


def test_a_tariff_is_not_used_at_anothers_site(api):
    tariff = api.post("tariffs/", {"name": "Standard", "ocpi": OCPI}).data["id"]
    strange = make.evse()
    for where in ({"site": strange.station.site.slug}, {"evse": strange.pk}, {}, {"site": None}):
        assert api.post(f"tariffs/{tariff}/assign/", where).status_code == 400
    assert not TariffAssignment.objects.exists()


def test_prices_are_the_managers(operator):
    for role in ("technician", "accountant", "support"):
        api = caller(operator=operator, role=role)
        assert api.post("tariffs/", {"name": "Mine", "ocpi": OCPI}).status_code == 403
        assert api.get("tariffs/").status_code == 200


def test_a_draft_by_the_api(api, evse):
    made = api.post("tariffs/", {"name": "Night"})
    assert (made.status_code, made.data["versions"]) == (201, [])
    url = f"tariffs/{made.data['id']}/draft/"
    api.post(f"tariffs/{made.data['id']}/assign/", {"evse": evse.public_id})
    untaxed = OCPI | {"elements": [{"price_components": [{"type": "ENERGY", "price": 1, "step_size": 1}]}]}
    draft = api.put(url, {"ocpi": untaxed})
    assert (draft.status_code, draft.data["ocpi"], draft.data["approved_by"]) == (200, untaxed, None)
    (finding,) = api.get(f"{url}lint/").data
    assert (finding["level"], finding["code"]) == ("warning", "tax_missing")

    make.session(evse=evse, minutes=60, energy_wh=10_000)
    preview = api.get(f"{url}preview/?sessions=5").data
    assert (preview["new"], preview["difference"], len(preview["past"])) == ("10.00", "10.00", 1)
    assert preview["past"][0]["lines"][0]["difference"] == "10.00"
    assert api.get(f"{url}preview/?sessions=-1").status_code == 400

    seen = {"seen": draft.data["digest"]}
    assert api.post(f"{url}publish/", seen).status_code == 409
    assert api.post(f"{url}publish/", {"seen": "x", "confirmed": [finding["key"]]}).status_code == 409
    assert api.post(f"{url}approve/", seen | {"confirmed": [finding["key"]]}).status_code == 409
    done = api.post(f"{url}publish/", seen | {"confirmed": [finding["key"]]})
    assert (done.status_code, done.data["number"]) == (201, 1)
    assert api.get(url).status_code == 404


def test_a_draft_that_cannot_be(api):
    made = api.post("tariffs/", {"name": "Night"})
    url = f"tariffs/{made.data['id']}/draft/"
    for wrong in ({}, {"ocpi": {}}, {"ocpi": OCPI | {"currency": "SEK"}}):
        assert api.put(url, wrong).status_code == 400
    assert api.put(url, {"ocpi": OCPI, "seen": "other"}).status_code == 409
    assert api.delete(url).status_code == 204
    assert not Tariff.objects.exists()


def test_a_place_gets_a_tariff_by_date(api, evse):
    made = api.post("tariffs/", {"name": "Standard", "ocpi": OCPI}).data["id"]
    past, later = timezone.now() - timedelta(days=1), timezone.now() + timedelta(days=1)
    for at, status in ((past, 409), (later, 200)):
        wish = {"evse": evse.public_id, "valid_from": at.isoformat()}
        assert api.post(f"tariffs/{made}/assign/", wish).status_code == status
    assert TariffAssignment.objects.get().valid_from == later


# Quotes


@pytest.fixture
def soon():
    at = timezone.now() + timedelta(days=1)
    return {"starts_at": at.isoformat(), "ends_at": (at + timedelta(hours=1)).isoformat()}


def test_a_quote_is_the_tariffs_price(api, evse, soon):
    money.tariff(evse=evse)
    answer = api.post("quotes/", {"evse": evse.public_id, "energy_wh": 10_000, **soon})
    assert answer.status_code == 201, answer.data
    assert Decimal(answer.data["gross"]) == Decimal("4.90")
    assert Decimal(answer.data["net"]) + Decimal(answer.data["tax"]) == Decimal(answer.data["gross"])
    assert answer.data["currency"] == "EUR"
    assert answer.data["energy_wh"] == 10_000
    assert api.get(f"quotes/{answer.data['id']}/").data["gross"] == answer.data["gross"]
    assert Decimal(api.post("quotes/", {"evse": evse.pk, **soon}).data["gross"]) > 0


def test_a_drivers_quote_is_theirs(evse, operator, soon):
    money.tariff(evse=evse)
    driver = make.user()
    quote = as_person(driver).post("quotes/", {"evse": evse.public_id, **soon}).data["id"]
    assert as_person(driver).get(f"quotes/{quote}/").status_code == 200
    assert as_person(make.user()).get(f"quotes/{quote}/").status_code == 404
    assert caller(operator=make.operator()).get(f"quotes/{quote}/").status_code == 404


def test_without_a_tariff_there_is_no_price(api, evse, soon):
    answer = api.post("quotes/", {"evse": evse.pk, **soon})
    assert (answer.status_code, answer.data["code"]) == (409, "no_tariff")


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"evse": "DE*X"}, "evse"),
        ({"energy_wh": -1}, "energy_wh"),
        ({"energy_wh": 1e300}, "energy_wh"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "ends_at"),
        ({"ends_at": "9999-01-01T00:00:00Z"}, "ends_at"),
        ({"starts_at": "9998-01-01T00:00:00Z", "ends_at": "9998-01-01T01:00:00Z"}, "starts_at"),
    ],
)
def test_a_quote_that_cannot_be(api, evse, soon, fields, at_fault):
    money.tariff(evse=evse)
    answer = api.post("quotes/", {"evse": evse.pk, **soon, **fields})
    assert answer.status_code == 400
    assert at_fault in answer.data["errors"]


def test_private_places_are_priced_for_their_own(operator, soon):
    evse = make.evse(station=make.station(site=make.site(operator=operator, is_public=False)))
    money.tariff(evse=evse)
    wish = {"evse": evse.public_id, **soon}
    assert caller(operator=operator).post("quotes/", wish).status_code == 201
    assert as_person(make.user()).post("quotes/", wish).status_code == 400
    assert caller(operator=make.operator()).post("quotes/", wish).status_code == 400


# Payments and invoices


@pytest.fixture
def charged(provider, eager, operator):
    site = make.site(operator=operator)
    evse = money.place(station=make.station(site=site))
    money.charged(evse=evse)
    return Payment.objects.get(state="captured")


def test_money_back_is_booked_once(api, charged):
    address = f"payments/{charged.pk}/refund/"
    assert api.get(f"payments/{charged.pk}/").data["amount_captured"] == "4.900"
    first = api.post(address, {"amount": "1.00", "reason": "Slow"}, HTTP_IDEMPOTENCY_KEY="r1")
    again = api.post(address, {"amount": "1.00", "reason": "Slow"}, HTTP_IDEMPOTENCY_KEY="r1")
    assert (first.status_code, first.data["state"]) == (201, "done")
    assert again.content == first.content
    charged.refresh_from_db()
    assert charged.amount_refunded == 1
    too_much = api.post(address, {"amount": "4.00", "reason": "Slow"})
    assert too_much.status_code == 409
    for amount in ("0", "-1", "NaN", "much"):
        assert api.post(address, {"amount": amount, "reason": "Slow"}).status_code == 400
    invoice, credit = sorted(api.get("invoices/").data["results"], key=lambda row: row["kind"])
    assert (invoice["kind"], credit["kind"], credit["corrects"]) == ("380", "381", invoice["number"])


def test_nobody_refunds_themselves_elsewhere(charged, settings):
    """An accountant of another operator who charged here as a driver sees the payment, and no more."""
    elsewhere = make.operator()
    charged.user.memberships.create(operator=elsewhere, role="accountant")
    settings.STAFF_MFA_REQUIRED = False
    me = as_person(charged.user)
    assert me.get(f"payments/{charged.pk}/").status_code == 200
    answer = me.post(f"payments/{charged.pk}/refund/", {"amount": "1.00", "reason": "Please"})
    assert answer.status_code == 404
    charged.refresh_from_db()
    assert charged.amount_refunded == 0


def test_documents_are_for_the_books_and_their_driver(api, charged, operator):
    (invoice,) = api.get("invoices/").data["results"]
    assert Decimal(invoice["gross"]) == Decimal("4.90")
    assert sum(Decimal(line["gross"]) for line in invoice["lines"]) == Decimal(invoice["gross"])
    assert invoice["session"] == str(charged.session_id)
    pdf = api.get(f"invoices/{invoice['id']}/pdf/", HTTP_ACCEPT="application/pdf")
    assert pdf.status_code == 200
    assert pdf.content.startswith(b"%PDF")
    assert as_person(charged.user).get(f"invoices/{invoice['id']}/").data["number"] == invoice["number"]
    assert caller(operator=operator, role="technician").get("invoices/").status_code == 403


def test_the_export_is_a_file_for_accountants(api, charged, operator):
    answer = caller(operator=operator, role="accountant").get("exports/invoices.csv", HTTP_ACCEPT="text/csv")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/csv")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == 3
    assert lines[-1].startswith("TOTAL,1 documents")
    later = api.get("exports/invoices.csv", {"since": "2030-01-01"})
    assert len(b"".join(later.streaming_content).splitlines()) == 1
    assert api.get("exports/invoices.csv", {"since": "yesterday"}).status_code == 400
    assert as_person(charged.user).get("exports/invoices.csv").status_code == 403
    strange = caller(operator=make.operator()).get("exports/invoices.csv")
    assert b"4.90" not in b"".join(strange.streaming_content)


def test_lists_ask_the_database_as_often_whatever_their_length(
    api, charged, operator, django_assert_max_num_queries
):
    for _number in range(2):
        money.charged(evse=money.place(station=make.station(site=make.site(operator=operator))))
    for address, most in (("payments/", 3), ("invoices/", 3), ("tariffs/", 3)):
        api.get(address)
        with django_assert_max_num_queries(most):
            assert len(api.get(address).data["results"]) == 3
