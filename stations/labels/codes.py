"""What stands on a label, and its QR code. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import segno


@dataclass(frozen=True)
class Size:
    """Of a label in mm; as many of them as fit on a portrait A4 sheet."""

    name: str
    title: str
    columns: int
    rows: int
    #: The code's edge with its quiet zone, in mm. Read from about ten times as far.
    code: int

    @property
    def per_sheet(self) -> int:
        return self.columns * self.rows


SIZES = {
    size.name: size
    for size in (
        Size("small", "70 × 37 mm, 24 on a sheet", 3, 8, 31),
        Size("medium", "105 × 74 mm, 8 on a sheet", 2, 4, 54),
        Size("large", "210 × 148 mm, 2 on a sheet", 1, 2, 108),
    )
}
MOST = 500


@dataclass(frozen=True)
class Label:
    url: str
    evse_id: str
    charger: str
    operator: str
    phone: str


def code(url: str) -> segno.QRCode:
    """Read even where a quarter of it is scratched (level Q, or better where there is room for it)."""
    return segno.make(url, error="q", micro=False)


def svg(url: str) -> str:
    """With the quiet zone of four modules that readers need."""
    return code(url).svg_inline(border=4, omitsize=True)
