"""What the signed texts of one session prove together. Pure.

Genuine texts alone prove nothing yet: they must be the begin and the end of one and the same charge, with
nothing between them taken away (OCMF, “Signing and Verification Process”).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from stations.ocmf import keys, record
from stations.ocmf.record import Reading, Record
from stations.ocmf.signature import Checked, check


class Verdict(StrEnum):
    GOOD = "good"
    BAD = "bad"
    INCONSISTENT = "inconsistent"
    UNKNOWN_KEY = "unknown_key"
    UNCHECKED = "unchecked"
    MISSING = "missing"


class Reason(StrEnum):
    """Why; each has its words in `words.py`."""

    NONE = ""
    SIGNATURE = "signature"
    KEY_CHANGED = "key_changed"
    NO_KEY = "no_key"
    ALGORITHM = "algorithm"
    FORMAT = "format"
    NO_VALUES = "no_values"
    NO_BEGIN = "no_begin"
    NO_END = "no_end"
    NO_REGISTER = "no_register"
    GAP = "gap"
    SAME_PAGE = "same_page"
    ORDER = "order"
    OTHER_METER = "other_meter"
    OTHER_TRANSACTION = "other_transaction"
    OTHER_TIME = "other_time"
    USED_BEFORE = "used_before"
    CONTRADICTION = "contradiction"
    UNSYNCHRONISED = "unsynchronised"
    METER_STATUS = "meter_status"
    ERROR_FLAG = "error_flag"
    BACKWARDS = "backwards"
    DIFFERS = "differs"


#: Worth telling beside a verdict: the key was only told by the charger; times are not metrologically exact.
LEARNED_KEY, INFORMATIVE_TIME, TIME_UNUSABLE, NEW_KEY = (
    "learned_key",
    "informative_time",
    "time_unusable",
    "new_key",
)
#: What speaks against the charger rather than against what we know of it: held, whatever the operator chose.
GRAVE = frozenset({Verdict.BAD, Verdict.INCONSISTENT})

#: The signed energy against the plain one: cables are compensated for in one of them only, and both round.
TOLERANCE_WH, TOLERANCE_SHARE = Decimal(100), Decimal("0.03")
#: A signed time may lie so much outside of the session that the charger reported.
TIME_SLACK = timedelta(minutes=15)


@dataclass(frozen=True)
class Key:
    """A meter's public key as we know it; one told later than another is not `is_used`, and only explains."""

    text: str
    is_trusted: bool = False
    is_used: bool = True


@dataclass(frozen=True)
class Plain:
    """What the charger said without a signature. `energy_wh`: None where it said nothing to compare."""

    started_at: datetime
    stopped_at: datetime
    energy_wh: Decimal | None
    is_skewed: bool = False


@dataclass(frozen=True)
class Judgement:
    """`start_wh` and `stop_wh` are of the register `obis`; None where no such pair was signed."""

    verdict: Verdict
    reason: Reason = Reason.NONE
    #: The odd facts themselves, as they are written in the texts.
    detail: str = ""
    notes: tuple[str, ...] = ()
    start_wh: Decimal | None = None
    stop_wh: Decimal | None = None
    start_at: datetime | None = None
    stop_at: datetime | None = None
    obis: str = ""
    meter_serial: str = ""
    #: Of the key that fits; empty where none was found.
    fingerprint: str = ""

    @property
    def energy_wh(self) -> Decimal | None:
        if self.start_wh is None or self.stop_wh is None:
            return None
        return self.stop_wh - self.start_wh


@dataclass
class _Said:
    """The readings at both ends, and the record that each is from."""

    begins: list[tuple[Record, Reading]] = field(default_factory=list)
    ends: list[tuple[Record, Reading]] = field(default_factory=list)


def judge(
    values: Iterable[tuple[str, str]],
    known: Sequence[Key],
    plain: Plain,
    *,
    elsewhere: frozenset[int] = frozenset(),
    is_used_before: bool = False,
) -> Judgement:
    """`values`: (text, OCPP's context) of everything signed that came for the session.

    `elsewhere`: pages that the same signer gave to other sessions of the station; `is_used_before`: a text
    came for another session already.
    """
    texts = list(dict.fromkeys(values))
    if not texts:
        return Judgement(Verdict.MISSING, Reason.NO_VALUES)
    records: list[tuple[Record, str]] = []
    for text, context in texts:
        try:
            records.append((record.parse(text), context))
        except record.NotOcmf:
            return Judgement(Verdict.UNCHECKED, Reason.FORMAT)
    only = [each for each, _context in records]
    trust = _signatures(only, known)
    said = _ends(records)
    found = _registers(said, only[-1].meter_serial)
    wrong = trust if trust.verdict is Verdict.BAD or trust.reason is Reason.KEY_CHANGED else None
    wrong = wrong or _inconsistency(only, said, plain, elsewhere, is_used_before) or _odd_energy(found, plain)
    wrong = wrong or _missing(said, found)
    final = wrong or trust
    return Judgement(
        final.verdict,
        final.reason,
        final.detail[:200],
        tuple(sorted({*trust.notes, *_time_notes(said)})),
        found.start_wh,
        found.stop_wh,
        found.start_at,
        found.stop_at,
        found.obis,
        found.meter_serial,
        trust.fingerprint,
    )


def _signatures(records: list[Record], known: Sequence[Key]) -> Judgement:
    read, unreadable = _readable(known)
    trusted = [(key, each) for key, each in read if key.is_trusted and key.is_used]
    used = trusted or [(key, each) for key, each in read if key.is_used]
    notes = (NEW_KEY,) if any(not key.is_used for key, _each in read) else ()
    if not used:
        reason = Reason.ALGORITHM if unreadable else Reason.NO_KEY
        return Judgement(Verdict.UNCHECKED if unreadable else Verdict.UNKNOWN_KEY, reason, notes=notes)
    fitting, unable = "", None
    for one in records:
        results = {each.fingerprint: check(one, each) for _key, each in used}
        good = next((name for name, result in results.items() if result is Checked.GOOD), "")
        if good:
            fitting = good
        elif Checked.UNABLE in results.values():
            unable = one
        elif any(check(one, each) is Checked.GOOD for key, each in read if not key.is_used):
            return Judgement(Verdict.INCONSISTENT, Reason.KEY_CHANGED, _name(one), notes)
        else:
            return Judgement(Verdict.BAD, Reason.SIGNATURE, _name(one), notes)
    if unable is not None:
        return Judgement(Verdict.UNCHECKED, Reason.ALGORITHM, unable.signature.algorithm[:60], notes)
    if not trusted:
        notes += (LEARNED_KEY,)
    return Judgement(Verdict.GOOD, notes=notes, fingerprint=fitting)


def _readable(known: Sequence[Key]) -> tuple[list[tuple[Key, keys.PublicKey]], bool]:
    found, unreadable = [], False
    for key in known:
        try:
            found.append((key, keys.read(key.text)))
        except keys.Unreadable:
            unreadable = True
    return found, unreadable


def _name(one: Record) -> str:
    return f"{one.context}{one.page}" if one.page is not None else ""


def _ends(records: list[tuple[Record, str]]) -> _Said:
    """By the readings' own reasons; where no text has any, by the context that OCPP gives it."""
    said = _Said()
    has_reasons = any(one.reasons for one, _context in records)
    for one, context in records:
        for each in one.readings:
            is_begin = each.reason == record.BEGIN if has_reasons else context == "Transaction.Begin"
            is_end = each.reason in record.ENDS if has_reasons else context == "Transaction.End"
            if is_begin:
                said.begins.append((one, each))
            elif is_end:
                said.ends.append((one, each))
    return said


def _registers(said: _Said, serial: str) -> Judgement:
    """The best register that both ends have."""
    for code in record.IMPORT:
        begin = next((each for _one, each in said.begins if each.obis == code and each.wh is not None), None)
        end = next(
            (each for _one, each in reversed(said.ends) if each.obis == code and each.wh is not None), None
        )
        if begin and end:
            return Judgement(
                Verdict.GOOD,
                start_wh=begin.wh,
                stop_wh=end.wh,
                start_at=begin.at,
                stop_at=end.at,
                obis=code,
                meter_serial=serial,
            )
    return Judgement(Verdict.MISSING, meter_serial=serial)


def _missing(said: _Said, found: Judgement) -> Judgement | None:
    if not said.begins:
        return Judgement(Verdict.MISSING, Reason.NO_BEGIN)
    if not said.ends:
        return Judgement(Verdict.MISSING, Reason.NO_END)
    if found.start_wh is None:
        return Judgement(Verdict.MISSING, Reason.NO_REGISTER)
    return None


def _inconsistency(
    records: list[Record],
    said: _Said,
    plain: Plain,
    elsewhere: frozenset[int],
    is_used_before: bool,
) -> Judgement | None:
    def odd(reason: Reason, detail: str = "") -> Judgement:
        return Judgement(Verdict.INCONSISTENT, reason, detail)

    if is_used_before:
        return odd(Reason.USED_BEFORE)
    for name in ("meter_serial", "gateway_serial"):
        serials = sorted({getattr(one, name) for one in records} - {""})
        if len(serials) > 1:
            return odd(Reason.OTHER_METER, " / ".join(serials))
    tokens = sorted({one.identification for one, _reading in said.begins + said.ends} - {""})
    if len(tokens) > 1:
        return odd(Reason.OTHER_TRANSACTION)
    return (
        _pages(records, said, elsewhere, odd)
        or _doubled(said, odd)
        or _times(said, plain, odd)
        or _statuses(records, said, odd)
    )


def _pages(records: list[Record], said: _Said, elsewhere: frozenset[int], odd) -> Judgement | None:
    """Each text has the next number; a gap means that one in between was taken away."""
    paged = [one for one in records if one.context == "T" and one.page is not None]
    by_page: dict[int, set[bytes]] = {}
    for one in paged:
        by_page.setdefault(one.page, set()).add(one.payload)
    twice = [page for page, payloads in by_page.items() if len(payloads) > 1]
    if twice:
        return odd(Reason.SAME_PAGE, f"T{twice[0]}")
    pages = sorted(by_page)
    for before, after in zip(pages, pages[1:], strict=False):
        if after - before - 1 > sum(before < page < after for page in elsewhere):
            return odd(Reason.GAP, f"T{before} … T{after}")
    first = [one.page for one, _reading in said.begins if one.page is not None]
    last = [one.page for one, _reading in said.ends if one.page is not None]
    if first and last and min(first) > max(last):
        return odd(Reason.ORDER, f"T{min(first)} … T{max(last)}")
    return None


def _doubled(said: _Said, odd) -> Judgement | None:
    """A begin may be told twice, once more together with the end; then it must be the same."""
    for reason, readings in (("B", said.begins), ("E", said.ends)):
        seen: dict[str, Decimal] = {}
        for _one, each in readings:
            if each.wh is not None and seen.setdefault(each.obis, each.wh) != each.wh:
                return odd(Reason.CONTRADICTION, f"{reason}: {seen[each.obis]} / {each.wh} Wh")
    return None


def _times(said: _Said, plain: Plain, odd) -> Judgement | None:
    if any(each.time_status == record.UNSYNCHRONISED for _one, each in said.ends):
        # At the begin alone it is no harm: a clock may be set on the way, and R counts from there.
        return odd(Reason.UNSYNCHRONISED)
    for _one, each in said.begins + said.ends:
        is_exact = each.time_status in (record.SYNCHRONISED, record.RELATIVE)
        if each.at is None or not is_exact or plain.is_skewed:
            continue
        if not plain.started_at - TIME_SLACK <= each.at <= plain.stopped_at + TIME_SLACK:
            return odd(Reason.OTHER_TIME, each.at.isoformat())
    return None


def _statuses(records: list[Record], said: _Said, odd) -> Judgement | None:
    if any(record.EXCEPTION in one.reasons for one in records):
        return odd(Reason.ERROR_FLAG, "TX X")
    for _one, each in said.begins + said.ends:
        if each.wh is not None and each.status not in ("", "G"):
            return odd(Reason.METER_STATUS, f"ST {each.status}")
        if each.wh is not None and "E" in each.error_flags:
            return odd(Reason.ERROR_FLAG, f"EF {each.error_flags}")
    return None


def _odd_energy(found: Judgement, plain: Plain) -> Judgement | None:
    if found.energy_wh is None:
        return None
    if found.energy_wh < 0:
        return Judgement(Verdict.INCONSISTENT, Reason.BACKWARDS, f"{found.start_wh} → {found.stop_wh} Wh")
    if plain.energy_wh is None:
        return None
    allowed = max(TOLERANCE_WH, max(found.energy_wh, plain.energy_wh) * TOLERANCE_SHARE)
    if abs(found.energy_wh - plain.energy_wh) <= allowed:
        return None
    detail = f"{found.energy_wh.normalize():f} / {plain.energy_wh.normalize():f} Wh"
    return Judgement(Verdict.INCONSISTENT, Reason.DIFFERS, detail)


def _time_notes(said: _Said) -> set[str]:
    ends = [each for _one, each in said.begins + said.ends]
    found = set()
    if any(each.time_status in (record.INFORMATIVE, record.UNSYNCHRONISED) for each in ends):
        found.add(INFORMATIVE_TIME)
    if any("t" in each.error_flags for each in ends):
        found.add(TIME_UNUSABLE)
    return found
