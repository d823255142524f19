"""What an OCMF text says: `OCMF|{payload}|{signature}`. Pure; the text itself is kept untouched elsewhere."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation

UNITS = {"wh": Decimal(1), "kwh": Decimal(1000)}
#: OBIS C.D.E of registers of imported active energy, best first: what reached the car, then what left the
#: meter, each of this transaction and of the meter's whole life (OCMF 1.4, table 25; IEC 62056-6-1).
TRANSACTION = ("b3.8.0", "b2.8.0")
IMPORT = ("b3.8.0", "b1.8.0", "1.8.0", "1.8.1", "1.8.2", "1.8.e", "b2.8.0", "b0.8.0")
#: TX, the reason of a reading.
BEGIN, EXCEPTION = "B", "X"
ENDS = frozenset("ELRAP")
#: Time status (table 19).
UNSYNCHRONISED, INFORMATIVE, SYNCHRONISED, RELATIVE = "U", "I", "S", "R"
#: Nobody's meter writes more readings into one text.
MOST_READINGS = 1000
#: Above it no register counts.
BIGGEST = Decimal(10) ** 12

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,6}))?(Z|[+-]\d\d:?\d\d)(?:\s+([UISR]))?"
)
_PAGE = re.compile(r"([TF])(\d{1,18})")


class NotOcmf(ValueError):
    """The text is none, or can't be read as such."""


@dataclass(frozen=True)
class Reading:
    """One entry of RD, with what it takes over from the entry before it."""

    #: TM and its status; None and empty where they can't be read.
    at: datetime | None
    time_status: str
    #: TX: B, C, X, E, L, R, A, P, S, T; empty without a transaction.
    reason: str
    #: RV as it was written, in `unit` (RU); None where the entry tells of an event only.
    value: Decimal | None
    unit: str
    #: RI as written, and its C.D.E in short: `1.8.0`.
    identification: str
    obis: str
    #: RT: AC or DC.
    current: str
    #: EF: E (energy) and t (time) can't be billed any more.
    error_flags: str
    #: ST: G is good.
    status: str
    #: CL, in `unit`: what was taken off for the cable.
    loss: Decimal | None = None

    @property
    def wh(self) -> Decimal | None:
        """The imported energy that it says; None where it is of something else."""
        factor = UNITS.get(self.unit.lower())
        if self.value is None or factor is None or self.obis not in IMPORT or self.value < 0:
            return None
        wh = self.value * factor
        return wh if wh < BIGGEST else None


@dataclass(frozen=True)
class Signature:
    """The signature section, with the format's defaults filled in."""

    #: SD as written; SE: hex or base64; SM: how it is to be understood.
    data: str
    algorithm: str = ""
    encoding: str = "hex"
    mime: str = "application/x-der"


@dataclass(frozen=True)
class Record:
    """One signed text. Names in brackets are the format's own."""

    #: Exactly what was signed.
    payload: bytes
    #: The whole text, once it was freed of a transport's encoding.
    text: str
    signature: Signature
    #: PG: T (transaction) or F (fiscal), and its number.
    context: str = ""
    page: int | None = None
    #: FV, GI, GS, GV.
    version: str = ""
    gateway: str = ""
    gateway_serial: str = ""
    gateway_version: str = ""
    #: MV, MM, MS, MF.
    meter_vendor: str = ""
    meter_model: str = ""
    meter_serial: str = ""
    meter_firmware: str = ""
    #: IS, IL, IF, IT, ID.
    is_identified: bool | None = None
    identification_level: str = ""
    identification_flags: tuple[str, ...] = ()
    identification_type: str = ""
    identification: str = ""
    #: TT; CT, CI.
    tariff: str = ""
    place_type: str = ""
    place: str = ""
    readings: tuple[Reading, ...] = ()

    @property
    def reasons(self) -> set[str]:
        return {each.reason for each in self.readings if each.reason}


def parse(text: str) -> Record:
    """Raises `NotOcmf`. Base64 and hex around it are taken off: 2.x carries it in Base64, some write hex."""
    for plain in (text, *_decoded(text)):
        if plain.lstrip().startswith("OCMF|"):
            return _parse(plain.strip())
    raise NotOcmf("It does not begin with OCMF|.")


def last_register(text: str) -> Decimal | None:
    """The newest import register of an OCMF text, in Wh; None where there is none to be read."""
    try:
        readings = parse(text).readings
    except NotOcmf:
        return None
    for code in IMPORT:
        found = [each.wh for each in readings if each.obis == code and each.wh is not None]
        if found and code not in TRANSACTION:
            return found[-1]
    return None


def _parse(plain: str) -> Record:
    body, bar, tail = plain.removeprefix("OCMF|").rpartition("|")
    if not bar:
        # Without a signature there is still something to be read.
        body, tail = tail, "{}"
    said, signed = _object(body), _object(tail)
    context, page = _page(said.get("PG"))
    return Record(
        payload=body.encode(),
        text=plain,
        signature=Signature(
            data=_text(signed.get("SD")),
            algorithm=_text(signed.get("SA")),
            encoding=_text(signed.get("SE")).lower() or "hex",
            mime=_text(signed.get("SM")) or "application/x-der",
        ),
        context=context,
        page=page,
        version=_text(said.get("FV")),
        gateway=_text(said.get("GI")),
        gateway_serial=_text(said.get("GS")),
        gateway_version=_text(said.get("GV")),
        meter_vendor=_text(said.get("MV")),
        meter_model=_text(said.get("MM")),
        meter_serial=_text(said.get("MS")),
        meter_firmware=_text(said.get("MF")),
        is_identified=said.get("IS") if isinstance(said.get("IS"), bool) else None,
        identification_level=_text(said.get("IL")),
        identification_flags=tuple(_text(each) for each in _list(said.get("IF"))),
        identification_type=_text(said.get("IT")),
        identification=_text(said.get("ID")),
        tariff=_text(said.get("TT")),
        place_type=_text(said.get("CT")),
        place=_text(said.get("CI")),
        readings=tuple(_readings(said.get("RD"))),
    )


def _object(text: str) -> dict:
    try:
        found = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as problem:
        raise NotOcmf("A section of it is no JSON.") from problem
    if not isinstance(found, dict):
        raise NotOcmf("A section of it is no object.")
    return found


def _list(value: object) -> list:
    return value[:MOST_READINGS] if isinstance(value, list) else []


def _text(value: object) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, (dict, list)):
        return ""
    return str(value).strip()[:10_000]


def _readings(rows: object):
    """Fields that are as in the entry before are left out (RD)."""
    before: dict = {}
    for row in _list(rows):
        if not isinstance(row, dict):
            continue
        full = {**before, **row}
        before = {name: full[name] for name in ("TM", "TX", "RI", "RU", "RT", "EF", "ST") if name in full}
        at, status = _time(full.get("TM"))
        identification = _text(full.get("RI"))
        yield Reading(
            at=at,
            time_status=status,
            reason=_text(full.get("TX")).upper()[:1],
            value=_number(row.get("RV")),
            unit=_text(full.get("RU")) or "kWh",
            identification=identification,
            obis=obis(identification) if identification else "1.8.0",
            current=_text(full.get("RT")),
            error_flags=_text(full.get("EF")),
            status=_text(full.get("ST")).upper()[:1],
            loss=_number(row.get("CL")),
        )


def obis(text: str) -> str:
    """C.D.E of an OBIS code, however it is written: `01-0B:01.08.00*FF` and `1-b:1.8.0` are both `1.8.0`."""
    parts = re.split(r"[.*]", text.split(":")[-1])[:3]
    return ".".join(part.strip().lstrip("0").lower() or "0" for part in parts)


def _number(value: object) -> Decimal | None:
    """Some write the number as a text with blanks before it."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, str)):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 20 else None


def _time(value: object) -> tuple[datetime | None, str]:
    found = _TIME.fullmatch(str(value).strip()) if isinstance(value, str) else None
    if found is None:
        return None, ""
    *numbers, fraction, zone, status = found.groups()
    sign = -1 if zone[0] == "-" else 1
    digits = zone[1:].replace(":", "")
    offset = timedelta(0) if zone == "Z" else sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    try:
        at = datetime(*map(int, numbers), int((fraction or "0").ljust(6, "0")), tzinfo=timezone(offset))
    except ValueError:
        return None, status or ""
    return at, status or ""


def _page(value: object) -> tuple[str, int | None]:
    found = _PAGE.fullmatch(_text(value))
    return (found[1], int(found[2])) if found else ("", None)


def _decoded(text: str) -> list[str]:
    found = []
    bare = "".join(text.split())
    for decode in (lambda: base64.b64decode(bare, validate=True), lambda: bytes.fromhex(bare)):
        try:
            found.append(decode().decode())
        except (ValueError, binascii.Error):
            continue
    return found
