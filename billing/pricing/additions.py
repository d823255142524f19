"""What OCPI has no word for: free time, waived start fees, holidays, and prices of groups of drivers.

It is written under the tariff's key "evportal", and only where it is used. Other parties ignore that key and
read what is left: the public price. So nothing in here may be needed to understand `elements`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from billing.pricing.elements import Day, Json, TariffElement, to_json
from billing.pricing.reading import Reader, TariffError

#: More days than that are no calendar of holidays.
_MOST_DAYS = 400
_MOST_GROUPS = 40


@dataclass(frozen=True, slots=True)
class Waiver:
    """When the start fee isn't charged: any one of these is enough. Energy in kWh, time in minutes."""

    # A charge that came to nothing: less energy than this.
    below_kwh: Decimal | None = None
    # One that took so much that the fee is forgiven.
    from_kwh: Decimal | None = None
    # Somebody who unplugged again within so many minutes.
    within_minutes: int | None = None
    extra: Json = field(default_factory=dict, hash=False)

    @classmethod
    def read(cls, source: Reader) -> Waiver:
        return cls(
            below_kwh=source.optional_number("below_kwh", minimum=Decimal(0)),
            from_kwh=source.optional_number("from_kwh", minimum=Decimal(0)),
            within_minutes=source.optional_whole("within_minutes", minimum=0),
            extra=source.rest(),
        )

    def to_ocpi(self) -> Json:
        return to_json(
            self.extra,
            below_kwh=self.below_kwh,
            from_kwh=self.from_kwh,
            within_minutes=self.within_minutes,
        )

    def holds(self, *, kwh: Decimal, minutes: Decimal) -> bool:
        """Whether a session of so much energy and time pays no start fee."""
        return (
            (self.below_kwh is not None and kwh < self.below_kwh)
            or (self.from_kwh is not None and kwh >= self.from_kwh)
            or (self.within_minutes is not None and minutes < self.within_minutes)
        )


@dataclass(frozen=True, slots=True)
class Holidays:
    """Days of the site's calendar on which other prices hold, from midnight to midnight.

    `elements` come before the tariff's own on these days; `as_day` says whose prices hold among those that
    name days of the week ("as on Sunday"). The days are written out, so that a version needs no calendar.
    """

    dates: tuple[date, ...] = ()
    as_day: Day | None = None
    elements: tuple[TariffElement, ...] = ()
    extra: Json = field(default_factory=dict, hash=False)

    @classmethod
    def read(cls, source: Reader) -> Holidays:
        dates = source.dates("dates")
        if len(dates) > _MOST_DAYS:
            raise TariffError(source.path.field("dates"), f"{len(dates)} holidays are too many")
        return cls(
            dates=dates,
            as_day=source.optional_choice("as_day", Day),
            elements=tuple(
                TariffElement.read(part, on_holidays=True) for part in source.optional_objects("elements")
            ),
            extra=source.rest(),
        )

    def to_ocpi(self) -> Json:
        return to_json(
            self.extra,
            dates=self.dates,
            as_day=self.as_day,
            elements=tuple(element.to_ocpi() for element in self.elements),
        )


@dataclass(frozen=True, slots=True)
class GroupPrices:
    """What drivers of a group pay: their own elements before the tariff's, and what is waived for them.

    `group` is the name that the portal knows it by: a group of drivers, or a subscription plan. The discount,
    a percentage, is taken off the tariff's own prices, reservations and limits excepted.
    """

    group: str
    elements: tuple[TariffElement, ...] = ()
    discount_percent: Decimal | None = None
    no_start_fee: bool = False
    free_minutes: int | None = None
    idle_grace_minutes: int | None = None
    extra: Json = field(default_factory=dict, hash=False)

    @classmethod
    def read(cls, source: Reader) -> GroupPrices:
        return cls(
            group=source.text("group"),
            elements=tuple(TariffElement.read(part) for part in source.optional_objects("elements")),
            discount_percent=source.optional_number(
                "discount_percent", minimum=Decimal(0), maximum=Decimal(100)
            ),
            no_start_fee=source.flag("no_start_fee"),
            free_minutes=source.optional_whole("free_minutes", minimum=0),
            idle_grace_minutes=source.optional_whole("idle_grace_minutes", minimum=0),
            extra=source.rest(),
        )

    def to_ocpi(self) -> Json:
        return to_json(
            self.extra,
            group=self.group,
            elements=tuple(element.to_ocpi() for element in self.elements),
            discount_percent=self.discount_percent,
            no_start_fee=self.no_start_fee or None,
            free_minutes=self.free_minutes,
            idle_grace_minutes=self.idle_grace_minutes,
        )


@dataclass(frozen=True, slots=True)
class Additions:
    """The object under "evportal"."""

    # Parking time that costs nothing: the first so many minutes of it in a session, taken together, so that
    # a car which tops itself up now and then neither loses the grace nor gets it anew.
    idle_grace_minutes: int | None = None
    # Neither charging nor parking time costs anything in the first so many minutes of the session.
    free_minutes: int | None = None
    start_fee_waiver: Waiver | None = None
    holidays: Holidays | None = None
    # The first group that a driver is in and that names a price decides on it.
    groups: tuple[GroupPrices, ...] = ()
    extra: Json = field(default_factory=dict, hash=False)

    @classmethod
    def read(cls, source: Reader) -> Additions:
        waiver, holidays = source.optional_object("start_fee_waiver"), source.optional_object("holidays")
        groups = tuple(GroupPrices.read(part) for part in source.optional_objects("groups"))
        names = [each.group for each in groups]
        for index, name in enumerate(names):
            if name in names[:index]:
                where = source.path.item("groups", index).field("group")
                raise TariffError(where, f"{name} has prices already")
        if len(groups) > _MOST_GROUPS:
            raise TariffError(source.path.field("groups"), f"{len(groups)} groups are too many")
        return cls(
            idle_grace_minutes=source.optional_whole("idle_grace_minutes", minimum=0),
            free_minutes=source.optional_whole("free_minutes", minimum=0),
            start_fee_waiver=Waiver.read(waiver) if waiver else None,
            holidays=Holidays.read(holidays) if holidays else None,
            groups=groups,
            extra=source.rest(),
        )

    def to_ocpi(self) -> Json:
        return to_json(
            self.extra,
            idle_grace_minutes=self.idle_grace_minutes,
            free_minutes=self.free_minutes,
            start_fee_waiver=None if self.start_fee_waiver is None else self.start_fee_waiver.to_ocpi(),
            holidays=None if self.holidays is None else self.holidays.to_ocpi(),
            groups=tuple(each.to_ocpi() for each in self.groups),
        )
