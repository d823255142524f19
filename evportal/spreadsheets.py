"""Cells of CSV files: text that a spreadsheet shows and does not run, numbers that stay numbers. Pure."""

from __future__ import annotations

from decimal import Decimal

#: What a spreadsheet would take for a formula, or skip before one.
RISKY = ("=", "+", "-", "@", "\t", "\r", "\x00")


def safe(text: str) -> str:
    return f"'{text}" if text.startswith(RISKY) else text


def plain(cell) -> str:
    """Nothing for None; decimals without an exponent; text made safe."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return safe(cell)
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)
