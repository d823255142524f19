"""A guest's link: whoever has it may see, stop and keep the receipt of the one charge that it is for.

It is signed and dated, its key can't be guessed, and a new key ends it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.utils import timezone

from evportal.accounts.models import Guest, User, new_guest_key

_SALT = "evportal.accounts.guest"


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(sep=".", salt=_SALT)


def token(guest: Guest) -> str:
    """What stands in the link, good from now for `GUEST_LINK_DAYS`."""
    return _signer().sign(guest.key)


def of_token(said: str) -> Guest | None:
    """The guest whose link this is; None for one that was changed, has run out or was ended."""
    try:
        key = _signer().unsign(said, max_age=timedelta(days=settings.GUEST_LINK_DAYS))
    except signing.BadSignature:
        return None
    return Guest.objects.select_related("user").filter(key=key).first()


def end_links(*, guest: Guest) -> None:
    """Nobody who has a link of this guest is let in by it any more."""
    guest.key = new_guest_key()
    guest.save(update_fields=["key"])


def learn_address(*, user: User, email: str) -> bool:
    """Keep where a guest can be written to; true where it was not known before."""
    unknown = Guest.objects.filter(user=user, email="", erased_at=None)
    return bool(email) and unknown.update(email=email) == 1


def erase(*, guest: Guest, now: datetime | None = None) -> None:
    """Forget who they were."""
    guest.email, guest.erased_at = "", now or timezone.now()
    guest.save(update_fields=["email", "erased_at"])
