"""Who stands before us: a signed-in driver, or guests whom this browser has charged as.

A guest is remembered with the visitor's session, by the key that their link is made of: a new key ends both.
"""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.db.models import Q

from evportal.accounts.models import Guest, User

KEY = "guests"
#: A family's cars at one site; older ones are found by their links.
MOST = 6


def remember(request, guest: Guest) -> None:
    kept = [[pk, key] for pk, key in request.session.get(KEY, []) if pk != guest.user_id]
    request.session[KEY] = [*kept, [guest.user_id, guest.key]][-MOST:]


def guests_of(request) -> list[User]:
    """The guests that this browser may speak for, the latest last."""
    kept = request.session.get(KEY, [])
    if not kept:
        return []
    known = reduce(or_, (Q(user=pk, key=key) for pk, key in kept))
    return [guest.user for guest in Guest.objects.filter(known).select_related("user").order_by("user")]


def drivers(request) -> list[User]:
    """Everybody whose starts and sessions these are: the signed-in driver, and guests."""
    own = [request.user] if request.user.is_authenticated else []
    return [*own, *guests_of(request)]


def is_own(request, user_id: int | None) -> bool:
    """Whether what belongs to this user is the visitor's own."""
    if user_id is None:
        return False
    if request.user.is_authenticated and request.user.pk == user_id:
        return True
    return any(user.pk == user_id for user in guests_of(request))
