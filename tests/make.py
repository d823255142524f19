"""One of each, with everything a test doesn't care about filled in."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import count
from uuid import uuid4

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from bookings import actions
from bookings.models import Booking, SiteRules
from evportal.accounts.models import Membership, Operator, User
from stations.firmware import images
from stations.models import Connector, Evse, FirmwareImage, IdToken, LoggedMessage, Session, Site, Station

NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"

_numbers = count(1)


def number() -> int:
    return next(_numbers)


#: A good hash takes an eighth of a second by design, and thousands of tests want a person.
_hash_of = cache(make_password)


def user(*, email: str = "", password: str = PASSWORD, **fields) -> User:
    person = User.objects.create(
        email=email or f"driver{number()}@example.com", password=_hash_of(password), **fields
    )
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


def operator(**fields) -> Operator:
    n = number()
    defaults = {"slug": f"operator-{n}", "name": f"Operator {n}", "party_id": "ABC", "vat_id": "DE123456789"}
    return Operator.objects.create(**(defaults | fields))


def member(*, operator: Operator, role: str = "manager", sites=None, **fields) -> User:
    """Somebody who works for the operator; naming sites limits them to those."""
    person = user(email=f"{role}{number()}@example.com", is_staff=True, **fields)
    membership = Membership.objects.create(
        user=person, operator=operator, role=role, limited=sites is not None
    )
    membership.sites.set(sites or [])
    return person


def site(*, operator: Operator | None = None, **fields) -> Site:
    n = number()
    defaults = {
        "slug": f"site-{n}",
        "name": f"Site {n}",
        "street": "Hauptstraße 1",
        "postcode": "10115",
        "city": "Berlin",
        "latitude": Decimal("52.53"),
        "longitude": Decimal("13.38"),
    }
    return Site.objects.create(operator=operator or globals()["operator"](), **(defaults | fields))


def station(
    *, site: Site | None = None, identity: str = "", password: str = "charger-password-1", **fields
) -> Station:
    n = number()
    row = Station(
        site=site or globals()["site"](),
        name=fields.pop("name", f"Charger {n}"),
        identity=identity or f"CP-{n}",
        **fields,
    )
    row.set_password(password)
    row.save()
    return row


def evse(
    *, station: Station | None = None, number: int = 1, standard: str = "IEC_62196_T2", **fields
) -> Evse:
    n = globals()["number"]()
    fields.setdefault("public_id", f"DE*ABC*E{n:05d}*{number}")
    row = Evse.objects.create(station=station or globals()["station"](), number=number, **fields)
    Connector.objects.create(evse=row, number=1, standard=standard)
    return row


def id_token(*, operator: Operator, token: str = "", user: User | None = None, **fields) -> IdToken:
    return IdToken.objects.create(
        operator=operator, token=token or f"RFID{number():08d}", user=user, **fields
    )


def session(
    *,
    evse: Evse | None = None,
    user: User | None = None,
    started_at: datetime = NOON,
    minutes: int | None = None,
    energy_wh: int = 0,
    **fields,
) -> Session:
    """An open session, or with `minutes` one that ended after so long."""
    evse = evse or globals()["evse"]()
    n = number()
    stopped_at = None if minutes is None else started_at + timedelta(minutes=minutes)
    defaults = {
        "transaction_id": str(n),
        "start_key": f"test:{n}",
        "start_received_at": started_at,
        "stopped_at": stopped_at,
        "stop_received_at": stopped_at,
        "meter_start_wh": Decimal(1000),
        "meter_stop_wh": Decimal(1000 + energy_wh) if stopped_at else None,
        "energy_wh": Decimal(energy_wh),
    }
    return Session.objects.create(
        station=evse.station, evse=evse, user=user, started_at=started_at, **(defaults | fields)
    )


def site_rules(*, site: Site, **fields) -> SiteRules:
    return SiteRules.objects.create(site=site, **fields)


def booking(
    *,
    evse: Evse | None = None,
    user: User | None = None,
    starts_at: datetime = NOON,
    minutes: int = 30,
    now: datetime | None = None,
    confirmed: bool = True,
) -> Booking:
    """A booking made as drivers make them, an hour before it starts unless told: confirmed, or only held."""
    now = now or starts_at - timedelta(hours=1)
    held = actions.hold(
        evse=evse or globals()["evse"](),
        user=user or globals()["user"](),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes),
        now=now,
    )
    return actions.confirm(booking=held, now=now) if confirmed else held


def firmware_image(
    *,
    operator: Operator | None = None,
    version: str = "2.0.0",
    content: bytes = b"firmware " * 1000,
    name: str = "",
    vendor: str = "Vendor",
    **fields,
) -> FirmwareImage:
    """An image taken in as a file, or with `url` one that lies elsewhere."""
    upload = None if "url" in fields else SimpleUploadedFile(name or f"{version}.bin", content)
    return images.add(
        operator=operator or globals()["operator"](),
        vendor=vendor,
        version=version,
        upload=upload,
        **fields,
    )


def logged(*, station: Station | None = None, at: datetime | None = None, **fields) -> LoggedMessage:
    """A call of a charger in the message log; its reply has the same `connection` and `message_id`."""
    message_id = fields.setdefault("message_id", str(uuid4()))
    action = fields.setdefault("action", "Heartbeat")
    defaults = {
        "id": uuid4(),
        "connection": uuid4(),
        "from_station": True,
        "kind": "call",
        "version": "1.6",
        "frame": json.dumps([2, message_id, action, {}]),
    }
    return LoggedMessage.objects.create(
        station=station or globals()["station"](), at=at or timezone.now(), **(defaults | fields)
    )
