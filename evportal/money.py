"""The one rounding: amounts of money, their smallest units, and how a page shows them.

Every amount in the portal is a Decimal in a currency's major unit (11.80 EUR). It is rounded here, half up,
once per line of a bill, and nowhere else.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext

# ISO 4217: digits after the decimal point. Only what isn't two is listed with its own number.
_EXPONENTS: dict[str, int] = {
    code: exponent
    for exponent, codes in {
        0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        2: (
            "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
            "CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS "
            "GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL "
            "MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK "
            "PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS "
            "TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
        ),
        3: "BHD IQD JOD KWD LYD OMR TND",
        4: "CLF UYW",
    }.items()
    for code in codes.split()
}

_SYMBOLS = {
    "AUD": "A$",
    "BRL": "R$",
    "CAD": "C$",
    "CNY": "CN¥",
    "EUR": "€",
    "GBP": "£",
    "ILS": "₪",
    "INR": "₹",
    "JPY": "¥",
    "KRW": "₩",
    "NZD": "NZ$",
    "UAH": "₴",
    "USD": "$",
    "VND": "₫",
}

# Language → (thousands, decimal point, symbol first). Others are written as English.
_WRITTEN = {
    "de": (".", ",", False),
    "en": (",", ".", True),
    "es": (".", ",", False),
    "fr": ("\u202f", ",", False),
    "it": (".", ",", False),
    "nl": (".", ",", True),
}

# A price per kWh may be finer than a cent, but nobody compares prices past the fourth digit.
_UNIT_PRICE_PLACES = 4


def exponent(currency: str) -> int:
    """Digits after the decimal point in this currency: JPY 0, EUR 2, KWD 3."""
    try:
        return _EXPONENTS[currency]
    except KeyError:
        raise ValueError(f"{currency!r} is not an ISO 4217 currency code.") from None


def round_money(amount: Decimal, currency: str) -> Decimal:
    """The amount in the currency's smallest unit, halves away from zero: 5.125 EUR → 5.13."""
    return _quantize(amount, exponent(currency))


def to_minor(amount: Decimal, currency: str) -> int:
    """The amount as a whole number of smallest units, as card payments want it: 11.80 EUR → 1180."""
    return int(round_money(amount, currency).scaleb(exponent(currency)))


def from_minor(minor: int, currency: str) -> Decimal:
    """The other way: 1180 → 11.80 EUR."""
    return Decimal(minor).scaleb(-exponent(currency))


def format_money(amount: Decimal, currency: str, locale: str = "en") -> str:
    """An amount for people: €11.80, ¥1,200, KWD 1.250, -€3.00."""
    return _write(round_money(amount, currency), currency, locale)


def format_unit_price(price: Decimal, currency: str, locale: str = "en") -> str:
    """A price per unit, which may be finer than the smallest coin: €0.45, €0.5355."""
    places = exponent(currency)
    shown = _quantize(price, max(places, _UNIT_PRICE_PLACES))
    while -int(shown.as_tuple().exponent) > places and shown.as_tuple().digits[-1] == 0:
        shown = _quantize(shown, -int(shown.as_tuple().exponent) - 1)
    return _write(shown, currency, locale)


def plain(number: Decimal) -> str:
    """19.0 → 19, 5.20 → 5.2, 1E+1 → 10."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_number(number: Decimal, locale: str = "en") -> str:
    """A quantity for people, without needless digits: 20.5, in German 20,5."""
    return plain(number).replace(".", _written(locale)[1])


def _quantize(amount: Decimal, places: int) -> Decimal:
    if not amount.is_finite():
        raise ValueError(f"{amount} is not an amount of money.")
    with localcontext() as context:
        # quantize refuses results longer than the context's precision; an amount is never refused for length.
        context.prec = max(28, amount.adjusted() + places + 3)
        # Adding zero turns -0.00 into 0.00.
        return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP) + 0


def _written(locale: str) -> tuple[str, str, bool]:
    return _WRITTEN.get(locale.replace("_", "-").split("-")[0].lower(), _WRITTEN["en"])


def _write(amount: Decimal, currency: str, locale: str) -> str:
    thousands, point, symbol_first = _written(locale)
    digits = f"{abs(amount):,f}".translate({ord(","): thousands, ord("."): point})
    sign = "-" if amount < 0 else ""
    symbol = _SYMBOLS.get(currency, currency)
    if not symbol_first:
        return f"{sign}{digits}\u00a0{symbol}"
    # A symbol sits at the number; a code of letters keeps its distance, and never at a line's end.
    gap = "\u00a0" if symbol.isalpha() else ""
    return f"{sign}{symbol}{gap}{digits}"
