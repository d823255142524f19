"""The tariff object of OCPI 2.3.0 (mod_tariffs) as frozen values, read from and written to its JSON form.

A tariff that any party wrote is written back unchanged: fields we don't know, nulls and empty lists travel in
`extra`. Our own additions live under the key "evportal", so that other parties can ignore them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any

from billing.pricing.reading import Path, Reader, TariffError
from evportal.money import exponent

__all__ = [
    "Additions",
    "Day",
    "Dimension",
    "PriceComponent",
    "PriceLimit",
    "ReservationKind",
    "Tariff",
    "TariffElement",
    "TariffError",
    "TariffRestrictions",
    "TariffType",
    "TaxIncluded",
]

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
    def _read(cls, source: Reader) -> PriceComponent:
        return cls(
            type=source.choice("type", Dimension),
            price=source.number("price", minimum=Decimal(0)),
            vat=source.optional_number("vat", minimum=Decimal(0), maximum=Decimal(100)),
            step_size=source.whole("step_size", minimum=0),
            extra=source.rest(),
        )

    def to_ocpi(self) -> Json:
        return _json(self.extra, type=self.type, price=self.price, vat=self.vat, step_size=self.step_size)


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
    extra: Json = field(default_factory=dict, hash=False)

    @classmethod
    def _read(cls, source: Reader) -> TariffRestrictions:
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
        return _json(
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


@dataclass(frozen=True, slots=True)
class TariffElement:
    price_components: tuple[PriceComponent, ...]
    restrictions: TariffRestrictions | None = None
    extra: Json = field(default_factory=dict, hash=False)

    @property
    def when(self) -> TariffRestrictions:
        return self.restrictions or ALWAYS

    def component(self, dimension: Dimension) -> PriceComponent | None:
        return next((part for part in self.price_components if part.type == dimension), None)

    @classmethod
    def _read(cls, source: Reader) -> TariffElement:
        components = tuple(PriceComponent._read(part) for part in source.objects("price_components"))
        restrictions = source.optional_object("restrictions")
        element = cls(
            price_components=components,
            restrictions=TariffRestrictions._read(restrictions) if restrictions else None,
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
        return _json(
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
    def _read(cls, source: Reader) -> PriceLimit:
        return cls(
            before_taxes=source.number("before_taxes", minimum=Decimal(0)),
            after_taxes=source.optional_number("after_taxes", minimum=Decimal(0)),
            extra=source.rest(),
        )

    def to_ocpi(self) -> Json:
        return _json(self.extra, before_taxes=self.before_taxes, after_taxes=self.after_taxes)


@dataclass(frozen=True, slots=True)
class Additions:
    """What OCPI has no word for; written under "evportal", and only where it is used."""

    # Parking time that costs nothing: the first so many minutes of it in a session, taken together, so that
    # a car which tops itself up now and then neither loses the grace nor gets it anew.
    idle_grace_minutes: int | None = None
    # Neither charging nor parking time costs anything in the first so many minutes of the session.
    free_minutes: int | None = None
    extra: Json = field(default_factory=dict, hash=False)

    @classmethod
    def _read(cls, source: Reader) -> Additions:
        return cls(
            idle_grace_minutes=source.optional_whole("idle_grace_minutes", minimum=0),
            free_minutes=source.optional_whole("free_minutes", minimum=0),
            extra=source.rest(),
        )

    def to_ocpi(self) -> Json:
        return _json(
            self.extra,
            idle_grace_minutes=self.idle_grace_minutes,
            free_minutes=self.free_minutes,
        )


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices are before or after tax as `tax_included` says. Dates are kept as written; see `valid_from`."""

    id: str
    currency: str
    elements: tuple[TariffElement, ...]
    tax_included: TaxIncluded
    country_code: str | None = None
    party_id: str | None = None
    type: TariffType | None = None
    tariff_alt_text: tuple[Json, ...] = field(default=(), hash=False)
    tariff_alt_url: str | None = None
    min_price: PriceLimit | None = None
    max_price: PriceLimit | None = None
    start_date_time: str | None = None
    end_date_time: str | None = None
    last_updated: str | None = None
    additions: Additions | None = None
    extra: Json = field(default_factory=dict, hash=False)

    @classmethod
    def from_ocpi(cls, document: Mapping[str, Any]) -> Tariff:
        """Reads the JSON form; TariffError names the field that is missing or wrong."""
        source = Reader(document, Path())
        currency = source.text("currency")
        try:
            exponent(currency)
        except ValueError as error:
            raise TariffError(source.path.field("currency"), str(error).rstrip(".")) from None
        minimum, maximum = source.optional_object("min_price"), source.optional_object("max_price")
        additions = source.optional_object("evportal")
        return cls(
            id=source.text("id"),
            currency=currency,
            elements=tuple(TariffElement._read(part) for part in source.objects("elements")),
            tax_included=source.choice("tax_included", TaxIncluded),
            country_code=source.optional_text("country_code"),
            party_id=source.optional_text("party_id"),
            type=source.optional_choice("type", TariffType),
            tariff_alt_text=tuple(part.everything() for part in source.optional_objects("tariff_alt_text")),
            tariff_alt_url=source.optional_text("tariff_alt_url"),
            min_price=PriceLimit._read(minimum) if minimum else None,
            max_price=PriceLimit._read(maximum) if maximum else None,
            start_date_time=source.optional_moment("start_date_time"),
            end_date_time=source.optional_moment("end_date_time"),
            last_updated=source.optional_moment("last_updated"),
            additions=Additions._read(additions) if additions else None,
            extra=source.rest(),
        )

    def to_ocpi(self) -> Json:
        return _json(
            self.extra,
            country_code=self.country_code,
            party_id=self.party_id,
            id=self.id,
            currency=self.currency,
            type=self.type,
            tariff_alt_text=[dict(text) for text in self.tariff_alt_text] or None,
            tariff_alt_url=self.tariff_alt_url,
            min_price=None if self.min_price is None else self.min_price.to_ocpi(),
            max_price=None if self.max_price is None else self.max_price.to_ocpi(),
            elements=[element.to_ocpi() for element in self.elements],
            tax_included=self.tax_included,
            start_date_time=self.start_date_time,
            end_date_time=self.end_date_time,
            last_updated=self.last_updated,
            evportal=None if self.additions is None else self.additions.to_ocpi(),
        )

    @property
    def own(self) -> Additions:
        return self.additions or Additions()

    @property
    def valid_from(self) -> datetime | None:
        return _moment(self.start_date_time)

    @property
    def valid_until(self) -> datetime | None:
        return _moment(self.end_date_time)


def _moment(text: str | None) -> datetime | None:
    """OCPI's moments are UTC, with or without the Z."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _json(extra: Json, **fields: Any) -> Json:
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
