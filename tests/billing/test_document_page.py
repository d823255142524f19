"""What the printed page says in each case: facts, lines, totals, how it is paid and why no tax is charged."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from billing.documents.page import _lines, page
from billing.documents.words import day, language_of, speak, tariff
from tests.billing.test_einvoice import BUSINESS, CORRECTS, SELLER, invoice

D = Decimal
PAID = {"amount": "4.90", "brand": "visa", "last4": "4242", "open": "0"}


def printed(locale: str = "en", **fields) -> dict:
    """The page of a document that no database knows."""
    price = fields.pop("price", ("0.49", 1))
    paid = {"time_zone": "Europe/Berlin", "paid": PAID, "site": "Hof"}
    row, lines = invoice(**{"details": paid} | fields)
    row.is_self_billed = row.kind == "389"
    for line in lines:
        line.unit_price, line.per = D(price[0]), price[1]
    found = page(row, lines, locale)
    return {
        name: value.replace("\xa0", " ") if isinstance(value, str) else value for name, value in found.items()
    }


def facts(**fields) -> dict[str, str]:
    return dict(printed(**fields)["facts"])


def test_an_invoice_names_its_parties_and_dates():
    said = printed(
        seller=SELLER | {"phone": "+49 30 1", "tax_number": "12/3"}, buyer=BUSINESS | {"contact": "Ada"}
    )
    assert (said["title"], said["number"], said["lang"]) == ("Invoice", "ABC-2026-000001", "en")
    assert said["date"] == [2026, 6, 15]
    assert said["seller"] == [
        "Strom & Söhne <GmbH>", "Weg 1", "10115 Berlin", "DE", "VAT id DE123456788", "Tax number 12/3",
        "a@example.com", "+49 30 1",
    ]  # fmt: skip
    assert said["seller_line"] == " · ".join(said["seller"])
    assert said["buyer"] == [
        "Kundin SARL", "Ada", "Rue 1", "75001 Paris", "FR", "VAT id FR40303265045", "b@example.com",
    ]  # fmt: skip
    assert said["facts"] == [
        ["Number", "ABC-2026-000001"], ["Date of issue", "15 June 2026"], ["Date of supply", "15 June 2026"],
        ["Your reference", "04011000-12345-34"],
    ]  # fmt: skip
    assert said["signed"] is None


def test_who_wrote_nothing_is_named_by_nothing():
    said = printed(seller={"name": "Hof", "contact": "nobody's business"}, buyer={"name": "", "email": ""})
    assert (said["seller"], said["buyer"]) == (["Hof"], [])


def test_the_day_of_issue_is_that_of_the_place():
    late = datetime(2026, 6, 30, 22, 30, tzinfo=UTC)
    assert printed(issued_at=late)["date"] == [2026, 7, 1]
    assert printed(issued_at=late, details={})["date"] == [2026, 6, 30]
    assert facts(issued_at=late)["Date of issue"] == "1 July 2026"


def test_a_month_names_its_period_and_the_day_it_is_due():
    month = {"period_start": date(2026, 6, 1), "period_end": date(2026, 6, 30), "details": {}}
    said = facts(**month)
    assert (said["Period"], said["Due"]) == ("1 June 2026 – 30 June 2026", "1 July 2026")
    assert "Date of supply" not in said
    # One day alone is no period; what is paid or has no day is not due.
    half = facts(**month | {"period_start": None})
    assert "Period" not in half and half["Date of supply"] == "15 June 2026"
    assert "Due" not in facts(due_on=None, details={}) and "Due" not in facts()
    assert "Your reference" not in facts(buyer={"name": "Ada"})


@pytest.mark.parametrize(
    ("name", "words"), [("corrects", "Corrects invoice"), ("replaces", "Replaces invoice")]
)
def test_the_other_document_is_named_with_its_day(name, words):
    other = {"number": "ABC-2026-000009", "issued_at": "2026-06-15T22:30:00+00:00"}
    said = facts(details={"time_zone": "Europe/Berlin", name: other})
    assert said[words] == "ABC-2026-000009, 16 June 2026"
    assert len({"Corrects invoice", "Replaces invoice"} & said.keys()) == 1


def test_the_supply_is_where_and_when_and_from_which_to_which_value():
    details = {
        "time_zone": "Europe/Berlin", "site": "Hof", "address": "Weg 2", "evse": "DE*ABC*E1",
        "starts_at": "2026-06-15T22:30:00+00:00", "ends_at": "2026-06-15T23:00:05+00:00",
        "meter_start_wh": "0", "meter_stop_wh": "10500",
    }  # fmt: skip
    assert printed(details=details)["supply"] == [
        ["Place", "Hof, Weg 2"], ["Charge point", "DE*ABC*E1"], ["Start", "16 June 2026, 00:30:00 CEST"],
        ["End", "16 June 2026, 01:00:05 CEST"], ["Meter at start", "0 kWh"], ["Meter at end", "10.5 kWh"],
    ]  # fmt: skip
    assert printed("de", details=details)["supply"][5] == ["Zählerstand am Ende", "10,5 kWh"]
    assert printed(details={"address": "Weg 2", "meter_start_wh": None})["supply"] == [["Place", "Weg 2"]]
    assert printed(details={})["supply"] == []


def test_a_month_s_supply_is_its_number_of_charges():
    assert printed(details={"charges": 2, "energy_wh": "20500", "site": "Hof"})["supply"] == [
        ["Charges", "2 charges, 20.5 kWh"]
    ]
    assert printed(details={"charges": 1, "energy_wh": "1000"})["supply"] == [["Charges", "1 charges, 1 kWh"]]
    # A month of nothing but fees.
    assert printed(details={"charges": 0, "energy_wh": "0"})["supply"] == []


def test_a_line_says_its_quantity_price_and_rate():
    parts = [("10", "kWh", "4.12", "0.78", "19", "S")]
    assert printed(parts=parts)["lines"] == [
        {"text": "Energy", "quantity": "10 kWh", "price": "€0.49 / kWh", "vat": "19 %", "amount": "€4.90"}
    ]

    def said(unit, per, locale="en"):
        [line] = printed(locale, parts=[("90", unit, "8.403", "1.597", "19", "S")], price=("6", per))["lines"]
        return line["quantity"], line["price"].replace("\xa0", " ")

    assert said("min", 60) == ("90 min", "€6.00 / 60 min")
    assert said("min", 1) == ("90 min", "€6.00 / min")
    assert said("min", 60, "de") == ("90 Min.", "6,00 € / 60 Min.")
    assert said("", 1) == ("90", "€6.00")


def test_the_table_of_taxes_and_the_sum():
    parts = [("1", "", "1.00", "0.07", "7", "S"), ("10", "kWh", "4.12", "0.78", "19", "S")]
    said = printed(parts=parts)
    assert said["rates"] == [
        {"rate": "19 %", "net": "€4.12", "tax": "€0.78", "gross": "€4.90"},
        {"rate": "7 %", "net": "€1.00", "tax": "€0.07", "gross": "€1.07"},
    ]
    assert (said["total"], said["words"]["total"]) == ("€5.97", "Total, tax included")
    assert (said["words"]["item"], said["words"]["rate"]) == ("Item", "VAT rate")


@pytest.mark.parametrize(
    ("kind", "tax", "words"),
    [
        ("380", "0.78", "Total, tax included"),
        ("380", "0", "Total"),
        ("381", "0.78", "Total credited"),
        ("381", "0", "Total credited"),
        ("389", "0.78", "Total, tax included"),
    ],
)
def test_the_sum_is_named_for_what_it_is(kind, tax, words):
    category = "S" if tax != "0" else "Z"
    said = printed(kind=kind, parts=[("10", "kWh", "4.12", tax, "19" if tax != "0" else "0", category)])
    assert said["words"]["total"] == words
    titles = {"380": "Invoice", "381": "Credit note", "389": "Self-billed statement"}
    assert said["title"] == titles[kind]


@pytest.mark.parametrize(
    ("category", "notes"),
    [
        ("AE", ["Reverse charge: VAT is to be paid by the customer."]),
        ("O", ["Not subject to VAT in the EU."]),
        ("E", ["No VAT is charged."]),
        ("Z", []),
    ],
)
def test_why_no_tax_is_charged(category, notes):
    said = printed(parts=[("10", "kWh", "4.12", "0", "0", category)])["notes"]
    assert said == [*notes, "Times are those of the place (Europe/Berlin)."]


ALLOWANCE = {
    "plan": "Gold", "used_wh": "10000", "left_wh": "39940", "included_wh": "250000",
    "until": "2026-06-30T22:30:00+00:00",
}  # fmt: skip


def test_what_a_plan_gave_is_said_on_the_invoice_alone():
    details = {"time_zone": "Europe/Berlin", "allowance": ALLOWANCE}
    words = "10 kWh were included in your plan Gold; 39.9 of 250 kWh were left until 1 July 2026."
    place = "Times are those of the place (Europe/Berlin)."
    assert printed(details=details)["notes"] == [place, words]
    assert printed(details=details, kind="381")["notes"] == [place]
    estimated = printed(details={"estimated": True})["notes"]
    assert estimated == [
        "Times are those of the place (UTC).",
        "The charger did not report the end; billed up to its last meter value.",
    ]


TRANSFER = "Please transfer €4.90 by 1 July 2026 to IBAN DE02120300000000202051, naming ABC-2026-000001."


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"details": {"paid": PAID}}, "€4.90 paid by Visa •••• 4242."),
        ({"details": {"paid": PAID}, "kind": "381"}, "€4.90 refunded to Visa •••• 4242."),
        ({"details": {"paid": PAID | {"last4": ""}}}, "€4.90 paid by card."),
        ({"details": {"paid": PAID | {"last4": "", "brand": "wallet"}}}, "€4.90 paid by wallet."),
        (
            {"details": {"paid": PAID | {"amount": "4.00", "open": "0.90"}}},
            "€4.00 paid by Visa •••• 4242. €0.90 is still open.",
        ),
        ({"details": {"paid": {"amount": "4.90", "brand": "", "last4": ""}}}, "€4.90 paid by card."),
        ({"details": {"paid": PAID | {"cards": True}}}, "Paid with your cards when you charged."),
        (
            {"details": {"paid": PAID | {"cards": True, "open": "0.01"}}},
            "Paid with your cards when you charged. €0.01 is still open.",
        ),
        ({"details": {}}, TRANSFER),
        ({"details": {"paid": None}}, TRANSFER),
        ({"details": {}, "seller": {"name": "Hof"}}, "Please pay €4.90 by 1 July 2026."),
        (
            {"details": {}, "due_on": None},
            "Not paid yet. Please settle it on the receipt page named in our mail.",
        ),
        (
            {"details": {"reissued": True, "corrects": CORRECTS}, "kind": "381"},
            "Nothing was paid back for it: it is replaced by an invoice with other details.",
        ),
        (
            {"details": {"set_off": True, "corrects": CORRECTS}, "kind": "381"},
            "It is set off against what you owe us on your account.",
        ),
        ({"kind": "389"}, "We pay it to IBAN DE02120300000000202051."),
        ({"kind": "389", "seller": {"name": "Hof"}}, "We pay it to the account that you named."),
    ],
)
def test_how_it_is_or_was_paid(fields, words):
    assert printed(**fields)["payment"] == words


def test_signed_values_are_in_an_annex():
    signed = {"verdict": "good", "meter": "M-1", "key": "k" * 99, "values": ["v" * 197, "w"]}
    said = printed(details={"signed": signed})["signed"]
    assert said["facts"] == [["Our check", "Verified"], ["Meter number", "M-1"]]
    assert said["values"] == [["v" * 98, "v" * 98, "v"], ["w"]]
    assert said["key"] == ["k" * 98, "k"]
    assert said["title"] == "Signed meter values" and said["how"].startswith("You can check")
    bare = printed("de", details={"signed": signed | {"meter": "", "key": "", "verdict": "bad"}})["signed"]
    assert (bare["facts"], bare["key"]) == ([["Unsere Prüfung", "Falsche Signatur"]], ["–"])
    assert _lines("abc", width=3) == ["abc"] and _lines("") == []


# Words


@pytest.mark.parametrize(
    ("locale", "language"),
    [("de", "de"), ("de-AT", "de"), ("de_CH", "de"), ("FR", "fr"), ("pl", "en"), ("", "en")],
)
def test_a_locale_is_written_in_one_of_our_languages(locale, language):
    assert language_of(locale) == language


def test_dates_are_as_each_language_writes_them():
    first = date(2026, 1, 5)
    written = {locale: day(first, locale) for locale in ("en", "de", "fr", "nl", "es", "it", "pl")}
    assert written == {
        "en": "5 January 2026", "de": "05.01.2026", "fr": "05/01/2026", "nl": "05-01-2026",
        "es": "05/01/2026", "it": "05/01/2026", "pl": "5 January 2026",
    }  # fmt: skip
    assert day(date(2026, 12, 31), "en") == "31 December 2026"


def test_a_tariff_s_words_are_said_and_its_conditions_left():
    assert tariff("de")("Energy (22:00 – 06:00)") == "Energie (22:00 – 06:00)"
    assert tariff("it")("Start fee") == "Tariffa di avvio"
    assert tariff("de")("Our own words (a)") == "Our own words (a)"
    assert speak("es")("Energy") == "Energía"
    with pytest.raises(KeyError):
        speak("de")("No such word")
