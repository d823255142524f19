"""Give a station an address for one file, and know it again when somebody comes with it."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from stations.models import FileTicket, FirmwareImage, FirmwareUpdate, LogRequest, Station

#: 1.6's security extension and 2.0.1 allow 512 characters for the whole address.
NAME_LENGTH = 100


def safe_name(text: str, otherwise: str = "file") -> str:
    """A file's name as it may stand in an address and in a header: no folders, no signs, no surprises."""
    last = re.split(r"[\\/]", text)[-1]
    clean = re.sub(r"[^A-Za-z0-9._-]+", "_", last).lstrip("._-")
    return clean[-NAME_LENGTH:] or otherwise


def for_firmware(
    *,
    image: FirmwareImage,
    station: Station,
    expires_at: datetime,
    update: FirmwareUpdate | None = None,
) -> str:
    """The address at which this station fetches this image; it may come back to resume."""
    token = _issue(image=image, station=station, update=update, expires_at=expires_at)
    return settings.PUBLIC_URL + reverse("stations:firmware_file", args=[token, quote(image.name)])


def for_upload(*, request: LogRequest, expires_at: datetime) -> str:
    """The address at which a station leaves this log: once, and once more for each retry it was granted."""
    token = _issue(
        log_request=request, station=request.station, expires_at=expires_at, most_uses=1 + request.retries
    )
    return f"{settings.PUBLIC_URL}/files/upload/{token}/"


def _issue(**fields) -> str:
    token = secrets.token_urlsafe(32)
    FileTicket.objects.create(token_hash=_hash(token), **fields)
    return token


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def find(token: str) -> FileTicket | None:
    """The ticket, if it is good at this moment."""
    return (
        FileTicket.objects.select_related("image", "log_request", "station__site")
        .filter(token_hash=_hash(token), expires_at__gt=timezone.now())
        .first()
    )


def use(ticket: FileTicket, address: str | None) -> bool:
    """Count one use; False where it has been used as often as it may be."""
    now = timezone.now()
    mine = FileTicket.objects.filter(pk=ticket.pk, expires_at__gt=now)
    if ticket.most_uses is not None:
        mine = mine.filter(uses__lt=ticket.most_uses)
    return bool(
        mine.update(
            uses=F("uses") + 1,
            first_used_at=Coalesce("first_used_at", now),
            last_used_at=now,
            last_address=address,
        )
    )


def add_bytes(ticket_id: int, count: int) -> None:
    FileTicket.objects.filter(pk=ticket_id).update(bytes_moved=F("bytes_moved") + count)
