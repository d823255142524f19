"""A priced bill as JSON on a row, and back: what was reckoned once is never reckoned again. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.pricing import Kind, Line, Priced

Json = dict[str, Any]

_AMOUNTS = ("quantity", "unit_price", "net", "tax", "gross")


def to_json(priced: Priced | Iterable[Line]) -> list[Json]:
    return [
        {
            "kind": line.kind.value,
            "description": line.description,
            "unit": line.unit,
            "per": line.per,
            "vat": None if line.vat is None else str(line.vat),
            "start": line.start.isoformat(),
            "end": line.end.isoformat(),
            **{name: str(getattr(line, name)) for name in _AMOUNTS},
        }
        for line in (priced.lines if isinstance(priced, Priced) else priced)
    ]


def from_json(rows: list[Json]) -> list[Line]:
    return [
        Line(
            kind=Kind(row["kind"]),
            description=row["description"],
            unit=row["unit"],
            per=row["per"],
            vat=None if row["vat"] is None else Decimal(row["vat"]),
            start=datetime.fromisoformat(row["start"]),
            end=datetime.fromisoformat(row["end"]),
            **{name: Decimal(row[name]) for name in _AMOUNTS},
        )
        for row in rows
    ]
