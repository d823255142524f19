"""Slots that an operator books itself, for a card or for nobody in particular: firm at once, unpaid."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction

from bookings import actions
from bookings.models import Booking
from evportal.accounts.models import Operator, User
from stations.models import Evse, IdToken


@transaction.atomic
def book(
    *, evse: Evse, starts_at: datetime, ends_at: datetime, now: datetime, id_token: IdToken | None = None
) -> Booking:
    """A confirmed booking by the site's rules; raises `BookingRefused`.

    The token says whom the charger lets in, and whose booking it is if it has a driver.
    """
    driver = id_token.user if id_token is not None and id_token.user_id else None
    booking = actions.hold(
        evse=evse,
        user=driver or stand_in(evse.station.site.operator),
        starts_at=starts_at,
        ends_at=ends_at,
        now=now,
        id_token=id_token,
        by_operator=True,
    )
    return actions.confirm(booking=booking, now=now)


def stand_in(operator: Operator) -> User:
    """The account in whose name an operator books: it has no password, and no mail reaches it."""
    user, _is_new = User.objects.get_or_create(
        email=f"bookings@{operator.slug}.invalid",
        defaults={"name": operator.name, "is_active": False, "password": make_password(None)},
    )
    return user
