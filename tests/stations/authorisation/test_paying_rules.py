"""Passwords in codes, and how VAT numbers are formed: values only."""

from datetime import UTC, datetime, timedelta

import pytest

from stations.paying import totp, vat

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
RULES = {"validity_s": 60, "length": 8}


def test_the_password_is_the_standards():
    """Reckoned with OpenSSL: the interval's eight bytes under HMAC-SHA256, letters from the named offset."""
    # printf '\x00\x00\x00\x00\x00\x00\x00\x01' | openssl dgst -sha256 -hmac secretsecretsecret
    assert totp.password("secretsecretsecret", 1, 8) == "zZvLlBBi"


def test_it_changes_with_the_time_and_the_secret():
    first = totp.at("secret-of-one", NOON, **RULES)
    assert len(first) == 8
    assert totp.at("secret-of-one", NOON + timedelta(seconds=59), **RULES) == first
    assert totp.at("secret-of-one", NOON + timedelta(seconds=60), **RULES) != first
    assert totp.at("secret-of-two", NOON, **RULES) != first


@pytest.mark.parametrize(
    ("seconds", "good"), [(-121, False), (-60, True), (0, True), (60, True), (119, True), (120, False)]
)
def test_a_code_is_good_for_its_interval_and_its_neighbours(seconds, good):
    said = totp.at("secret", NOON, **RULES)
    assert totp.is_valid(said, "secret", NOON + timedelta(seconds=seconds), **RULES) is good


@pytest.mark.parametrize("said", ["", "x", "ß" * 8, "0" * 8, "\x00"])
def test_anything_else_is_not(said):
    assert not totp.is_valid(said, "secret", NOON, **RULES)


@pytest.mark.parametrize(
    ("number", "good"),
    [
        ("DE136695976", True),
        ("de 136 695 976", True),
        ("DE136695977", False),
        ("DE12345678", False),
        ("ATU13585627", True),
        ("ATU13585626", False),
        ("BE0428759497", True),
        ("BE0428759498", False),
        ("NL004495445B01", True),
        ("GR123456789", True),
        ("XX123", False),
        ("", False),
        ("DE١٢٣٤٥٦٧٨٩", False),
    ],
)
def test_how_vat_numbers_are_formed(number, good):
    assert vat.is_well_formed(number) is good
