"""Tariffs in OCPP 2.1's words: what comes over, and what can't."""

import pytest

from billing.pricing import Tariff
from billing.pricing.ocpp import station_tariff
from stations.ocpp import schemas


def energy(price=0.5, vat=19, **more):
    return {"type": "ENERGY", "price": price, "vat": vat, "step_size": 1, **more}


def tariff(*elements, tax_included="NO", **more) -> Tariff:
    return Tariff.from_ocpi(
        {"id": "T", "currency": "EUR", "tax_included": tax_included, "elements": list(elements), **more}
    )


def translated(*elements, **more):
    document, left_out = station_tariff(tariff(*elements, **more), "7-1")
    assert schemas.problem("2.1", "SetDefaultTariff", {"evseId": 1, "tariff": document}) is None
    return document, left_out


def test_energy_time_idling_and_a_fee():
    document, left_out = translated(
        {
            "price_components": [
                energy(),
                {"type": "TIME", "price": 1.2, "vat": 19, "step_size": 1},
                {"type": "PARKING_TIME", "price": 6, "vat": 19, "step_size": 1},
                {"type": "FLAT", "price": 1, "vat": 19, "step_size": 1},
            ]
        }
    )
    assert left_out == []
    taxes = [{"type": "VAT", "tax": 19.0}]
    assert document == {
        "tariffId": "7-1",
        "currency": "EUR",
        "energy": {"prices": [{"priceKwh": 0.5}], "taxRates": taxes},
        "chargingTime": {"prices": [{"priceMinute": 0.02}], "taxRates": taxes},
        "idleTime": {"prices": [{"priceMinute": 0.1}], "taxRates": taxes},
        "fixedFee": {"prices": [{"priceFixed": 1.0}], "taxRates": taxes},
    }


def test_prices_with_tax_lose_it():
    document, _left_out = translated({"price_components": [energy(0.595)]}, tax_included="YES")
    assert document["energy"]["prices"] == [{"priceKwh": 0.5}]


def test_conditions_keep_their_order():
    document, left_out = translated(
        {
            "price_components": [energy(0.3)],
            "restrictions": {
                "start_time": "22:00",
                "end_time": "06:00",
                "day_of_week": ["SATURDAY", "SUNDAY"],
                "min_kwh": 10,
                "max_power": 50,
                "min_duration": 600,
            },
        },
        {"price_components": [energy(0.5)]},
    )
    assert left_out == []
    first, second = document["energy"]["prices"]
    assert first["conditions"] == {
        "startTimeOfDay": "22:00",
        "endTimeOfDay": "06:00",
        "dayOfWeek": ["Saturday", "Sunday"],
        "minEnergy": 10000.0,
        "maxPower": 50000.0,
        "minTime": 600,
    }
    assert second == {"priceKwh": 0.5}


def test_a_reservation_and_the_limits():
    document, left_out = translated(
        {"price_components": [energy()]},
        {
            "price_components": [{"type": "TIME", "price": 3, "vat": 19, "step_size": 1}],
            "restrictions": {"reservation": "RESERVATION"},
        },
        min_price={"before_taxes": 1, "after_taxes": 1.19},
        max_price={"before_taxes": 50},
        evportal={"idle_grace_minutes": 10},
    )
    assert left_out == []
    assert document["reservationTime"]["prices"] == [{"priceMinute": 0.05}]
    assert document["minCost"] == {"exclTax": 1.0, "inclTax": 1.19}
    assert document["maxCost"] == {"exclTax": 50.0}


def test_the_grace_before_idling_costs():
    document, _left_out = translated(
        {"price_components": [{"type": "PARKING_TIME", "price": 6, "vat": 19, "step_size": 1}]},
        evportal={"idle_grace_minutes": 10},
    )
    assert document["idleTime"]["prices"] == [{"priceMinute": 0.1, "conditions": {"minIdleTime": 600}}]


@pytest.mark.parametrize(
    ("element", "more", "words"),
    [
        ({"price_components": [energy(step_size=1000)]}, {}, "blocks of 1000 Wh"),
        ({"price_components": [energy()]}, {"evportal": {"free_minutes": 5}}, "first 5 minutes"),
        (
            {
                "price_components": [{"type": "FLAT", "price": 1, "vat": 19, "step_size": 1}],
                "restrictions": {"min_kwh": 10},
            },
            {},
            "a fee that depends on",
        ),
        (
            {
                "price_components": [{"type": "FLAT", "price": 1, "vat": 19, "step_size": 1}],
                "restrictions": {"reservation": "RESERVATION_EXPIRES"},
            },
            {},
            "not used",
        ),
    ],
)
def test_what_ocpp_has_no_words_for_is_said(element, more, words):
    _document, left_out = translated({"price_components": [energy()]}, element, **more)
    assert any(words in each for each in left_out)


def test_a_second_tax_rate_is_not_passed_off_as_the_first():
    document, left_out = translated(
        {"price_components": [energy(0.3, vat=7)], "restrictions": {"max_kwh": 5}},
        {"price_components": [energy(0.5, vat=19)]},
    )
    assert len(document["energy"]["prices"]) == 1
    assert left_out == ["a second VAT rate for ENERGY: 19 %"]
