"""DATEV's EXTF format, a posting batch (Buchungsstapel 13): one file for each month. Pure.

Windows-1252, semicolons, CRLF, quoted text, decimal comma; amounts are positive, S or H says the side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from billing import calendar

ENCODING = "cp1252"
LARGEST = Decimal("9999999999.99")

_PAIRS_1 = [f"Beleginfo - {part} {n}" for n in range(1, 9) for part in ("Art", "Inhalt")]
_PAIRS_2 = [f"Zusatzinformation - {part} {n}" for n in range(1, 21) for part in ("Art", "Inhalt")]
HEAD = [
    "Umsatz (ohne Soll/Haben-Kz)", "Soll/Haben-Kennzeichen", "WKZ Umsatz", "Kurs", "Basis-Umsatz",
    "WKZ Basis-Umsatz", "Konto", "Gegenkonto (ohne BU-Schlüssel)", "BU-Schlüssel", "Belegdatum",
    "Belegfeld 1", "Belegfeld 2", "Skonto", "Buchungstext", "Postensperre",
    "Diverse Adressnummer",
    "Geschäftspartnerbank", "Sachverhalt", "Zinssperre", "Beleglink", *_PAIRS_1,
    "KOST1 - Kostenstelle", "KOST2 - Kostenstelle",
    "Kost-Menge", "EU-Land u. UStID (Bestimmung)", "EU-Steuersatz (Bestimmung)", "Abw. Versteuerungsart",
    "Sachverhalt L+L", "Funktionsergänzung L+L", "BU 49 Hauptfunktionstyp", "BU 49 Hauptfunktionsnummer",
    "BU 49 Funktionsergänzung", *_PAIRS_2, "Stück", "Gewicht", "Zahlweise", "Forderungsart",
    "Veranlagungsjahr", "Zugeordnete Fälligkeit", "Skontotyp", "Auftragsnummer", "Buchungstyp",
    "USt-Schlüssel (Anzahlungen)", "EU-Land (Anzahlungen)", "Sachverhalt L+L (Anzahlungen)",
    "EU-Steuersatz (Anzahlungen)", "Erlöskonto (Anzahlungen)", "Herkunft-Kz", "Buchungs GUID", "KOST-Datum",
    "SEPA-Mandatsreferenz", "Skontosperre", "Gesellschaftername", "Beteiligtennummer",
    "Identifikationsnummer",
    "Zeichnernummer", "Postensperre bis", "Bezeichnung SoBil-Sachverhalt", "Kennzeichen SoBil-Buchung",
    "Festschreibung", "Leistungsdatum", "Datum Zuord. Steuerperiode", "Fälligkeit", "Generalumkehr (GU)",
    "Steuersatz", "Land", "Abrechnungsreferenz", "BVV-Position", "EU-Land u. UStID (Ursprung)",
    "EU-Steuersatz (Ursprung)", "Abw. Skontokonto",
]  # fmt: skip

#: (country, VAT category, rate)
Treatment = tuple[str, str, Decimal]


@dataclass(frozen=True, slots=True)
class Settings:
    consultant: str
    client: str
    receivables: str
    fiscal_year_month: int = 1
    account_length: int = 4
    currency: str = "EUR"


@dataclass(frozen=True, slots=True)
class Posting:
    """A document's share of one VAT treatment. `gross` has the document's sign."""

    number: str
    booked_on: date
    supplied_on: date
    gross: Decimal
    treatment: Treatment
    text: str
    vat_id: str = ""


def problems(
    settings: Settings,
    treatments: Iterable[Treatment],
    accounts: dict[Treatment, tuple[str, str]],
    currencies: Iterable[str],
) -> list[str]:
    """What keeps the file from being made, in sentences; empty: nothing."""
    found = []
    if not settings.consultant.isdigit() or not 1001 <= int(settings.consultant) <= 9999999:
        found.append("The consultant number is missing: a number from 1001 to 9999999.")
    if not settings.client.isdigit() or not 1 <= int(settings.client) <= 99999:
        found.append("The client number is missing: a number from 1 to 99999.")
    if not settings.receivables:
        found.append("The receivables account is missing.")
    for name, account in [
        ("receivables", settings.receivables),
        *(("revenue", a) for a, _k in accounts.values()),
    ]:
        # Personal accounts have one digit more than G/L accounts.
        if account and len(account) not in (settings.account_length, settings.account_length + 1):
            found.append(f"The {name} account {account} has not {settings.account_length} digits.")
    for country, category, rate in sorted(set(treatments)):
        if (country, category, rate) not in accounts:
            found.append(
                f"No revenue account for {country}, VAT category {category}, {rate.normalize():f} %."
            )
    for currency in sorted(set(currencies) - {settings.currency}):
        found.append(f"There are documents in {currency}: export {settings.currency} alone.")
    return found


def fiscal_year_start(month: date, first_month: int) -> date:
    year = month.year if month.month >= first_month else month.year - 1
    return date(year, first_month, 1)


def lines(
    settings: Settings,
    accounts: dict[Treatment, tuple[str, str]],
    month: date,
    postings: Iterable[Posting],
    *,
    made_at: datetime,
) -> Iterator[bytes]:
    """The file of one month, line by line; `made_at` is a moment that stays the same."""
    start, end = calendar.first_of(month), calendar.last_of(month)
    yield _encode(
        [
            _quoted("EXTF"), "700", "21", _quoted("Buchungsstapel"), "13", f"{made_at:%Y%m%d%H%M%S}000", "",
            _quoted("RE"), _quoted("evportal"), _quoted(""), settings.consultant, settings.client,
            f"{fiscal_year_start(start, settings.fiscal_year_month):%Y%m%d}", str(settings.account_length),
            f"{start:%Y%m%d}", f"{end:%Y%m%d}", _quoted(f"evportal {start:%m/%Y}"), _quoted(""),
            "1", "0", "0", _quoted(settings.currency), "", _quoted(""), "", "", _quoted(""), "", "",
            _quoted(""), _quoted(""),
        ]
    )  # fmt: skip
    yield _encode(HEAD)
    for posting in postings:
        yield _posting(settings, accounts, posting)


def _posting(settings: Settings, accounts: dict, posting: Posting) -> bytes:
    account, bu_key = accounts[posting.treatment]
    if abs(posting.gross) > LARGEST:
        raise ValueError(f"{posting.number} is too large for DATEV.")
    country, category, rate = posting.treatment
    row = [""] * len(HEAD)
    row[0] = f"{abs(posting.gross):.2f}".replace(".", ",")
    row[1] = _quoted("S" if posting.gross > 0 else "H")
    row[2] = _quoted(settings.currency)
    row[5] = _quoted("")
    row[6], row[7], row[8] = settings.receivables, account, _quoted(bu_key)
    row[9] = f"{posting.booked_on:%d%m}"
    row[10] = _quoted(posting.number[:36])
    row[13] = _quoted(posting.text[:60])
    if category == "AE" and posting.vat_id:
        row[39] = _quoted(posting.vat_id[:15])
    row[113] = "0"
    row[114] = f"{posting.supplied_on:%d%m%Y}"
    return _encode(row)


def _quoted(text: str) -> str:
    plain = " ".join(text.split()).replace('"', '""')
    return f'"{plain}"'


def _encode(fields: list[str]) -> bytes:
    return (";".join(fields) + "\r\n").encode(ENCODING, errors="replace")
