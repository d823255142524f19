"""The tariff object of OCPI 2.3.0 (mod_tariffs) as frozen values, read from and written to its JSON form.

A tariff that any party wrote is written back unchanged: fields we don't know, nulls and empty lists travel in
`extra`. Our own additions live under the key "evportal", so that other parties can ignore them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from billing.pricing.additions import Additions
from billing.pricing.elements import Json, PriceLimit, TariffElement, TariffType, TaxIncluded, to_json
from billing.pricing.reading import Path, Reader, TariffError
from evportal.money import exponent


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
            elements=tuple(TariffElement.read(part) for part in source.objects("elements")),
            tax_included=source.choice("tax_included", TaxIncluded),
            country_code=source.optional_text("country_code"),
            party_id=source.optional_text("party_id"),
            type=source.optional_choice("type", TariffType),
            tariff_alt_text=tuple(part.everything() for part in source.optional_objects("tariff_alt_text")),
            tariff_alt_url=source.optional_text("tariff_alt_url"),
            min_price=PriceLimit.read(minimum) if minimum else None,
            max_price=PriceLimit.read(maximum) if maximum else None,
            start_date_time=source.optional_moment("start_date_time"),
            end_date_time=source.optional_moment("end_date_time"),
            last_updated=source.optional_moment("last_updated"),
            additions=Additions.read(additions) if additions else None,
            extra=source.rest(),
        )

    def to_ocpi(self) -> Json:
        return to_json(
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
