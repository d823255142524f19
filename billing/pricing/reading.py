"""Reads fields of a JSON object one by one, and says which one is wrong and how."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

E = TypeVar("E", bound=StrEnum)

# A tariff with more than this is a mistake or an attack; real ones have a few dozen elements at most.
_LONGEST_LIST = 1000
_LARGEST_NUMBER = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class Path:
    """Where in the document: elements[0].price_components[1].step_size."""

    text: str = ""

    def field(self, name: str) -> Path:
        return Path(f"{self.text}.{name}" if self.text else name)

    def item(self, name: str, index: int) -> Path:
        return Path(f"{self.field(name).text}[{index}]")


class TariffError(ValueError):
    """This tariff can't be read: `path` names the field, the message says what is wrong with it."""

    def __init__(self, path: Path | str, problem: str) -> None:
        self.path = path.text if isinstance(path, Path) else path
        self.problem = problem
        super().__init__(f"{self.path or 'tariff'}: {problem}.")


class Reader:
    """One JSON object. What nobody asked for, and what is null or empty, is left for `rest`."""

    def __init__(self, source: Any, path: Path) -> None:
        if not isinstance(source, Mapping):
            raise TariffError(path, "an object is wanted here")
        self._left = {str(name): value for name, value in source.items()}
        self.path = path

    def rest(self) -> dict[str, Any]:
        return copy.deepcopy(self._left)

    everything = rest

    def _take(self, name: str) -> Any:
        # Null and [] mean the same as absent, but are kept so that they are written back.
        value = self._left.get(name)
        if value is not None and value != []:
            del self._left[name]
            return value
        return None

    def _fail(self, name: str, problem: str) -> TariffError:
        return TariffError(self.path.field(name), problem)

    def _wanted(self, name: str, value: Any) -> Any:
        if value is None:
            raise self._fail(name, "this field is missing")
        return value

    def text(self, name: str) -> str:
        return str(self._wanted(name, self.optional_text(name)))

    def optional_text(self, name: str) -> str | None:
        value = self._take(name)
        if value is not None and (not isinstance(value, str) or not value):
            raise self._fail(name, "some text is wanted here")
        return value

    def number(self, name: str, *, minimum: Decimal) -> Decimal:
        value: Decimal = self._wanted(name, self.optional_number(name, minimum=minimum))
        return value

    def optional_number(
        self, name: str, *, minimum: Decimal, maximum: Decimal = _LARGEST_NUMBER
    ) -> Decimal | None:
        value = self._take(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise self._fail(name, "a number is wanted here")
        # A float's shortest writing is what the JSON said: 0.45, not 0.450000000000000011.
        number = Decimal(str(value))
        if not number.is_finite():
            raise self._fail(name, "a number is wanted here")
        if not minimum <= number <= maximum:
            raise self._fail(name, f"{value} is not between {minimum} and {maximum}")
        return number

    def whole(self, name: str, *, minimum: int) -> int:
        value: int = self._wanted(name, self.optional_whole(name, minimum=minimum))
        return value

    def optional_whole(self, name: str, *, minimum: int) -> int | None:
        number = self.optional_number(name, minimum=Decimal(minimum))
        if number is None:
            return None
        if number != number.to_integral_value():
            raise self._fail(name, f"{number} is not a whole number")
        return int(number)

    def choice(self, name: str, kind: type[E]) -> E:
        value: E = self._wanted(name, self.optional_choice(name, kind))
        return value

    def optional_choice(self, name: str, kind: type[E]) -> E | None:
        value = self._take(name)
        return None if value is None else self._pick(name, value, kind)

    def choices(self, name: str, kind: type[E]) -> tuple[E, ...]:
        return tuple(self._pick(name, value, kind) for value in self._list(name))

    def _pick(self, name: str, value: Any, kind: type[E]) -> E:
        try:
            return kind(value)
        except ValueError:
            known = ", ".join(kind)
            raise self._fail(name, f"{value!r} is not one of {known}") from None

    def flag(self, name: str) -> bool:
        """False where it isn't given; what says false is written back."""
        if self._left.get(name) is not True:
            if self._left.get(name) not in (None, False):
                raise self._fail(name, "true or false is wanted here")
            return False
        return bool(self._take(name))

    def optional_time(self, name: str) -> time | None:
        value = self.optional_text(name)
        if value is None:
            return None
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value, re.ASCII):
            raise self._fail(name, f"{value!r} is not a time of day like 08:30")
        return time.fromisoformat(value)

    def optional_date(self, name: str) -> date | None:
        value = self.optional_text(name)
        return None if value is None else self._date(name, value)

    def dates(self, name: str) -> tuple[date, ...]:
        return tuple(self._date(name, value) for value in self._list(name))

    def _date(self, name: str, value: Any) -> date:
        try:
            if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise self._fail(name, f"{value!r} is not a date like 2026-12-24")

    def optional_moment(self, name: str) -> str | None:
        value = self.optional_text(name)
        if value is not None:
            try:
                datetime.fromisoformat(value)
            except ValueError:
                raise self._fail(name, f"{value!r} is not a moment like 2026-12-24T18:00:00Z") from None
        return value

    def optional_object(self, name: str) -> Reader | None:
        value = self._take(name)
        return None if value is None else Reader(value, self.path.field(name))

    def objects(self, name: str) -> Iterator[Reader]:
        if self._left.get(name) in (None, []):
            raise self._fail(name, "at least one is wanted here")
        return self.optional_objects(name)

    def optional_objects(self, name: str) -> Iterator[Reader]:
        for index, value in enumerate(self._list(name)):
            yield Reader(value, self.path.item(name, index))

    def _list(self, name: str) -> list[Any]:
        value = self._take(name)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            raise self._fail(name, "a list is wanted here")
        if len(value) > _LONGEST_LIST:
            raise self._fail(name, f"a list of {len(value)} is too long")
        return list(value)
