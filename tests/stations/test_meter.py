"""Sampled values as chargers really send them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from stations.meter import ENERGY, samples
from stations.ocpp import wire

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


def one(sampled, timestamp="2026-06-15T12:00:00Z"):
    found = list(samples([{"timestamp": timestamp, "sampledValue": [sampled]}], NOON))
    return found[0] if found else None


@pytest.mark.parametrize(
    ("sampled", "value", "unit"),
    [
        ({"value": "1500"}, "1500", "Wh"),
        ({"value": "1.5", "unit": "kWh"}, "1500", "Wh"),
        ({"value": 1.5, "unitOfMeasure": {"unit": "Wh", "multiplier": 3}}, "1500", "Wh"),
        ({"value": "11", "unit": "kW", "measurand": "Power.Active.Import"}, "11000", "W"),
        ({"value": "7", "measurand": "Power.Active.Import"}, "7", "W"),
        ({"value": "50", "measurand": "SoC"}, "50", "%"),
        ({"value": "86", "unit": "Fahrenheit", "measurand": "Temperature"}, "30", "°C"),
        ({"value": "50", "unit": "Hertz", "measurand": "Frequency"}, "50", "Hz"),
        ({"value": " 12.5 "}, "12.5", "Wh"),
    ],
)
def test_units(sampled, value, unit):
    sample = one(sampled)
    assert (sample.value, sample.unit) == (Decimal(value), unit)


@pytest.mark.parametrize("value", ["NaN", "inf", "1,5", "", "abc", "1e308", "9" * 40, True])
def test_what_is_no_number_is_left_out(value):
    assert one({"value": value}) is None


def test_signed_data_is_not_read_as_a_number():
    assert one({"value": "4F434D46", "format": "SignedData"}) is None


def test_the_rest_of_a_bad_message_is_kept():
    found = list(samples([{"timestamp": "?", "sampledValue": [{"value": "x"}, {"value": "1"}]}], NOON))
    assert [(sample.measurand, sample.at, sample.flag) for sample in found] == [
        (ENERGY, NOON, wire.BAD_CLOCK)
    ]


@pytest.mark.parametrize(
    ("text", "at", "flag"),
    [
        ("2026-06-15T12:00:00Z", NOON, ""),
        ("2026-06-15T14:00:00+02:00", NOON, ""),
        ("2026-06-15T12:00:00.123456789Z", NOON.replace(microsecond=123456), ""),
        ("2026-06-15T12:00:00", NOON, wire.NO_ZONE),
        ("2026-06-15 12:00:00Z", NOON, ""),
        ("1970-01-01T00:00:00Z", NOON, wire.BAD_CLOCK),
        ("2060-01-01T00:00:00Z", NOON, wire.BAD_CLOCK),
        ("2026-02-30T00:00:00Z", NOON, wire.BAD_CLOCK),
        ("1000000", NOON, wire.BAD_CLOCK),
        (None, NOON, wire.BAD_CLOCK),
    ],
)
def test_times(text, at, flag):
    assert wire.device_time(text, NOON) == (at, flag)
