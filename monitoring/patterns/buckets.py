"""How lengths and energies of sessions are grouped for their distributions. Pure."""

#: Upper ends, exclusive; the last group has none. Minutes, and kWh.
LENGTHS = (5, 15, 30, 60, 120, 240, 480)
ENERGIES = (1, 5, 10, 20, 30, 50, 80)


def labels(ends: tuple[int, ...], unit: str) -> list[str]:
    first, last = f"< {ends[0]} {unit}", f"≥ {ends[-1]} {unit}"
    return [first, *(f"{low}–{high} {unit}" for low, high in zip(ends, ends[1:], strict=False)), last]
