"""The kinds of news there are; each app names its own when it is loaded.

A page lists them for people to choose from, and `actions.notify` asks here what holds without a choice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def everybody(user) -> bool:
    return True


@dataclass(frozen=True)
class Topic:
    """`always_mailed`: what is told of money or of an appointment can't be turned off, only added to."""

    name: str
    #: Lazily translated words for the page.
    label: object
    always_mailed: bool = False
    is_on: bool = True
    #: Whether the topic is any of this person's business (alerts are for operators' people).
    concerns: Callable[[object], bool] = everybody


_known: dict[str, Topic] = {}


def register(*topics: Topic) -> None:
    _known.update((topic.name, topic) for topic in topics)


def get(name: str) -> Topic:
    return _known[name]


def of(user) -> list[Topic]:
    """In the order in which they were named."""
    return [topic for topic in _known.values() if topic.concerns(user)]
