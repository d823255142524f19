"""Put the demo's network into the database; what is there already stays as it is."""

from __future__ import annotations

import json
import os
import secrets
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone

from billing.models import Plan, PlanVersion, Tariff, TariffAssignment, TariffVersion
from bookings.models import SiteRules
from evportal.accounts.models import Membership, Operator, User, Vehicle
from evportal.demo import books, history, network
from evportal.demo.customers import VISA
from monitoring.load.actions import GroupWish, MemberWish, Settings, configure
from monitoring.models import LoadSite
from stations.firmware import images
from stations.models import Connector, Evse, FirmwareImage, IdToken, Site, Station

FLEET, SIGN_INS = "chargers.json", "demo.json"
#: A tariff is in force from long before anybody charges.
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def seed(*, data: Path) -> None:
    """Operators, people, sites, chargers and tariffs; writes everybody's keys to `data`."""
    with transaction.atomic():
        fleets = _seed(data)
        history.seed(timezone.now())
    # A payment provider may only be asked outside of a transaction.
    if settings.STRIPE_API_BASE:
        books.seed(timezone.now())
        for fleet in fleets:
            books.give_card(fleet, VISA)


def _seed(data: Path) -> list[User]:
    operators = {each["slug"]: _operator(each) for each in network.OPERATORS}
    for _role, email, name, slug, role in network.PEOPLE:
        _person(email, name, operators.get(slug), role)
    _person(network.ADMIN[1], network.ADMIN[2], None, None, is_superuser=True, is_staff=True)
    fleets = _fleets(operators)
    _driver_things(operators)
    tariffs = {slug: _tariffs(operators[slug], named) for slug, named in network.TARIFFS.items()}
    for slug, offer in network.PLANS.items():
        _plan(operators[slug], *offer)
    passwords = _known_passwords(data)
    for place in network.PLACES:
        _place(place, operators[place.operator], tariffs[place.operator], passwords)
    _firmware(operators)
    _write(data / FLEET, _fleet(passwords))
    _write(data / SIGN_INS, sign_ins())
    return fleets


def sign_ins() -> dict:
    """What `make run` prints when everything is up."""
    url = settings.PUBLIC_URL
    control = os.environ.get("SIMULATOR_CONTROL_PORT", "8020")
    payments = settings.STRIPE_API_BASE
    addresses = [
        ["Drivers", f"{url}/"],
        ["Operators", f"{url}/ops/"],
        ["Accountants", f"{url}/fin/invoices/"],
        ["Admin", f"{url}/admin/"],
        ["API", f"{url}/api/v1/docs/"],
        ["Mail that was sent", f"{url}/demo/mail/"],
        ["The simulated cars", f"http://127.0.0.1:{control}/"],
    ]
    if payments:
        addresses.append(["The payment simulator", f"{payments}/"])
    people = [[role, email, network.PASSWORD] for role, email, *_rest in (*network.PEOPLE, network.ADMIN)]
    return {"addresses": addresses, "sign_ins": people}


def _operator(fields: dict) -> Operator:
    return Operator.objects.get_or_create(slug=fields["slug"], defaults=fields)[0]


def _person(email: str, name: str, operator: Operator | None, role: str | None, **flags) -> User:
    user = User.objects.filter(email=email).first()
    if user is None:
        flags.setdefault("is_staff", operator is not None)
        user = User.objects.create_user(email, network.PASSWORD, name=name, **flags)
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    if operator is not None:
        Membership.objects.get_or_create(user=user, operator=operator, role=role)
    return user


def _fleets(operators: dict[str, Operator]) -> list[User]:
    """Customers whose drivers come by with an RFID card and pay by the card on file."""
    fleets = []
    for slug, (email, name) in network.FLEETS.items():
        fleet = User.objects.filter(email=email).first() or User.objects.create_user(email, None, name=name)
        for number, token in enumerate(network.VISITOR_TOKENS[slug], start=1):
            IdToken.objects.get_or_create(
                operator=operators[slug],
                token=token,
                defaults={
                    "label": f"Fleet card {number}",
                    "user": fleet,
                    "on_local_list": True,
                    # Few cards stand for many passers-by.
                    "concurrent_allowed": True,
                },
            )
        fleets.append(fleet)
    return fleets


def _driver_things(operators: dict[str, Operator]) -> None:
    driver = User.objects.get(email=network.PEOPLE[0][1])
    Vehicle.objects.get_or_create(
        user=driver, name="Ioniq 5", defaults={"battery_kwh": Decimal("77.4"), "plate": "HH-EV 2026"}
    )
    IdToken.objects.get_or_create(
        operator=operators["nordlicht"],
        token="04DEADBEEF0001",
        defaults={"label": "Dana's card", "user": driver, "on_local_list": True},
    )


def _tariffs(operator: Operator, named: dict[str, dict]) -> dict[str, Tariff]:
    made = {}
    for name, ocpi in named.items():
        made[name] = Tariff.objects.get_or_create(operator=operator, name=name)[0]
        TariffVersion.objects.get_or_create(
            tariff=made[name], number=1, defaults={"valid_from": SINCE, "ocpi": ocpi}
        )
    return made


def _plan(operator: Operator, key: str, name: str, fee: str, vat: int, kwh: int, text: str) -> None:
    plan, _new = Plan.objects.get_or_create(operator=operator, key=key, defaults={"name": name, "text": text})
    PlanVersion.objects.get_or_create(
        plan=plan,
        number=1,
        defaults={
            "currency": operator.currency, "fee": Decimal(fee), "vat_percent": vat, "included_kwh": kwh
        },
    )  # fmt: skip


def _place(place: network.Place, operator: Operator, tariffs: dict[str, Tariff], passwords: dict) -> None:
    names = ("name", "street", "postcode", "city", "country", "latitude", "longitude", "time_zone")
    fields = {name: getattr(place, name) for name in (*names, "directions", "has_accessible_bay")}
    site, _new = Site.objects.get_or_create(slug=place.slug, defaults=fields | {"operator": operator})
    SiteRules.objects.get_or_create(site=site, defaults={"noshow_fee": Decimal("5.00")} | place.rules)
    for number, charger in enumerate(place.chargers, start=1):
        _charger(charger, site, number, tariffs[charger.tariff], passwords)
    if place.grid_a and not LoadSite.objects.filter(site=site).exists():
        _load(place, site)


def _load(place: network.Place, site: Site) -> None:
    """What its chargers share: the connection, and fuses below it."""
    groups = [GroupWish("Grid connection", (Decimal(place.grid_a),) * 3)]
    members = []
    for identity, amps in place.fuses.items():
        name = f"Fuse of {identity}"
        groups.append(GroupWish(name, (Decimal(amps),) * 3, "Grid connection"))
    evses = Evse.objects.filter(station__site=site).select_related("station__site")
    for evse in evses.prefetch_related("connectors"):
        fuse = f"Fuse of {evse.station.identity}"
        group = fuse if evse.station.identity in place.fuses else "Grid connection"
        members.append(MemberWish(evse, group, Decimal(6)))
    configure(site=site, settings=Settings(groups=groups, members=members))


def _charger(
    charger: network.Charger, site: Site, number: int, tariff: Tariff, passwords: dict[str, str]
) -> None:
    station = Station.objects.filter(identity=charger.identity).first()
    if station is None:
        station = Station(
            site=site, identity=charger.identity, name=charger.name, ocpp_version=charger.version
        )
    if not station.check_password(passwords[charger.identity]):
        station.set_password(passwords[charger.identity])
        station.save()
    for index, standard in enumerate(charger.connectors, start=1):
        evse, is_new = Evse.objects.get_or_create(
            station=station,
            number=index,
            defaults={
                "public_id": f"{site.country}*{site.operator.party_id}*E{site.pk:03d}{number:02d}*{index}",
                "max_power_w": charger.power_kw * 1000,
            },
        )
        if is_new:
            Connector.objects.create(evse=evse, standard=standard, **_plug(charger, standard))
            TariffAssignment.objects.create(tariff=tariff, site=site, evse=evse)


def _plug(charger: network.Charger, standard: str) -> dict:
    if standard == network.AC:
        return {
            "format": "SOCKET",
            "power_type": "AC_3_PHASE",
            "max_amperage": round(charger.power_kw / 0.69),
        }
    return {"format": "CABLE", "power_type": "DC", "max_voltage": 920, "max_amperage": 500}


def _firmware(operators: dict[str, Operator]) -> None:
    """A newer version for each maker's chargers; a simulated charger takes its name from the file's."""
    makers = {(place.operator, charger.vendor) for place in network.PLACES for charger in place.chargers}
    for slug, vendor in sorted(makers):
        if not FirmwareImage.objects.filter(operator=operators[slug], vendor=vendor).exists():
            images.add(
                operator=operators[slug],
                vendor=vendor,
                version="3.3.0",
                upload=SimpleUploadedFile("3.3.0.bin", f"{vendor} 3.3.0\n".encode() * 50_000),
                notes="For the demo's simulated chargers.",
            )


def _known_passwords(data: Path) -> dict[str, str]:
    """Each charger's password: the one from the last start, or a new random one."""
    try:
        stations = json.loads((data / FLEET).read_text())["stations"]
    except (OSError, ValueError, KeyError):
        stations = []
    known = {each["identity"]: each["password"] for each in stations}
    identities = [charger.identity for place in network.PLACES for charger in place.chargers]
    return {identity: known.get(identity) or secrets.token_urlsafe(15) for identity in identities}


def _fleet(passwords: dict[str, str]) -> dict:
    """The simulator's configuration (stations/simulator/config.py)."""
    stations = []
    for place in network.PLACES:
        for charger in place.chargers:
            station = {
                "identity": charger.identity,
                "password": passwords[charger.identity],
                "version": charger.version,
                "vendor": charger.vendor,
                "model": charger.model,
                "firmware": "3.2.1",
                "tempers": list(charger.tempers),
                "settings": {"sample_interval": settings.OCPP_METER_SECONDS},
                "signs": place.signs,
                "evses": [
                    {
                        "number": index,
                        "max_power_w": charger.power_kw * 1000,
                        "dc": charger.is_dc,
                        "connectors": [{"number": 1, "standard": standard}],
                    }
                    for index, standard in enumerate(charger.connectors, start=1)
                ],
            }
            if charger.visitors:
                station["visitors"] = {
                    "tokens": network.VISITOR_TOKENS[place.operator],
                    "arrivals_per_hour": charger.visitors,
                }
            stations.append(station)
    return {"stations": stations}


def _write(path: Path, content: dict) -> None:
    """Only its owner may read it: it holds keys."""
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(content, indent=1, ensure_ascii=False))
    fresh.replace(path)
