"""Which seqNos of a transaction have come (2.x §E), as ranges [[first, last], …] in order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Ranges = Sequence[Sequence[int]]
#: A station whose numbers jump about is shown as it is, but not for ever.
MOST_RANGES = 100


def add(ranges: Ranges, numbers: Iterable[int]) -> list[list[int]]:
    """The ranges with these numbers in them; repeats change nothing."""
    merged: list[list[int]] = []
    for first, last in sorted([*map(tuple, ranges), *((each, each) for each in numbers)]):
        if merged and first <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    return merged[-MOST_RANGES:]


def gaps(ranges: Ranges) -> list[tuple[int, int]]:
    """The numbers missing between those that came: [(first, last), …]."""
    return [(a[1] + 1, b[0] - 1) for a, b in zip(ranges, ranges[1:], strict=False)]


def words(ranges: Ranges) -> str:
    """“4–5, 9” for a person."""
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in gaps(ranges))
