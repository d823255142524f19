"""What the columns of a station file are called, and what may stand in them. Pure.

A column says one thing about a site, a charger, an EVSE or a connector. What an empty cell means is `planning`'s.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from zoneinfo import available_timezones

from stations import hours
from stations.importing.tables import Formula

SITE, STATION, EVSE, CONNECTOR = "site", "station", "evse", "connector"
MAX_IDENTITY = 48


class Wrong(ValueError):
    """The cell can't be taken; the message says why."""


Reader = Callable[[str], object]


@dataclass(frozen=True)
class Column:
    """`field` is the model's; `key` marks what tells one thing from another of its level."""

    name: str
    level: str
    field: str
    read: Reader
    aliases: tuple[str, ...] = ()
    key: bool = False
    example: str = ""


def plain(heading: str) -> str:
    """Letters and digits only, in lower case, without marks: “EVSE-ID ” and “evse_id” are one."""
    spelled = heading.lower().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")
    bare = unicodedata.normalize("NFKD", spelled)
    return re.sub(r"[^a-z0-9]", "", bare)


def text(longest: int) -> Reader:
    def read(cell: str) -> str:
        if len(cell) > longest:
            raise Wrong(f"has more than {longest} characters")
        if not cell.isprintable():
            raise Wrong("holds a control character or a line break")
        return cell

    return read


def slug(cell: str) -> str:
    if not re.fullmatch(r"[-a-zA-Z0-9_]{1,50}", cell):
        raise Wrong("takes letters, digits and hyphens only, 50 at most")
    return cell


def identity(cell: str) -> str:
    """As the door takes it from the charger's address."""
    name = text(MAX_IDENTITY)(cell)
    if name != name.strip("/"):
        raise Wrong("has no slash at its ends")
    return name


def number(least: int, most: int) -> Reader:
    def read(cell: str) -> int:
        if not re.fullmatch(r"\d{1,9}", cell, re.ASCII):
            raise Wrong("must be a whole number")
        if not least <= int(cell) <= most:
            raise Wrong(f"must be between {least} and {most}")
        return int(cell)

    return read


def decimal(cell: str) -> Decimal:
    """With a point or a comma; both in one number could mean two things."""
    if not re.fullmatch(r"[+-]?\d{1,12}([.,]\d{1,15})?", cell, re.ASCII):
        raise Wrong("must be a number such as 52.52 or 52,52")
    try:
        return Decimal(cell.replace(",", "."))
    except InvalidOperation:
        raise Wrong("must be a number such as 52.52 or 52,52") from None


def degrees(most: int) -> Reader:
    def read(cell: str) -> Decimal:
        value = decimal(cell)
        if abs(value) > most:
            raise Wrong(f"must be between −{most} and {most} degrees")
        return value.quantize(Decimal("0.000001"))

    return read


def watts(cell: str) -> int:
    kilowatts = decimal(cell)
    if not 0 < kilowatts <= 2000:
        raise Wrong("must be more than 0 and at most 2000 kW")
    return int((kilowatts * 1000).to_integral_value())


def country(cell: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2}", cell):
        raise Wrong("must be two letters, such as DE")
    return cell.upper()


def time_zone(cell: str) -> str:
    if cell not in available_timezones():
        raise Wrong("is no time zone such as Europe/Berlin")
    return cell


def opening_hours(cell: str) -> str:
    try:
        hours.parse(text(200)(cell))
    except hours.Unreadable:
        raise Wrong("is not hours of the week such as Mo-Fr 06:00-22:00; Sa 08:00-20:00") from None
    return cell


YES = ("yes", "y", "true", "1", "ja", "wahr", "x")
NO = ("no", "n", "false", "0", "nein", "falsch")


def yes_or_no(cell: str) -> bool:
    if cell.lower() in YES:
        return True
    if cell.lower() in NO:
        return False
    raise Wrong("must be yes or no")


def one_of(words: dict[str, str]) -> Reader:
    """`words` are what people write in any spelling, and what it stands for."""
    by_letters = {plain(each): value for each, value in words.items()}

    def read(cell: str) -> str:
        try:
            return by_letters[plain(cell)]
        except KeyError:
            raise Wrong(f"is not one of {', '.join(dict.fromkeys(words.values()))}") from None

    return read


STANDARDS = {
    "IEC_62196_T2": "IEC_62196_T2", "Type 2": "IEC_62196_T2", "Typ 2": "IEC_62196_T2", "Mennekes": "IEC_62196_T2",
    "IEC_62196_T2_COMBO": "IEC_62196_T2_COMBO", "CCS": "IEC_62196_T2_COMBO", "CCS 2": "IEC_62196_T2_COMBO",
    "IEC_62196_T1": "IEC_62196_T1", "Type 1": "IEC_62196_T1", "Typ 1": "IEC_62196_T1",
    "IEC_62196_T1_COMBO": "IEC_62196_T1_COMBO", "CCS 1": "IEC_62196_T1_COMBO",
    "CHADEMO": "CHADEMO",
    "SAE_J3400": "SAE_J3400", "NACS": "SAE_J3400",
    "DOMESTIC_F": "DOMESTIC_F", "Schuko": "DOMESTIC_F",
    "GBT_DC": "GBT_DC", "GB/T DC": "GBT_DC",
}  # fmt: skip
FORMATS = {"SOCKET": "SOCKET", "Steckdose": "SOCKET", "CABLE": "CABLE", "Kabel": "CABLE"}
POWER_TYPES = {
    "AC_1_PHASE": "AC_1_PHASE", "AC 1": "AC_1_PHASE",
    "AC_3_PHASE": "AC_3_PHASE", "AC": "AC_3_PHASE", "AC 3": "AC_3_PHASE",
    "DC": "DC",
}  # fmt: skip

COLUMNS = (
    Column("site", SITE, "slug", slug, ("site_slug", "location", "standort"), True, "north-yard"),
    Column("site_name", SITE, "name", text(120), ("location_name", "standortname"), example="North Yard"),
    Column("street", SITE, "street", text(200), ("address", "strasse"), example="Hauptstraße 1"),
    Column("postcode", SITE, "postcode", text(20), ("zip", "postal_code", "plz"), example="10115"),
    Column("city", SITE, "city", text(100), ("town", "ort", "stadt"), example="Berlin"),
    Column("country", SITE, "country", country, ("land",), example="DE"),
    Column("latitude", SITE, "latitude", degrees(90), ("lat", "breitengrad"), example="52.530000"),
    Column("longitude", SITE, "longitude", degrees(180), ("lon", "lng", "laengengrad"), example="13.380000"),
    Column("time_zone", SITE, "time_zone", time_zone, ("timezone", "zeitzone"), example="Europe/Berlin"),
    Column("opening_hours", SITE, "opening_hours", opening_hours, ("oeffnungszeiten",)),
    Column("public", SITE, "is_public", yes_or_no, ("is_public", "oeffentlich"), example="yes"),
    Column(
        "identity",
        STATION,
        "identity",
        identity,
        ("station", "charge_point_id", "chargebox_id", "charger_id", "ocpp_identity", "ladestation"),
        True,
        "CP-0001",
    ),
    Column("charger", STATION, "name", text(80), ("station_name", "charger_name", "name"), example="Charger 1"),
    Column("security_profile", STATION, "security_profile", number(0, 3), ("profile",), example="2"),
    Column("evse", EVSE, "number", number(1, 1000), ("evse_number", "evse_no"), True, "1"),
    Column("evse_id", EVSE, "public_id", text(48), ("public_id", "evseid", "evse_uid"), example="DE*ABC*E1001*1"),
    Column("max_power_kw", EVSE, "max_power_w", watts, ("power_kw", "power", "leistung_kw", "leistung"), example="22"),
    Column("connector", CONNECTOR, "number", number(1, 100), ("connector_number", "stecker_nr"), True, "1"),
    Column("standard", CONNECTOR, "standard", one_of(STANDARDS), ("plug", "connector_type", "stecker"), example="Type 2"),
    Column("format", CONNECTOR, "format", one_of(FORMATS), ("connector_format",), example="Socket"),
    Column("power_type", CONNECTOR, "power_type", one_of(POWER_TYPES), ("current_type",), example="AC_3_PHASE"),
    Column("max_voltage", CONNECTOR, "max_voltage", number(1, 2000), ("voltage", "spannung"), example="230"),
    Column("max_amperage", CONNECTOR, "max_amperage", number(1, 2000), ("amperage", "current", "strom"), example="32"),
)  # fmt: skip
BY_NAME = {column.name: column for column in COLUMNS}


_KNOWN = {plain(name): column for column in COLUMNS for name in (column.name, *column.aliases)}


def is_known(heading: str) -> bool:
    return plain(heading) in _KNOWN


def column_of(heading: str) -> Column | None:
    return _KNOWN.get(plain(heading))


def nearest(heading: str) -> str:
    """The column that was probably meant; empty where none is like it."""
    found = difflib.get_close_matches(plain(heading), list(_KNOWN), n=1, cutoff=0.75)
    return _KNOWN[found[0]].name if found else ""


def value_of(column: Column, cell: str) -> object:
    """What a cell says, None for an empty one; raises `Wrong`."""
    if isinstance(cell, Formula):
        raise Wrong("is a formula; enter the value itself (for text, put an apostrophe before it)")
    return column.read(cell) if cell else None
