"""The parts of OCPI 2.3.0's tariff object (mod_tariffs), read and written back: prices, hours, limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from typing import Any

from billing.pricing.reading import Reader, TariffError

Json = dict[str, Any]


class Dimension(StrEnum):
    """What is priced: per kWh, once, per hour plugged but not charging, per hour charging."""

    ENERGY = "ENERGY"
    FLAT = "FLAT"
    PARKING_TIME = "PARKING_TIME"
    TIME = "TIME"


class TaxIncluded(StrEnum):
    YES = "YES"
    NO = "NO"
    N_A = "N/A"


class ReservationKind(StrEnum):
    RESERVATION = "RESERVATION"
    RESERVATION_EXPIRES = "RESERVATION_EXPIRES"


class TariffType(StrEnum):
    AD_HOC_PAYMENT = "AD_HOC_PAYMENT"
    PROFILE_CHEAP = "PROFILE_CHEAP"
    PROFILE_FAST = "PROFILE_FAST"
    PROFILE_GREEN = "PROFILE_GREEN"
    REGULAR = "REGULAR"


class Day(StrEnum):
    """In the order of date.weekday()."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


WEEK = tuple(Day)


@dataclass(frozen=True, slots=True)
class PriceComponent:
    """A price per kWh, per hour or once. `vat` is a percentage; None says that no rate is given."""

    type: Dimension
    price: Decimal
    vat: Decimal | None = None
    # Billed in blocks of so many Wh or seconds; 0 and 1 are the meter's own resolution.
    step_size: int = 1
    extra: Json = field(default_factory=dict, hash=False)

    @classmethod
    def read(cls, source: Reader) -> PriceComponent:
        return cls(
            type=source.choice("type", Dimension),
            price=source.number("price", minimum=Decimal(0)),
            vat=source.optional_number("vat", minimum=Decimal(0), maximum=Decimal(100)),
            step_size=source.whole("step_size", minimum=0),
            extra=source.rest(),
        )

    def to_ocpi(self) -> Json:
        return to_json(self.extra, type=self.type, price=self.price, vat=self.vat, step_size=self.step_size)


@dataclass(frozen=True, slots=True)
class TariffRestrictions:
    """All that is set must hold. Times and dates are the site's; energy kWh, current A, power kW, time s."""

    start_time: time | None = None
    end_time: time | None = None
    start_date: date | None = None
    end_date: date | None = None
    min_kwh: Decimal | None = None
    max_kwh: Decimal | None = None
    min_current: Decimal | None = None
    max_current: Decimal | None = None
    min_power: Decimal | None = None
    max_power: Decimal | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    day_of_week: tuple[Day, ...] = ()
    reservation: ReservationKind | None = None
    #: Only on holidays: said by where the element stands, and so not written here.
    on_holidays: bool = False
    extra: Json = field(default_factory=dict, hash=False)

    @classmethod
    def read(cls, source: Reader) -> TariffRestrictions:
        def pair(name: str) -> dict[str, Decimal | None]:
            low, high = f"min_{name}", f"max_{name}"
            return {key: source.optional_number(key, minimum=Decimal(0)) for key in (low, high)}

        return cls(
            start_time=source.optional_time("start_time"),
            end_time=source.optional_time("end_time"),
            start_date=source.optional_date("start_date"),
            end_date=source.optional_date("end_date"),
            **pair("kwh"),
            **pair("current"),
            **pair("power"),
            min_duration=source.optional_whole("min_duration", minimum=0),
            max_duration=source.optional_whole("max_duration", minimum=0),
            day_of_week=source.choices("day_of_week", Day),
            reservation=source.optional_choice("reservation", ReservationKind),
            extra=source.rest(),
        )

    def to_ocpi(self) -> Json:
        return to_json(
            self.extra,
            start_time=self.start_time,
            end_time=self.end_time,
            start_date=self.start_date,
            end_date=self.end_date,
            min_kwh=self.min_kwh,
            max_kwh=self.max_kwh,
            min_current=self.min_current,
            max_current=self.max_current,
            min_power=self.min_power,
            max_power=self.max_power,
            min_duration=self.min_duration,
            max_duration=self.max_duration,
            day_of_week=self.day_of_week,
            reservation=self.reservation,
        )


ALWAYS = TariffRestrictions()
HOLIDAYS = TariffRestrictions(on_holidays=True)


@dataclass(frozen=True, slots=True)
class TariffElement:
    price_components: tuple[PriceComponent, ...]
    restrictions: TariffRestrictions | None = None
    #: It stands among the prices of holidays.
    on_holidays: bool = False
    extra: Json = field(default_factory=dict, hash=False)

    @property
    def when(self) -> TariffRestrictions:
        if self.on_holidays:
            return replace(self.restrictions, on_holidays=True) if self.restrictions else HOLIDAYS
        return self.restrictions or ALWAYS

    def component(self, dimension: Dimension) -> PriceComponent | None:
        return next((part for part in self.price_components if part.type == dimension), None)

    @classmethod
    def read(cls, source: Reader, *, on_holidays: bool = False) -> TariffElement:
        """`on_holidays`: the element stands among the prices of holidays."""
        components = tuple(PriceComponent.read(part) for part in source.objects("price_components"))
        restrictions = source.optional_object("restrictions")
        element = cls(
            price_components=components,
            restrictions=TariffRestrictions.read(restrictions) if restrictions else None,
            on_holidays=on_holidays,
            extra=source.rest(),
        )
        kinds = [part.type for part in components]
        for index, kind in enumerate(kinds):
            where = source.path.item("price_components", index).field("type")
            if kind in kinds[:index]:
                raise TariffError(where, f"{kind} is priced twice in one element; only one price can apply")
            if element.when.reservation and kind not in (Dimension.FLAT, Dimension.TIME):
                raise TariffError(where, f"a reservation has FLAT and TIME prices only, not {kind}")
        return element

    def to_ocpi(self) -> Json:
        return to_json(
            self.extra,
            price_components=[part.to_ocpi() for part in self.price_components],
            restrictions=None if self.restrictions is None else self.restrictions.to_ocpi(),
        )


@dataclass(frozen=True, slots=True)
class PriceLimit:
    before_taxes: Decimal
    after_taxes: Decimal | None = None
    extra: Json = field(default_factory=dict, hash=False)

    @classmethod
    def read(cls, source: Reader) -> PriceLimit:
        return cls(
            before_taxes=source.number("before_taxes", minimum=Decimal(0)),
            after_taxes=source.optional_number("after_taxes", minimum=Decimal(0)),
            extra=source.rest(),
        )

    def to_ocpi(self) -> Json:
        return to_json(self.extra, before_taxes=self.before_taxes, after_taxes=self.after_taxes)


def to_json(extra: Json, **fields: Any) -> Json:
    known = {name: _plain(value) for name, value in fields.items() if value is not None and value != ()}
    return known | extra


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            # 2 stays 2 and 2.0 stays 2.0: what was read is written back as it stood.
            return int(value) if value.as_tuple().exponent == 0 else float(value)
        case time():
            return value.strftime("%H:%M")
        case date():
            return value.isoformat()
        case StrEnum():
            return value.value
        case tuple():
            return [_plain(item) for item in value]
    return value
