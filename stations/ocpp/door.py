"""Who may open a charger's socket: decided before the upgrade, from the request alone."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from django.conf import settings
from django.db.models import F

from stations import events, quirks
from stations.certificates import entry
from stations.configuration import credentials, profiles
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
    raw_password: bytes
    subprotocols: tuple[str, ...]
    address: str | None
    is_tls: bool
    #: The client certificate in PEM, of a TLS handshake that proved its key.
    certificate: str = ""

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
    user, raw_password = _basic(headers.get(b"authorization", b""))
    forwarded = headers.get(b"x-forwarded-proto", b"").decode("latin-1")
    behind_proxy = bool(getattr(settings, "SECURE_PROXY_SSL_HEADER", None))
    return Knock(
        identity=identity,
        user=user,
        password=_printable(raw_password),
        raw_password=raw_password,
        subprotocols=tuple(scope.get("subprotocols") or ()),
        address=_address(scope),
        is_tls=scope.get("scheme") == "wss" or (behind_proxy and forwarded == "https"),
        certificate=_client_certificate(scope),
    )


def _client_certificate(scope: dict) -> str:
    """From the server's own TLS (ASGI's extension `tls`), or from the proxy that we were told to trust."""
    own = (scope.get("extensions") or {}).get("tls") or {}
    if own.get("client_cert_chain"):
        return own["client_cert_chain"][0]
    wanted = settings.OCPP_CLIENT_CERT_HEADER.lower().encode()
    if not settings.TRUST_PROXY or not wanted:
        return ""
    given = [value for name, value in scope["headers"] if name.lower() == wanted]
    # Two of them: one is not the proxy's.
    return _certificate_text(given[0].decode("latin-1")) if len(given) == 1 else ""


def _certificate_text(value: str) -> str:
    """RFC 9440's `:base64:`, or a PEM whose signs are escaped (nginx) or whose lines are joined."""
    value = value.strip()
    body = value.strip(":")
    if not (value.startswith(":") and value.endswith(":")):
        body = re.sub(r"-----[A-Z ]+-----", "", unquote(value))
    body = re.sub(r"\s+", "", body)
    if not body or not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", body):
        return ""
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"


def _address(scope: dict) -> str | None:
    """Behind a proxy it is what a header said, so it may be no address at all."""
    said = (scope.get("client") or [None])[0]
    try:
        return str(ipaddress.ip_address(said))
    except ValueError:
        return None


def _basic(header: bytes) -> tuple[str | None, bytes]:
    """(user, password); a password may be any bytes, because 1.6 keys are."""
    scheme, _space, value = header.partition(b" ")
    if scheme.lower() != b"basic":
        return None, b""
    try:
        user, _colon, password = base64.b64decode(value.strip(), validate=True).partition(b":")
        return user.decode(), password
    except (binascii.Error, UnicodeDecodeError):
        return None, b""


def _printable(password: bytes) -> str:
    try:
        return password.decode()
    except UnicodeDecodeError:
        return ""


NOBODY = Station()
NOBODY.set_password("nobody has this password")


def admit(knocks: list[Knock]) -> list[Station | None]:
    """For each the station whose socket this may be, or None; the outside never learns why not."""
    known = (
        Station.objects.order_by()
        .select_related("site", "provisioning")
        .in_bulk({knock.identity for knock in knocks}, field_name="identity")
    )
    admitted = [_admit(knock, known.get(knock.identity)) for knock in knocks]
    quirks.remember(station for station in admitted if station is not None)
    return admitted


def _admit(knock: Knock, station: Station | None) -> Station | None:
    if station is None:
        # As long as for a known one, so that the time it takes doesn't tell which identities there are.
        NOBODY.check_password(knock.password)
        remember(knock)
        return None
    password = _password(station, knock)
    upcoming = getattr(station, "provisioning", None)
    higher = upcoming.next_security_profile if upcoming else None
    if higher and not _refusal(higher, station, knock, password):
        profiles.reached(station=station, profile=higher)
    elif why := _refusal(station.security_profile, station, knock, password):
        log.warning("Station %s was refused: %s", station.pk, why)
        return None
    if password == "next":
        credentials.used(station=station)
    return station


def _password(station: Station, knock: Knock) -> str:
    """Which of the station's passwords this is: "current", "next", or empty for neither."""
    if knock.user is None or unquote(knock.user) != station.identity:
        return ""
    return credentials.check(station, knock.password, knock.raw_password)


def _refusal(profile: int, station: Station, knock: Knock, password: str) -> str:
    """Why this is no way in under that security profile; empty where it is one."""
    if profile == 0:
        return "" if settings.DEBUG else "security profile 0 is for development only"
    if not knock.is_tls and (profile >= 2 or not settings.OCPP_ALLOW_PLAIN):
        return "it came without TLS"
    if profile == 3:
        return entry.refusal(station, knock.certificate, datetime.now(UTC))
    if knock.user is None:
        return "it sent no password"
    return "" if password else "its user name or password is wrong"


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
