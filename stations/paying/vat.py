"""Whether a VAT number is formed as its country forms them (VatNumberValidation); pure.

Whether it is anybody's, only the country's register knows: `VAT_NUMBER_CHECK` may name a function that asks
one (such as the EU's VIES) and takes this module's place.
"""

from __future__ import annotations

import re

FORMS = {
    "AT": r"U\d{8}",
    "BE": r"[01]\d{9}",
    "BG": r"\d{9,10}",
    "CH": r"E\d{9}(MWST|TVA|IVA)?",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"[1-9]\d{8}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "EL": r"\d{9}",
    "ES": r"[A-Z0-9]\d{7}[A-Z0-9]",
    "FI": r"\d{8}",
    "FR": r"[A-HJ-NP-Z0-9]{2}\d{9}",
    "GB": r"(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"\d[A-Z0-9+*]\d{5}[A-Z]{1,2}",
    "IT": r"\d{11}",
    "LT": r"(\d{9}|\d{12})",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"\d{9}B\d{2}",
    "NO": r"\d{9}(MVA)?",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{2,10}",
    "SE": r"\d{10}01",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
    "XI": r"(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
}


def is_well_formed(number: str) -> bool:
    text = re.sub(r"[\s.\-]", "", number).upper()
    form = FORMS.get("EL" if text[:2] == "GR" else text[:2])
    return form is not None and re.fullmatch(form, text[2:], re.ASCII) is not None and _adds_up(text)


def _adds_up(text: str) -> bool:
    """The check digit, for the countries whose cars we see most."""
    country, rest = text[:2], text[2:]
    if country == "DE":
        product = 10
        for digit in rest[:8]:
            total = (int(digit) + product) % 10 or 10
            product = 2 * total % 11
        return (11 - product) % 10 == int(rest[8])
    if country == "BE":
        return 97 - int(rest[:8]) % 97 == int(rest[8:])
    if country == "AT":
        digits = [int(digit) for digit in rest[1:]]
        doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[1:7:2])
        return (10 - (sum(digits[0:7:2]) + doubled + 4) % 10) % 10 == digits[7]
    return True
