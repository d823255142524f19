"""How sentences about prices are said in a language: by a catalogue of translations, with its numbers. Pure.

Without a catalogue they are said in English, which is also how bills keep them (`again` says those anew).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from gettext import NullTranslations
from typing import Protocol

from evportal.money import format_money, format_number, format_unit_price


class Catalogue(Protocol):
    """As the standard library's `gettext` has them."""

    def gettext(self, text: str, /) -> str: ...
    def ngettext(self, one: str, many: str, number: int, /) -> str: ...


@dataclass(frozen=True, slots=True)
class Speech:
    """Called with a sentence and what fills its gaps."""

    locale: str = "en"
    catalogue: Catalogue = NullTranslations()

    def __call__(self, text: str, **gaps: object) -> str:
        said = self.catalogue.gettext(text)
        return said % gaps if gaps else said

    def counted(self, forms: tuple[str, str], number: Decimal | int, **gaps: object) -> str:
        """In the singular or the plural; part of a minute is said like several."""
        return self.catalogue.ngettext(*forms, 1 if number == 1 else 2) % gaps

    def number(self, number: Decimal) -> str:
        return format_number(number, self.locale)

    def money(self, amount: Decimal, currency: str) -> str:
        return format_money(amount, currency, self.locale)

    def unit_price(self, price: Decimal, currency: str) -> str:
        return format_unit_price(price, currency, self.locale)

    def day(self, day: date) -> str:
        form = gettext_noop("%(year)s-%(month)s-%(day)s")
        return self(form, year=f"{day:%Y}", month=f"{day:%m}", day=f"{day:%d}")


def gettext_noop(text: str) -> str:
    """Marks a text for the catalogue."""
    return text


def ngettext(one: str, many: str) -> tuple[str, str]:
    """Marks a text in singular and plural."""
    return one, many


ENGLISH = Speech()


class Pattern:
    """A sentence with gaps, which can be found again in a text that was made of it."""

    def __init__(self, *sentences: str) -> None:
        #: One, or singular and plural.
        self.sentences = sentences
        self._found = [
            re.compile(re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>[0-9.-]+)", re.escape(sentence)))
            for sentence in sentences
        ]

    def say(self, _: Speech, **gaps: Decimal | date) -> str:
        shown = {
            name: _.day(value) if isinstance(value, date) else _.number(value) for name, value in gaps.items()
        }
        if len(self.sentences) == 1:
            return _(self.sentences[0], **shown)
        number = next(each for each in gaps.values() if isinstance(each, Decimal))
        return _.counted((self.sentences[0], self.sentences[1]), number, **shown)

    def again(self, text: str, _: Speech) -> str | None:
        for found in self._found:
            if match := found.fullmatch(text):
                return self.say(_, **{name: _value(part) for name, part in match.groupdict().items()})
        return None


def _value(text: str) -> Decimal | date:
    return date.fromisoformat(text) if text.count("-") == 2 else Decimal(text)


def again(text: str, patterns: Sequence[Pattern], _: Speech) -> str | None:
    """A text of one of these patterns, said anew; None where it is of none."""
    return next((said for each in patterns if (said := each.again(text, _)) is not None), None)
