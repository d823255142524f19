"""Who gets a charger's socket, and who does not (RELIABILITY §2, rows 1 to 5)."""

import asyncio
import base64
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from django.test import Client
from django.utils import timezone

from stations.certificates import issuing
from stations.models import (
    Certificate,
    Command,
    Event,
    Message,
    PendingStation,
    RootCertificate,
    Station,
)
from stations.ocpp import door as doors
from stations.ocpp import limits
from tests import make
from tests.charger import Charger, Refused
from tests.stations.certificates import papers

PASSWORD, HEADER = "charger-password-1", "X-Client-Cert"


@pytest.fixture(autouse=True)
def proxied(settings):
    settings.TRUST_PROXY, settings.OCPP_CLIENT_CERT_HEADER = True, HEADER
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


TLS = {"X-Forwarded-Proto": "https"}


@pytest.mark.parametrize("profile", [0, 1, 2, 3])
@pytest.mark.parametrize(
    "credentials",
    [
        {},
        basic("CP-1", "wrong"),
        basic("CP-1", ""),
        basic("CP-2", "charger-password-2"),
        basic("", PASSWORD),
        {"Authorization": "Basic !!!"},
        {"Authorization": "Bearer " + PASSWORD},
        {HEADER: "nonsense"},
        {HEADER: quote(papers.pem(papers.Issuer().leaf("CP-1")))},
    ],
    ids=[
        "none",
        "wrong",
        "empty",
        "another's",
        "no user",
        "no base64",
        "bearer",
        "no certificate",
        "self-made",
    ],
)
@pytest.mark.parametrize("tls", [{}, TLS], ids=["plain", "tls"])
async def test_nobody_comes_in_without_the_right_credentials(door, database, profile, credentials, tls):
    def build():
        make.station(identity="CP-1", password=PASSWORD, security_profile=profile)
        make.station(identity="CP-2", password="charger-password-2")

    await database(build)
    with pytest.raises(Refused) as refused:
        async with Charger(door.url, "CP-1", headers=credentials | tls):
            pass
    assert refused.value.status == 401 and refused.value.body == "Unauthorized\n"
    assert await database(Message.objects.count) == 0
    assert not await database(Station.objects.exclude(connection=None).exists)


async def test_a_station_of_profile_2_is_not_let_in_without_tls(door, database):
    await database(make.station, identity="CP-1", password=PASSWORD, security_profile=2)
    with pytest.raises(Refused):
        async with Charger(door.url, "CP-1", PASSWORD):
            pass
    async with Charger(door.url, "CP-1", PASSWORD, headers=TLS) as charger:
        assert (await charger.boot())["status"] == "Accepted"


# Profile 3


def issue(station, common="") -> Certificate:
    now = timezone.now()
    row = issuing.request(station=station, csr=papers.csr(common or station.identity), received_at=now)
    assert issuing.sign(row.pk), row.problem
    row.refresh_from_db()
    return row


def leaf_of(row):
    return papers.x509.load_pem_x509_certificate(row.chain.encode())


def nginx(certificate) -> dict:
    return TLS | {HEADER: quote(papers.pem(certificate))}


def rfc9440(certificate) -> dict:
    der = certificate.public_bytes(Encoding.DER)
    return TLS | {HEADER: f":{base64.b64encode(der).decode()}:"}


@pytest.mark.parametrize("spelled", [nginx, rfc9440])
async def test_mutual_tls(door, database, spelled):
    station = await database(make.station, identity="CP-1", password=PASSWORD, security_profile=3)
    headers = spelled(leaf_of(await database(issue, station)))
    async with Charger(door.url, "CP-1", headers=headers) as charger:
        assert (await charger.boot())["status"] == "Accepted"
    with pytest.raises(Refused):
        async with Charger(door.url, "CP-1", PASSWORD, headers=TLS):
            pass
    plain = {name: value for name, value in headers.items() if name == HEADER}
    with pytest.raises(Refused):
        async with Charger(door.url, "CP-1", headers=plain):
            pass


async def test_the_header_of_nobody_we_trust_is_worth_nothing(door, database, settings):
    station = await database(make.station, identity="CP-1", security_profile=3)
    headers = nginx(leaf_of(await database(issue, station)))
    settings.TRUST_PROXY = False
    with pytest.raises(Refused):
        async with Charger(door.url, "CP-1", headers=headers):
            pass


async def test_another_stations_certificate(door, database):
    await database(make.station, identity="CP-1", security_profile=3)
    other = await database(make.station, identity="CP-2", security_profile=3)
    headers = nginx(leaf_of(await database(issue, other)))
    for _i in range(3):
        with pytest.raises(Refused):
            async with Charger(door.url, "CP-1", headers=headers):
                pass
    event = await database(Event.objects.get)
    assert event.code == "InvalidChargingStationCertificate" and "another station's" in event.text


async def test_a_revoked_certificate_is_thrown_out_and_kept_out(door, database):
    station = await database(make.station, identity="CP-1", security_profile=3)
    row = await database(issue, station)
    headers = nginx(leaf_of(row))
    async with Charger(door.url, "CP-1", headers=headers) as charger:
        await charger.boot()
        await database(issuing.revoke, certificate=row, reason="keyCompromise")
        await charger.closed()
    with pytest.raises(Refused):
        async with Charger(door.url, "CP-1", headers=headers):
            pass


def test_an_expired_certificate(transactional_db):
    import time_machine

    station = make.station(identity="CP-1", security_profile=3)
    row = issue(station)
    knock = knocked(certificate=papers.pem(leaf_of(row)))
    assert admitted(knock) == station
    with time_machine.travel(row.not_after + timezone.timedelta(seconds=1)):
        assert admitted(knock) is None


def admitted(knock):
    return doors.admit([knock])[0]


def knocked(**more):
    fields = {"identity": "CP-1", "user": None, "password": "", "raw_password": b"", "subprotocols": ()}
    fields["address"] = "192.0.2.1"
    return doors.Knock(**(fields | {"is_tls": True} | more))


@pytest.mark.parametrize(
    ("admits", "common", "fits"), [(True, "CP-1", True), (False, "CP-1", False), (True, "CP-2", False)]
)
def test_a_certificate_of_an_authority_that_the_operator_trusts(transactional_db, admits, common, fits):
    station = make.station(identity="CP-1", security_profile=3)
    maker = papers.Issuer("Maker")
    RootCertificate.objects.create(
        operator=station.site.operator,
        kind="ManufacturerRootCertificate",
        name="Maker",
        certificate=papers.pem(maker.certificate),
        fingerprint="1",
        not_after=timezone.now(),
        admits_stations=admits,
    )
    assert bool(admitted(knocked(certificate=papers.pem(maker.leaf(common))))) == fits
    # The same name from somebody who only calls himself so.
    assert admitted(knocked(certificate=papers.pem(papers.Issuer("Maker").leaf(common)))) is None


def test_another_operators_authority_admits_nobody_here(transactional_db):
    make.station(identity="CP-1", security_profile=3)
    maker = papers.Issuer("Maker")
    RootCertificate.objects.create(
        operator=make.operator(),
        kind="ManufacturerRootCertificate",
        name="Maker",
        certificate=papers.pem(maker.certificate),
        fingerprint="1",
        not_after=timezone.now(),
        admits_stations=True,
    )
    assert admitted(knocked(certificate=papers.pem(maker.leaf("CP-1")))) is None


NONSENSE = ["", "::", ":!:", "%", "-----BEGIN CERTIFICATE-----", "\x00", "a" * 100_000]


@pytest.mark.parametrize("value", NONSENSE)
def test_a_header_that_is_no_certificate(transactional_db, value):
    make.station(identity="CP-1", security_profile=3)
    scope = {
        "path": "/ocpp/CP-1",
        "headers": [(HEADER.lower().encode(), value.encode()), (b"x-forwarded-proto", b"https")],
    }
    assert admitted(doors.read(scope)) is None


def test_two_headers_are_none(transactional_db):
    station = make.station(identity="CP-1", security_profile=3)
    good = quote(papers.pem(leaf_of(issue(station)))).encode()
    name = HEADER.lower().encode()
    for headers, fits in [([good], True), ([good, good], False), ([b"", good], False)]:
        scope = {
            "path": "/ocpp/CP-1",
            "headers": [(b"x-forwarded-proto", b"https"), *((name, value) for value in headers)],
        }
        assert bool(admitted(doors.read(scope))) == fits


# Guessing


async def test_thousands_of_guesses_and_the_charger_comes_in(door, database, monkeypatch):
    """All of them from the charger's own address and for its own identity, before it ever came."""
    monkeypatch.setattr(limits.Limits, "LONGEST", 0.2)
    await database(make.station, identity="CP-1", password=PASSWORD)
    tried, stop = 0, asyncio.Event()

    async def guess():
        nonlocal tried
        while not stop.is_set():
            with pytest.raises(Refused) as refused:
                async with Charger(door.url, "CP-1", f"guess-{tried}", timeout=60):
                    pass
            assert refused.value.status == 401
            tried += 1

    guessing = [asyncio.create_task(guess()) for _i in range(100)]
    async with asyncio.timeout(150):
        while tried < 2000:
            await asyncio.sleep(0.5)
            async with Charger(door.url, "CP-1", PASSWORD, timeout=10) as charger:
                await charger.boot()
    stop.set()
    await asyncio.gather(*guessing)
    assert await database(Message.objects.exclude(action="BootNotification").count) == 0


async def test_guesses_get_slower_by_address_and_by_identity(monkeypatch):
    waits = []

    async def sleep(seconds):
        waits.append(round(seconds, 2))

    monkeypatch.setattr(limits.asyncio, "sleep", sleep)
    limit = limits.Limits()
    for n in range(4):
        await limit.wrong(knocked(address="192.0.2.1", identity=f"CP-{n}"))
    assert waits == [0.1, 0.2, 0.4]
    waits.clear()
    for n in range(4):
        await limit.wrong(knocked(address=f"198.51.100.{n}", identity="CP-X"))
    assert waits == [0.1, 0.2, 0.4]
    waits.clear()
    for n in range(3):
        await limit.wrong(knocked(address=f"2001:db8::{n}", identity=f"CQ-{n}"))
    assert waits == [0.1, 0.2]


async def test_a_key_that_was_right_goes_past_the_queue():
    limit, knock = limits.Limits(), knocked(password=PASSWORD)
    await limit.wrong(knocked(password="wrong"))
    for _i in range(limit.SUSPECTS_AT_A_TIME):
        await limit.lane(knocked(password="wrong")).__aenter__()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), limit.lane(knock):
            pass
    limit.right(knock)
    async with asyncio.timeout(0.05), limit.lane(knock):
        pass


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(limits, "MOST", 10)
    misses, comings = limits.Misses(), limits.Comings()
    for n in range(1000):
        misses.add(str(n), 0.0)
        comings.is_flapping(n)
    assert len(misses._counts) == len(comings._times) == 10


# Session shadowing


async def test_an_attacker_with_a_wrong_key_gets_no_commands(door, database):
    from stations import commands

    station = await database(make.station, identity="CP-1", password=PASSWORD)
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.boot()
        for password in ("wrong", None):
            with pytest.raises(Refused):
                async with Charger(door.url, "CP-1", password):
                    pass
        await database(station.refresh_from_db)
        sent = await database(commands.reset, station=station)
        assert await charger.expect("Reset")
        while not (await database(Command.objects.get, pk=sent.pk)).is_final:
            await asyncio.sleep(0.02)
        assert (await database(Command.objects.get)).status == "answered"
    assert await database(PendingStation.objects.count) == 0


async def test_a_take_over_is_fenced_by_the_connections_id(door, database):
    """The old socket's close, however late, does not make the station offline; the new one gets the calls."""
    from stations import commands

    station = await database(make.station, identity="CP-1", password=PASSWORD)
    async with Charger(door.url, "CP-1", PASSWORD) as old, Charger(door.url, "CP-1", PASSWORD) as new:
        await new.boot()
        await old.closed()
        await asyncio.sleep(0.2)
        await database(station.refresh_from_db)
        assert station.is_online
        await database(commands.reset, station=station)
        assert await new.expect("Reset") and not old._requests


async def test_a_flapping_station_and_one_that_moves_are_told(door, database):
    station = await database(make.station, identity="CP-1", password=PASSWORD)
    for n in range(limits.Comings.TIMES + 3):
        if n == 2:
            await database(Station.objects.update, address="192.0.2.7")
        async with Charger(door.url, "CP-1", PASSWORD):
            pass
    events = await database(lambda: {row.code: row for row in Event.objects.all()})
    assert set(events) == {"AddressChanged", "ConnectionFlapping"}
    assert await database(Event.objects.count) == 2
    assert events["AddressChanged"].text == "From 192.0.2.7 to 127.0.0.1."
    assert events["ConnectionFlapping"].station_id == station.pk


@pytest.mark.django_db
def test_no_public_page_knows_an_identity():
    """The public EVSE id is printed on the charger; the identity is between it and us."""
    site = make.site(is_public=True)
    driver = make.user()
    station = make.station(site=site, identity="Sesame-4711", name="Post 1")
    evse = make.evse(station=station)
    session = make.session(evse=evse, user=driver)
    urls = ["/", f"/s/{site.slug}/", f"/s/{site.slug}/book/", f"/c/{evse.public_id}/", f"/x/{session.link}/"]
    apis = ["evses", "availability", "sessions", "sites", "stations", "reservations", "bookings"]
    urls += ["/api/v1/schema/", *(f"/api/v1/{name}/?site={site.slug}" for name in apis)]
    assert "sesame" not in evse.public_id.lower()
    for person in (None, driver):
        client = Client()
        if person:
            client.force_login(person)
        seen = 0
        for url in urls:
            response = client.get(url)
            seen += response.status_code == 200
            assert "sesame" not in response.content.decode().lower(), url
        assert seen >= 4
