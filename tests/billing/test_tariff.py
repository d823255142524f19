"""Tariffs read and written, put into words, and looked over."""

import copy
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils import translation

from billing import price_words
from billing.pricing import Level, Tariff, TariffError, describe, lint
from billing.pricing.words import conditions

D = Decimal


def document(*components, **fields):
    return {
        "id": "street",
        "currency": "EUR",
        "tax_included": "YES",
        "elements": [{"price_components": list(components)}],
    } | fields


def component(kind, price, step=1, vat=19.0):
    return {"type": kind, "price": price, "vat": vat, "step_size": step}


STREET = document(
    component("ENERGY", 0.45), component("PARKING_TIME", 12.0, 60), evportal={"idle_grace_minutes": 10}
)


def when(kind, price, vat=19.0, **restrictions):
    return {"price_components": [component(kind, price, vat=vat)], "restrictions": restrictions}


# Reading and writing


def test_what_another_party_wrote_is_written_back_unchanged():
    theirs = {
        "country_code": "NL",
        "party_id": "TNM",
        "id": "12",
        "currency": "EUR",
        "type": "REGULAR",
        "tariff_alt_text": [{"language": "nl", "text": "Twee euro per uur", "colour": "green"}],
        "tariff_alt_url": "https://example.com/tariffs/12",
        "min_price": {"before_taxes": 0.5, "after_taxes": None, "reason": "start"},
        "max_price": {"before_taxes": 10},
        "elements": [
            {
                "price_components": [
                    {"type": "TIME", "price": 2, "vat": 10.0, "step_size": 300, "colour": "red"},
                    {"type": "ENERGY", "price": 0.1, "vat": None, "step_size": 1},
                ],
                "restrictions": {
                    "start_time": "09:00",
                    "end_time": "00:00",
                    "start_date": "2026-12-24",
                    "end_date": "2026-12-27",
                    "min_kwh": 0.3,
                    "max_kwh": 50.0,
                    "min_current": 6,
                    "max_current": 32.0,
                    "min_power": 1.5,
                    "max_power": 22,
                    "min_duration": 60,
                    "max_duration": 7200,
                    "day_of_week": ["SUNDAY", "MONDAY"],
                    "weather": {"sunny": True},
                },
                "note": "x",
            },
            {"price_components": [{"type": "FLAT", "price": 0.0, "step_size": 0}], "restrictions": {}},
            {
                "price_components": [{"type": "FLAT", "price": 1e-05, "step_size": 1}],
                "restrictions": {"reservation": "RESERVATION_EXPIRES", "day_of_week": []},
            },
        ],
        "tax_included": "N/A",
        "start_date_time": "2026-01-01T00:00:00.000Z",
        "end_date_time": "2027-01-01T00:00:00",
        "energy_mix": {"is_green_energy": True, "energy_sources": [{"source": "SOLAR", "percentage": 100}]},
        "last_updated": "2026-01-01T00:00:00Z",
        "evportal": {"idle_grace_minutes": 0, "colour": "blue"},
    }
    before = copy.deepcopy(theirs)
    tariff = Tariff.from_ocpi(theirs)
    theirs["energy_mix"]["is_green_energy"] = False  # what they do with their document is not ours

    assert tariff.to_ocpi() == before
    assert tariff.elements[0].price_components[1].price == D("0.1")
    assert tariff.valid_from == datetime(2026, 1, 1, tzinfo=UTC)
    assert tariff.valid_until == datetime(2027, 1, 1, tzinfo=UTC)


def without(name):
    found = copy.deepcopy(STREET)
    del found[name]
    return found


def priced(**changes):
    return document(component("ENERGY", 0.45) | changes)


def restricted(**restrictions):
    return document(elements=[when("ENERGY", 0.45, **restrictions)])


@pytest.mark.parametrize(
    ("bad", "path", "problem"),
    [
        ([], "", "an object is wanted"),
        (without("currency"), "currency", "missing"),
        (without("id"), "id", "missing"),
        (without("tax_included"), "tax_included", "missing"),
        (without("elements"), "elements", "at least one"),
        (STREET | {"currency": "EURO"}, "currency", "'EURO' is not an ISO 4217"),
        (STREET | {"currency": 978}, "currency", "some text"),
        (STREET | {"tax_included": "MAYBE"}, "tax_included", "'MAYBE' is not one of YES, NO, N/A"),
        (STREET | {"elements": []}, "elements", "at least one"),
        (STREET | {"elements": {}}, "elements", "a list is wanted"),
        (STREET | {"elements": [{}] * 1001}, "elements", "too long"),
        (STREET | {"elements": ["x"]}, "elements[0]", "an object"),
        (STREET | {"elements": [{"price_components": []}]}, "elements[0].price_components", "at least one"),
        (STREET | {"type": "GOLD"}, "type", "'GOLD' is not one of"),
        (STREET | {"last_updated": "yesterday"}, "last_updated", "is not a moment"),
        (STREET | {"max_price": {}}, "max_price.before_taxes", "missing"),
        (STREET | {"max_price": 5}, "max_price", "an object"),
        (STREET | {"evportal": {"free_minutes": -1}}, "evportal.free_minutes", "not between"),
        (priced(type="POWER"), "elements[0].price_components[0].type", "'POWER' is not one of"),
        (priced(price="0.45"), "elements[0].price_components[0].price", "a number"),
        (priced(price=True), "elements[0].price_components[0].price", "a number"),
        (priced(price=float("nan")), "elements[0].price_components[0].price", "a number"),
        (priced(price=-1), "elements[0].price_components[0].price", "not between"),
        (priced(price=1e30), "elements[0].price_components[0].price", "not between"),
        (priced(price=None), "elements[0].price_components[0].price", "missing"),
        (priced(vat=119), "elements[0].price_components[0].vat", "not between 0 and 100"),
        (priced(step_size=-300), "elements[0].price_components[0].step_size", "not between"),
        (priced(step_size=1.5), "elements[0].price_components[0].step_size", "not a whole number"),
        (restricted(start_time="8:00"), "elements[0].restrictions.start_time", "not a time of day"),
        (restricted(end_time="24:00"), "elements[0].restrictions.end_time", "not a time of day"),
        (restricted(start_date="2026-02-30"), "elements[0].restrictions.start_date", "not a date"),
        (restricted(start_date="20260301"), "elements[0].restrictions.start_date", "not a date"),
        (restricted(day_of_week=["FUNDAY"]), "elements[0].restrictions.day_of_week", "'FUNDAY'"),
        (restricted(day_of_week="MONDAY"), "elements[0].restrictions.day_of_week", "a list"),
        (restricted(min_duration=0.5), "elements[0].restrictions.min_duration", "whole"),
        (restricted(reservation="RESERVATION"), "elements[0].price_components[0].type", "not ENERGY"),
        (
            document(component("TIME", 1), component("TIME", 2)),
            "elements[0].price_components[1].type",
            "TIME is priced twice",
        ),
    ],
)
def test_a_bad_tariff_is_refused_with_the_field_and_a_sentence(bad, path, problem):
    with pytest.raises(TariffError) as refusal:
        Tariff.from_ocpi(bad)
    assert refusal.value.path == path
    assert problem in refusal.value.problem
    assert str(refusal.value).endswith(".")


# In words


def words(source):
    return [line.text for line in describe(Tariff.from_ocpi(source))]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (STREET, ["€0.45 per kWh", "€0.20 per minute after charging ends (first 10 minutes free)"]),
        # AFIR's order, whatever the tariff's.
        (
            document(
                component("FLAT", 0.5),
                component("TIME", 3.0),
                component("ENERGY", 0.45),
                min_price={"before_taxes": 1, "after_taxes": 1.19},
                max_price={"before_taxes": 30},
                evportal={"free_minutes": 15},
            ),
            [
                "€0.45 per kWh",
                "€0.05 per minute while charging (first 15 minutes free)",
                "€0.50 per session",
                "At least €1.19 per session",
                "At most €30.00 per session, plus tax",
            ],
        ),
        # Drivers see prices with tax.
        (document(component("ENERGY", 0.45), tax_included="NO"), ["€0.5355 per kWh"]),
        (document(component("ENERGY", 0.45, vat=None), tax_included="NO"), ["€0.45 per kWh, plus tax"]),
        (document(component("ENERGY", 0.45), tax_included="N/A"), ["€0.45 per kWh"]),
        (document(component("TIME", 5.0)), ["€5.00 per hour while charging"]),
        (document(component("TIME", 600), currency="JPY"), ["¥10 per minute while charging"]),
        (document(component("FLAT", 0.0, 0, None)), ["Free of charge"]),
        (
            document(
                elements=[
                    when(
                        "ENERGY",
                        0.5,
                        start_time="08:00",
                        end_time="20:00",
                        day_of_week=["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"],
                    ),
                    when("ENERGY", 0.4, day_of_week=["SUNDAY", "SATURDAY", "TUESDAY"], min_power=11),
                    when("ENERGY", 0.0, max_duration=1800),
                    when("ENERGY", 0.3, start_time="20:00", end_time="00:00", min_kwh=5, max_kwh=20.5),
                    when("ENERGY", 0.2, start_date="2026-12-24", end_date="2026-12-27", max_current=32.0),
                    when("PARKING_TIME", 6.0, min_duration=14400),
                    when("FLAT", 2.0, reservation="RESERVATION"),
                    when("TIME", 6.0, reservation="RESERVATION_EXPIRES"),
                ]
            ),
            [
                "€0.50 per kWh, Mon–Fri 08:00–20:00",
                "€0.40 per kWh, Tue, Sat–Sun, from 11 kW",
                "Energy free, in the first 30 minutes",
                "€0.30 per kWh, 20:00–24:00, from 5 to 20.5 kWh",
                "€0.20 per kWh, 2026-12-24 to 2026-12-26, below 32 A",
                "€0.10 per minute after charging ends, after 240 minutes",
                "€0.10 per minute of reservation that is not used",
                "€2.00 per reservation",
            ],
        ),
    ],
)
def test_a_tariff_in_words(source, expected):
    assert words(source) == expected


def test_a_line_has_its_parts_for_pages():
    line = describe(Tariff.from_ocpi(STREET))[0]
    assert (line.kind, line.price, line.unit, line.tax) == ("ENERGY", D("0.45"), "kWh", "incl. 19% VAT")


# Looked over


def found(source, power_w=22_000):
    return {(finding.code, finding.path) for finding in lint(Tariff.from_ocpi(source), power_w)}


def elements(*parts):
    return document(elements=list(parts))


ALWAYS = {"price_components": [component("ENERGY", 0.45)]}


@pytest.mark.parametrize(
    ("source", "power_w", "expected"),
    [
        (STREET, 22_000, set()),
        (STREET, 150_000, set()),
        (
            document(component("ENERGY", 0.45, vat=None)),
            22_000,
            {("tax_missing", "elements[0].price_components[0].vat")},
        ),
        (document(component("FLAT", 0.0, 0, None)), 150_000, set()),
        (
            document(component("ENERGY", 0.45), tax_included="N/A"),
            22_000,
            {("tax_ignored", "elements[0].price_components[0].vat")},
        ),
        (document(component("ENERGY", 0.45), component("FLAT", 0.5)), 49_999, set()),
        (
            document(component("ENERGY", 0.45), component("FLAT", 0.5)),
            50_000,
            {("afir_components", "elements[0].price_components[1]")},
        ),
        (
            document(component("TIME", 5)),
            50_000,
            {("afir_components", "elements[0].price_components[0]"), ("afir_no_energy", "elements")},
        ),
        (elements(when("FLAT", 2, reservation="RESERVATION"), ALWAYS), 150_000, set()),
        (
            document(component("ENERGY", 1), min_price={"before_taxes": 5}, max_price={"before_taxes": 4}),
            22_000,
            {("limits_crossed", "min_price")},
        ),
        # Day and night leave no gap; an hour between them does.
        (
            elements(
                when("ENERGY", 0.5, start_time="06:00", end_time="22:00"),
                when("ENERGY", 0.3, start_time="22:00", end_time="06:00"),
            ),
            22_000,
            set(),
        ),
        (
            elements(
                when("ENERGY", 0.5, start_time="07:00", end_time="22:00"),
                when("ENERGY", 0.3, start_time="22:00", end_time="06:00"),
            ),
            22_000,
            {("gap", "elements")},
        ),
        (elements(when("ENERGY", 1, max_power=16), when("ENERGY", 2, min_power=16)), 22_000, set()),
        (
            elements(when("ENERGY", 1, max_power=16), when("ENERGY", 2, min_power=20)),
            22_000,
            {("gap", "elements")},
        ),
        (
            elements(ALWAYS, when("ENERGY", 0.3, start_time="22:00", end_time="06:00")),
            22_000,
            {("shadowed", "elements[1].price_components[0]")},
        ),
        (
            elements(when("ENERGY", 0.3, min_kwh=20, max_kwh=10), ALWAYS),
            22_000,
            {("shadowed", "elements[0].price_components[0]")},
        ),
        (
            elements(when("PARKING_TIME", 6, min_power=3), ALWAYS),
            22_000,
            {("shadowed", "elements[0].price_components[0]"), ("gap", "elements")},
        ),
        (
            elements(
                when("TIME", 6, reservation="RESERVATION"),
                when("TIME", 8, reservation="RESERVATION"),
                when("TIME", 9, reservation="RESERVATION_EXPIRES"),
                ALWAYS,
            ),
            22_000,
            {("shadowed", "elements[1].price_components[0]")},
        ),
        (
            elements(when("ENERGY", 1, start_time="22:00", end_time="06:00", day_of_week=["FRIDAY"]), ALWAYS),
            22_000,
            {("days_over_midnight", "elements[0].restrictions")},
        ),
        (elements(when("ENERGY", 1, start_date="2026-12-24", end_date="2026-12-27"), ALWAYS), 22_000, set()),
        (
            elements(
                *(
                    when("ENERGY", 1, min_kwh=n, min_duration=n, min_power=n, start_time=f"{n:02}:00")
                    for n in range(1, 20)
                ),
                ALWAYS,
            ),
            22_000,
            {("too_complex", "elements")},
        ),
    ],
)
def test_what_an_operator_should_look_at(source, power_w, expected):
    assert found(source, power_w) == expected


def test_a_gap_says_when_and_errors_come_first():
    source = elements(when("FLAT", 1), when("ENERGY", 0.5, start_time="07:00", end_time="22:00", min_kwh=2))
    findings = lint(Tariff.from_ocpi(source), 50_000)
    assert [finding.level for finding in findings] == [Level.ERROR, Level.WARNING]
    assert findings[1].message == "ENERGY has no price, so it is free, for example on Monday at 00:00."


def in_german(source):
    return [line.text for line in describe(Tariff.from_ocpi(source), price_words.speech("de"))]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            STREET,
            [
                "0,45\xa0€ pro kWh",
                "0,20\xa0€ pro Minute nach Ende des Ladens (die ersten 10 Minuten kostenlos)",
            ],
        ),
        (
            document(
                component("FLAT", 0.5),
                component("TIME", 5.0),
                min_price={"before_taxes": 1, "after_taxes": 1.19},
                max_price={"before_taxes": 30},
                evportal={"free_minutes": 1, "start_fee_waiver": {"below_kwh": 0.5, "within_minutes": 5}},
            ),
            [
                "5,00\xa0€ pro Stunde während des Ladens (1 Minute kostenlos)",
                "0,50\xa0€ pro Ladevorgang (entfällt unter 0,5 kWh oder innerhalb von 5 Minuten)",
                "Mindestens 1,19\xa0€ pro Ladevorgang",
                "Höchstens 30,00\xa0€ pro Ladevorgang, zzgl. Steuer",
            ],
        ),
        (document(component("FLAT", 0.0, 0, None)), ["Kostenlos"]),
        (
            document(
                elements=[
                    when(
                        "ENERGY", 0.5, start_time="08:00", end_time="20:00", day_of_week=["MONDAY", "TUESDAY"]
                    ),
                    when("ENERGY", 0.0, max_duration=1800),
                    when("ENERGY", 0.3, min_kwh=5, max_kwh=20.5),
                    when("ENERGY", 0.2, start_date="2026-12-24", end_date="2026-12-27", max_current=32.0),
                    when("TIME", 6.0, reservation="RESERVATION_EXPIRES"),
                ]
            ),
            [
                "0,50\xa0€ pro kWh, Mo–Di 08:00–20:00",
                "Energie kostenlos, in den ersten 30 Minuten",
                "0,30\xa0€ pro kWh, von 5 bis 20,5 kWh",
                "0,20\xa0€ pro kWh, 24.12.2026 bis 26.12.2026, unter 32 A",
                "0,10\xa0€ pro Minute einer nicht genutzten Reservierung",
            ],
        ),
    ],
)
def test_a_tariff_in_german(source, expected):
    assert in_german(source) == expected


def test_the_tax_in_german():
    assert describe(Tariff.from_ocpi(STREET), price_words.speech("de-AT"))[0].tax == "inkl. 19 % USt"


def test_a_language_without_words_is_english_altogether():
    assert describe(Tariff.from_ocpi(STREET), price_words.speech("fr"))[0].text == "€0.45 per kWh"


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("Energy", "Energie"),
        ("Energy (Tue, Sat–Sun 08:00–24:00, from 20.5 kWh)", "Energie (Di, Sa–So 08:00–24:00, ab 20,5 kWh)"),
        ("Parking time (after 240 minutes)", "Standzeit (nach 240 Minuten)"),
        ("Energy (in the first 1 minutes)", "Energie (in Minute 1)"),
        (
            "Energy (2026-12-24 to 2026-12-26, on holidays)",
            "Energie (24.12.2026 bis 26.12.2026, an Feiertagen)",
        ),
        ("Charging past the booked time (5 min)", "Laden über die gebuchte Zeit hinaus (5 min)"),
        ("Energy (whatever a partner wrote)", "Energie (whatever a partner wrote)"),
    ],
)
def test_a_bill_s_line_is_said_in_german(kept, said):
    assert price_words.of_lines("de")(kept) == said
    assert price_words.of_lines("en")(kept).replace("1 minute)", "1 minutes)") == kept


def test_bills_keep_english_whatever_language_is_spoken():
    rules = (
        Tariff.from_ocpi(document(elements=[when("ENERGY", 0.4, day_of_week=["SUNDAY"])])).elements[0].when
    )
    with translation.override("de"):
        assert conditions(rules) == "Sun"
