"""What a tariff says to one driver: the prices of their groups, and those of holidays, as plain elements.

The engine, the words and the checks then know elements only. A driver who is in no group reads the public
price, which is also what other parties read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from billing.pricing.additions import Additions, GroupPrices, Waiver
from billing.pricing.elements import ALWAYS, Dimension, PriceComponent, TariffElement
from billing.pricing.tariff import Tariff

#: Always holds: a session of nothing, too, has charged at least nothing.
NO_FEE = Waiver(from_kwh=Decimal(0))


def resolve(tariff: Tariff, groups: Iterable[str] = ()) -> Tariff:
    """The tariff for a driver in these groups: its elements in the order in which they are asked.

    Groups come first, in the tariff's order, then holidays, then what always holds. Doing it twice changes
    nothing.
    """
    own = tariff.own
    mine = _mine(own, groups)
    if not mine and not own.groups and not (own.holidays and own.holidays.elements):
        return tariff
    return replace(
        tariff,
        elements=tuple(element for _path, element in sources(tariff, groups)),
        additions=replace(
            own,
            groups=(),
            holidays=own.holidays and replace(own.holidays, elements=()),
            start_fee_waiver=NO_FEE if any(each.no_start_fee for each in mine) else own.start_fee_waiver,
            free_minutes=_most(own.free_minutes, *(each.free_minutes for each in mine)),
            idle_grace_minutes=_most(own.idle_grace_minutes, *(each.idle_grace_minutes for each in mine)),
        ),
    )


def sources(tariff: Tariff, groups: Iterable[str] = ()) -> list[tuple[str, TariffElement]]:
    """The elements for such a driver, each with its place in the document."""
    own = tariff.own
    mine = set(groups)
    found: list[tuple[str, TariffElement]] = []
    for number, each in enumerate(own.groups):
        if each.group in mine:
            place = f"evportal.groups[{number}].elements"
            found += [(f"{place}[{index}]", element) for index, element in enumerate(each.elements)]
    discount = next((each.discount_percent for each in _mine(own, mine) if each.discount_percent), None)
    public = [
        *_placed("evportal.holidays.elements", own.holidays.elements if own.holidays else ()),
        *_placed("elements", tariff.elements),
    ]
    return found + [(path, _discounted(element, discount)) for path, element in public]


def asked(tariff: Tariff, dimension: Dimension) -> list[tuple[TariffElement, PriceComponent]]:
    """The prices of a session that can apply, in order: what stands behind one that always holds can't.

    `tariff` is resolved already.
    """
    found = []
    for element in tariff.elements:
        component = element.component(dimension)
        if component is None or element.when.reservation is not None:
            continue
        if dimension is Dimension.FLAT and tariff.own.start_fee_waiver == NO_FEE:
            continue
        found.append((element, component))
        if element.when == ALWAYS:
            break
    return found


def is_free(tariff: Tariff) -> bool:
    """Whether a session costs nothing, whenever and however it is. `tariff` is resolved already."""
    reserved = [
        part.price
        for element in tariff.elements
        if element.when.reservation is not None
        for part in element.price_components
    ]
    charged = [part.price for dimension in Dimension for _element, part in asked(tariff, dimension)]
    return not any(reserved + charged) and tariff.min_price is None


def _placed(place: str, elements: Iterable[TariffElement]) -> list[tuple[str, TariffElement]]:
    return [(f"{place}[{index}]", element) for index, element in enumerate(elements)]


def _mine(own: Additions, groups: Iterable[str]) -> list[GroupPrices]:
    names = set(groups)
    return [each for each in own.groups if each.group in names]


def _discounted(element: TariffElement, percent: Decimal | None) -> TariffElement:
    if percent is None or element.when.reservation is not None:
        return element

    def less(part: PriceComponent) -> PriceComponent:
        return replace(part, price=part.price * (100 - percent) / 100)

    return replace(element, price_components=tuple(less(part) for part in element.price_components))


def _most(*minutes: int | None) -> int | None:
    return max((each for each in minutes if each is not None), default=None)
