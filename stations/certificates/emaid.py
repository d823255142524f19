"""Contract ids of Plug & Charge (eMAID, ISO 15118-1; older ones DIN SPEC 91286) in one spelling.

A contract id is a country, a provider and an instance, with optional separators and check digit:
`DE-8AA-CA2B3C4D5-N`, `DE8AACA2B3C4D5` and `de8aaca2b3c4d5n` are one contract.
"""

from __future__ import annotations

import re

ISO = re.compile(r"([A-Z]{2})([-* ]?)([A-Z0-9]{3})\2([A-Z0-9]{9})(?:\2([A-Z0-9]))?", re.ASCII)
DIN = re.compile(r"([A-Z]{2})([-* ]?)([A-Z0-9]{3})\2([A-Z0-9]{6})\2([0-9X])", re.ASCII)

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def normal(text: str) -> str | None:
    """Fourteen characters, upper case, without separators and check digit; None for what is no contract id.

    A check digit that is there must be right: a mistyped id must not become somebody else's contract.
    A DIN id becomes the ISO id that it was given: two zeros, its instance and its own check digit.
    """
    text = text.strip().upper()
    if found := ISO.fullmatch(text):
        country, _separator, provider, instance, digit = found.groups()
        plain = country + provider + instance
        return plain if digit in (None, check_digit(plain)) else None
    if found := DIN.fullmatch(text):
        country, _separator, provider, instance, digit = found.groups()
        return f"{country}{provider}00{instance}{digit}"
    return None


def check_digit(plain: str) -> str:
    """Of the fourteen characters (eMI3, “Check digit calculation for contract ids”).

    Each character stands for two vectors, one modulo 2 and one modulo 3; they are summed up, each turned by
    a power of a matrix that belongs to its place. The digit is the character that makes the sums zero.
    """
    sums = {2: (0, 0), 3: (0, 0)}
    turns = {2: (0, 1, 1, 1), 3: (0, 1, 1, 2)}
    matrices = dict(turns)
    for letter in plain:
        for modulus, vector in _vectors(letter).items():
            a, b = _turned(vector, matrices[modulus], modulus)
            sums[modulus] = ((sums[modulus][0] + a) % modulus, (sums[modulus][1] + b) % modulus)
            matrices[modulus] = _product(matrices[modulus], turns[modulus], modulus)
    return next(
        letter
        for letter in LETTERS
        if all(
            _add(sums[modulus], _turned(vector, matrices[modulus], modulus), modulus) == (0, 0)
            for modulus, vector in _vectors(letter).items()
        )
    )


def _vectors(letter: str) -> dict[int, tuple[int, int]]:
    """A character's number in mixed base: two digits modulo 2, then two modulo 3."""
    high, low = divmod(LETTERS.index(letter), 9)
    return {2: (high // 2, high % 2), 3: (low // 3, low % 3)}


def _turned(vector, matrix, modulus) -> tuple[int, int]:
    (a, b), (p, q, r, s) = vector, matrix
    return (a * p + b * r) % modulus, (a * q + b * s) % modulus


def _product(left, right, modulus):
    (a, b, c, d), (p, q, r, s) = left, right
    return (
        (a * p + b * r) % modulus,
        (a * q + b * s) % modulus,
        (c * p + d * r) % modulus,
        (c * q + d * s) % modulus,
    )


def _add(left, right, modulus) -> tuple[int, int]:
    return (left[0] + right[0]) % modulus, (left[1] + right[1]) % modulus


def spellings(text: str) -> list[str]:
    """How a contract may be written without separators; empty for what is no contract id."""
    plain = normal(text)
    if plain is None:
        return []
    found = [plain, plain + check_digit(plain)]
    if plain[5:7] == "00":
        found.append(plain[:5] + plain[7:])
    return found
