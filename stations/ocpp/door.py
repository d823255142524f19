"""Who may open a charger's socket: decided before the upgrade, from the request alone."""

from __future__ import annotations

import base64
import binascii
import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from django.conf import settings
from django.db.models import F

from stations import events, quirks
from stations.models import Event, PendingStation, Station
from stations.ocpp import versions

log = logging.getLogger(__name__)

PREFIX = "/ocpp/"
MAX_IDENTITY = 48
MAX_PENDING = 1000


@dataclass(frozen=True)
class Knock:
    """A request for a charger's socket."""

    identity: str
    user: str | None
    password: str
    subprotocols: tuple[str, ...]
    address: str | None
    is_tls: bool

    def subprotocol(self, station: Station) -> str | None:
        """The first that the station offers and we speak: it lists them by its own preference.

        One that offers none at all is taken as what its quirks say, where an operator said so.
        """
        spoken = next((each for each in self.subprotocols if each in versions.SUBPROTOCOLS), None)
        return spoken or (None if self.subprotocols else station.quirks_known.fallback or None)


def read(scope: dict) -> Knock | None:
    """The request, or None where the address can't be a station's."""
    raw = scope.get("raw_path")
    path = unquote(raw.decode("latin-1").split("?")[0]) if raw else scope["path"]
    identity = path.replace("//", "/").removeprefix(PREFIX).strip("/")
    if (
        not path.replace("//", "/").startswith(PREFIX)
        or not 0 < len(identity) <= MAX_IDENTITY
        or "\x00" in identity
    ):
        return None
    headers = dict(scope["headers"])
    user, password = _basic(headers.get(b"authorization", b""))
    forwarded = headers.get(b"x-forwarded-proto", b"").decode("latin-1")
    behind_proxy = bool(getattr(settings, "SECURE_PROXY_SSL_HEADER", None))
    return Knock(
        identity=identity,
        user=user,
        password=password,
        subprotocols=tuple(scope.get("subprotocols") or ()),
        address=(scope.get("client") or [None])[0],
        is_tls=scope.get("scheme") == "wss" or (behind_proxy and forwarded == "https"),
    )


def _basic(header: bytes) -> tuple[str | None, str]:
    scheme, _space, value = header.partition(b" ")
    if scheme.lower() != b"basic":
        return None, ""
    try:
        decoded = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None, ""
    user, _colon, password = decoded.partition(":")
    return user, password


def admit(knock: Knock) -> Station | None:
    """The station whose socket this may be, or None; the answer to the outside never says why not."""
    station = Station.objects.select_related("site").filter(identity=knock.identity).first()
    if station is None:
        remember(knock)
        return None
    why = _refusal(station, knock)
    if why:
        log.warning("Station %s was refused: %s", station.pk, why)
        return None
    return quirks.remember(station)


def _refusal(station: Station, knock: Knock) -> str:
    if station.security_profile == 0:
        return "" if settings.DEBUG else "security profile 0 is for development only"
    if not knock.is_tls and (station.security_profile >= 2 or not settings.OCPP_ALLOW_PLAIN):
        return "it came without TLS"
    if knock.user is None:
        return "it sent no password"
    if unquote(knock.user) != station.identity or not station.check_password(knock.password):
        return "its user name or password is wrong"
    return ""


def remember(knock: Knock) -> None:
    """List an unknown station for operators to adopt; the list can't be flooded from outside."""
    now = datetime.now(UTC)
    seen = PendingStation.objects.filter(identity=knock.identity).update(
        last_seen_at=now,
        attempts=F("attempts") + 1,
        address=knock.address,
        subprotocols=",".join(knock.subprotocols)[:200],
    )
    if not seen and PendingStation.objects.count() < MAX_PENDING:
        PendingStation.objects.get_or_create(
            identity=knock.identity,
            defaults={
                "address": knock.address,
                "subprotocols": ",".join(knock.subprotocols)[:200],
                "first_seen_at": now,
                "last_seen_at": now,
            },
        )


#: A station that knocks in vain every few seconds is told of once in so long.
TELL_EVERY = timedelta(hours=1)


def tell_no_version(station: Station, knock: Knock) -> None:
    """The operator must see why a charger with the right password does not come in."""
    now = datetime.now(UTC)
    told = Event.objects.filter(station=station, code="NoCommonVersion", received_at__gte=now - TELL_EVERY)
    if told.exists():
        return
    offered = ", ".join(knock.subprotocols)[:200] or "none at all"
    spoken = ", ".join(versions.SUBPROTOCOLS)
    events.record(
        [
            Event(
                station=station,
                kind=Event.Kind.PROTOCOL,
                code="NoCommonVersion",
                severity=4,
                at=now,
                received_at=now,
                text=f"Refused: it offers {offered} as WebSocket subprotocol; we speak {spoken}.",
            )
        ]
    )


class Tarpit:
    """Guessing gets slower with every miss from an address; the right key is never kept waiting."""

    LONGEST = 5.0
    FORGET_AFTER = 300

    def __init__(self):
        self._misses: dict[str, tuple[int, datetime]] = defaultdict(lambda: (0, datetime.now(UTC)))

    def miss(self, address: str | None) -> float:
        """Count a miss; returns the seconds to wait before saying so."""
        now = datetime.now(UTC)
        if len(self._misses) > 10_000:
            self._misses.clear()
        count, last = self._misses[address or ""]
        if (now - last).total_seconds() > self.FORGET_AFTER:
            count = 0
        self._misses[address or ""] = (count + 1, now)
        return min(0.05 * 2 ** min(count, 10), self.LONGEST) if count else 0.0
