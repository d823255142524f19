"""Which price groups somebody is in: tariffs may have other prices for them (pricing/additions.py).

A source of groups is a function `source(users, operator, at) → {user id: names}`, asked for many drivers at
once; `at` is the start of the charge. Subscription plans are another source, with names of the form
"plan:<slug>", which no group that an operator makes can have:

    groups.register(plans_of)

A price that somebody was quoted, and a session that has begun, keep the groups that they began with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from django.db.models import Q

from billing.models import PriceGroupMember
from evportal.accounts.models import Operator, User

Source = Callable[[Sequence[User], Operator, datetime], Mapping[int, Iterable[str]]]
#: What an operator may name in its tariffs beside its own groups: (name, label) for each.
Names = Callable[[Operator], Iterable[tuple[str, str]]]

_sources: list[Source] = []
_names: list[Names] = []


def register(source: Source, names: Names | None = None) -> None:
    """Ask this source too. `names` lists what it may answer at an operator, for the tariff's editor."""
    _sources.append(source)
    if names is not None:
        _names.append(names)


def unregister(source: Source, names: Names | None = None) -> None:
    _sources.remove(source)
    if names is not None:
        _names.remove(names)


def of(user: User | None, operator: Operator, at: datetime) -> tuple[str, ...]:
    """The groups of one driver, sorted; nobody in particular is in none."""
    if user is None or not user.is_authenticated:
        return ()
    known = user.__dict__.setdefault("_price_groups", {})
    # Asked once a day of charging: a page of slots asks for hundreds of moments.
    key = (operator.pk, at.date())
    if key not in known:
        known[key] = _found([user], operator, at).get(user.pk, ())
    return known[key]


def remember(users: Iterable[User], operator: Operator, at: datetime) -> None:
    """Look all of them up at once, for `of`."""
    people = list(users)
    found = _found(people, operator, at)
    for user in people:
        user.__dict__.setdefault("_price_groups", {})[operator.pk, at.date()] = found.get(user.pk, ())


def choices(operator: Operator) -> list[tuple[str, str]]:
    """Every name that a tariff of this operator may have prices for, with a label for people."""
    own = [(group.key, group.name) for group in operator.price_groups.all()]
    return own + [pair for names in _names for pair in names(operator)]


def _found(users: Sequence[User], operator: Operator, at: datetime) -> dict[int, tuple[str, ...]]:
    names: dict[int, set[str]] = {}
    for source in _sources:
        for user_id, found in source(users, operator, at).items():
            names.setdefault(user_id, set()).update(found)
    return {user_id: tuple(sorted(found)) for user_id, found in names.items()}


def _members(users: Sequence[User], operator: Operator, at: datetime) -> dict[int, set[str]]:
    """The operator's own groups: drivers by themselves, and those of fleets."""
    ids = [user.pk for user in users]
    rows = PriceGroupMember.objects.filter(
        Q(user__in=ids) | Q(account__operator=operator, account__drivers__user__in=ids),
        group__operator=operator,
    ).values_list("user_id", "account__drivers__user_id", "group__key")
    found: dict[int, set[str]] = {}
    for user_id, driver_id, name in rows:
        found.setdefault(user_id or driver_id, set()).add(name)
    return found


register(_members)
