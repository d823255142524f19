"""Where a station differs from what is wanted of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum


class State(StrEnum):
    SAME = "same"
    DIFFERS = "differs"
    #: The station has not told it (yet): it may be set, and what it says to that will be known.
    UNKNOWN = "unknown"
    READ_ONLY = "read_only"
    #: It refused this very value; it isn't asked again by itself.
    REFUSED = "refused"
    #: It has no such setting, so there is nothing to put right.
    UNSUPPORTED = "unsupported"


#: How chargers say that there is no such setting.
NO_SUCH = frozenset(["NotSupported", "NotSupportedAttributeType", "UnknownComponent", "UnknownVariable"])


@dataclass(frozen=True)
class Kept:
    """What is known of a setting."""

    value: str | None
    may_be_set: bool = True
    is_told: bool = True
    refusal: str = ""
    refused_value: str = ""


@dataclass(frozen=True)
class Difference:
    path: str
    wanted: str
    value: str | None
    state: State
    word: str = ""

    @property
    def counts(self) -> bool:
        """Whether the station is not as it should be."""
        return self.state not in (State.SAME, State.UNSUPPORTED)

    @property
    def may_be_mended(self) -> bool:
        return self.state in (State.DIFFERS, State.UNKNOWN)


def compare(wanted: Mapping[str, str], kept: Mapping[str, Kept]) -> list[Difference]:
    """One line for each wanted value, in the template's order."""
    return [_difference(path, value, kept.get(path)) for path, value in wanted.items()]


def _difference(path: str, wanted: str, kept: Kept | None) -> Difference:
    if kept is None:
        return Difference(path, wanted, None, State.UNKNOWN)
    if kept.is_told and kept.value is not None and same(wanted, kept.value):
        return Difference(path, wanted, kept.value, State.SAME)
    if kept.refusal in NO_SUCH and not kept.is_told:
        return Difference(path, wanted, kept.value, State.UNSUPPORTED, kept.refusal)
    if kept.refusal and kept.refused_value == wanted:
        return Difference(path, wanted, kept.value, State.REFUSED, kept.refusal)
    if not kept.may_be_set:
        return Difference(path, wanted, kept.value, State.READ_ONLY)
    state = State.DIFFERS if kept.is_told and kept.value is not None else State.UNKNOWN
    return Difference(path, wanted, kept.value, state)


def same(one: str, other: str) -> bool:
    """300 and 300.0, True and true, `A,B` and `A, B` say the same; the order of a list may matter."""
    if one == other:
        return True
    return _plain(one) == _plain(other)


def _plain(text: str):
    text = text.strip()
    if text.lower() in ("true", "false"):
        return text.lower()
    try:
        number = Decimal(text)
    except InvalidOperation:
        return tuple(part.strip() for part in text.split(","))
    return number if number.is_finite() else text
