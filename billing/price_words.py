"""Prices in the languages of the pages: billing/pricing's sentences, said by Django's catalogues."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils import translation

from billing.documents import words
from billing.pricing.speech import ENGLISH, Speech
from billing.pricing.words import conditions_again


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One language's, whatever the language of the page is."""

    locale: str

    def gettext(self, text: str) -> str:
        with translation.override(self.locale):
            return translation.gettext(text)

    def ngettext(self, one: str, many: str, number: int) -> str:
        with translation.override(self.locale):
            return translation.ngettext(one, many, number)


def speech(locale: str) -> Speech:
    """English for a language that the pages are not in: half a sentence would be in Django's own words."""
    language = locale.replace("_", "-").split("-")[0].lower()
    known = {code for code, _name in settings.LANGUAGES} - {"en"}
    return Speech(locale, Catalogue(language)) if language in known else ENGLISH


def of_lines(locale: str) -> Callable[[str], str]:
    """What says the text of a bill's line, which is kept in English, in another language."""
    say, spoken = words.tariff(locale), speech(locale)

    def text(description: str) -> str:
        word, bracket, rest = say(description).partition(" (")
        if not bracket or not rest.endswith(")"):
            return word + bracket + rest
        return f"{word} ({conditions_again(rest[:-1], spoken)})"

    return text
