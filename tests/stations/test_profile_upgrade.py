"""Security profile 2 → 3 by the protocol alone, over real TLS: certificate, upgrade, and no way back."""

import asyncio
import ssl
import time
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from django.utils import timezone

from stations.certificates import issuing, local, roots
from stations.configuration import profiles
from stations.exceptions import Refused as PortalRefused
from stations.models import Certificate, ConfigurationRun, Event, Provisioning, RootKind, Station
from stations.tasks import sign_certificates
from tests import make
from tests.charger import Charger, Refused
from tests.stations.certificates import papers
from tests.stations.proxy import HEADER, Proxy, files, server_tls

PASSWORD = "charger-password-1"
VERSIONS = ["1.6", "2.0.1", "2.1"]
#: OpenSSL's X509_V_FLAG_NO_CHECK_TIME: a proxy that lets expired ones through leaves them to the portal.
NO_CHECK_TIME = 0x200000


@pytest.fixture(autouse=True)
def behind_a_proxy(settings):
    settings.TRUST_PROXY, settings.OCPP_CLIENT_CERT_HEADER = True, HEADER
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


@pytest.fixture
def station(transactional_db):
    return make.station(identity="CP-1", password=PASSWORD, security_profile=2)


@pytest.fixture
def own_key():
    return papers.key()


@pytest.fixture
def server():
    return papers.Issuer("Server root")


class Line:
    """How the chargers of a test reach the portal: through the proxy, and trusting its certificate."""

    def __init__(self, proxy: Proxy, server: papers.Issuer, folder, version: str):
        self._proxy, self._server, self._folder, self._version = proxy, server, folder, version

    @asynccontextmanager
    async def __call__(self, *, password: str | None = None, key=None, chain: str = ""):
        context = ssl.create_default_context(cadata=papers.pem(self._server.certificate))
        if key:
            path = files(self._folder, "client", key)
            path.write_text(path.read_text() + chain)
            context.load_cert_chain(path)
        charger = Charger(self._proxy.url, "CP-1", password, version=self._version, ssl=context)
        # TLS 1.3 tells a client that its certificate was refused only once it reads: then there is no answer.
        try:
            await charger.__aenter__()
        except EOFError as end:
            raise Refused(None, str(end)) from end
        try:
            yield charger
        finally:
            await charger.close()

    async def refusal(self, **how) -> int | None:
        """The HTTP status with which it is kept out; None where already the handshake fails."""
        with pytest.raises(Refused) as refused:
            async with self(**how):
                pass
        return refused.value.status


@pytest.fixture
def lines(door, server, tmp_path):
    """`async with lines(version) as line`; `lenient` is a proxy that doesn't look at a certificate's time."""

    # The portal's own, made when it is first needed.
    root = local.root_of("csms").certificate

    @asynccontextmanager
    async def open_one(version: str, *, also: str = "", lenient: bool = False):
        context = server_tls(tmp_path, server, root + also)
        if lenient:
            context.verify_flags |= NO_CHECK_TIME
        port = int(door.http.rpartition(":")[2])
        async with Proxy(port, context) as proxy:
            yield Line(proxy, server, tmp_path, version)

    return open_one


async def given_certificate(database, charger, key, version) -> str:
    """SignCertificate, and what CertificateSigned brings."""
    more = {} if version == "1.6" else {"certificateType": "ChargingStationCertificate"}
    if version == "2.1":
        more["requestId"] = 7
    reply = await charger.call("SignCertificate", {"csr": papers.csr("CP-1", own=key), **more})
    assert reply["status"] == "Accepted"
    await database(sign_certificates)
    signed = await charger.expect("CertificateSigned")
    await eventually(database, lambda: Certificate.objects.filter(status="installed").exists())
    return signed["certificateChain"]


async def eventually(database, question):
    until = time.monotonic() + 5
    while not (found := await database(question)):
        assert time.monotonic() < until, "it never came to that"
        await asyncio.sleep(0.02)
    return found


def raise_to(profile):
    return profiles.upgrade(station=Station.objects.get(identity="CP-1"), profile=profile)


def profile():
    return Station.objects.get(identity="CP-1").security_profile


async def is_told(database, charger, version) -> None:
    """The upgrade is set, in the version's words, and the charger takes it."""
    if version != "1.6":
        charger.on("SetVariables", _sets_all)
    await database(raise_to, 3)
    if version == "1.6":
        asked = await charger.expect("ChangeConfiguration")
        assert asked == {"key": "SecurityProfile", "value": "3"}
    else:
        data = (await charger.expect("SetNetworkProfile"))["connectionData"]
        assert (data["securityProfile"], data["ocppCsmsUrl"]) == (3, profiles.csms_url())
        await charger.expect("SetVariables")
        assert await charger.expect("Reset") == {"type": "OnIdle"}
    await eventually(database, lambda: ConfigurationRun.objects.filter(status="done").exists())


def _sets_all(asked):
    done = [
        {"component": each["component"], "variable": each["variable"], "attributeStatus": "Accepted"}
        for each in asked["setVariableData"]
    ]
    return {"setVariableResult": done}


def certificate_of(identity: str, key) -> str:
    """A certificate that the portal issued to that station."""
    row = issuing.request(
        station=Station.objects.get(identity=identity),
        csr=papers.csr(identity, own=key),
        received_at=timezone.now(),
    )
    assert issuing.sign(row.pk)
    row.refresh_from_db()
    return row.chain


@pytest.mark.parametrize("version", VERSIONS)
async def test_from_the_password_to_the_certificate(lines, database, station, own_key, version):
    async with lines(version) as line:
        async with line(password=PASSWORD) as charger:
            await charger.boot()
            chain = await given_certificate(database, charger, own_key, version)
            await is_told(database, charger, version)
        # Under way it may still come as before.
        async with line(password=PASSWORD):
            assert await database(profile) == 2
        async with line(key=own_key, chain=chain) as charger:
            assert (await charger.boot())["status"] == "Accepted"
            assert await database(profile) == 3
            assert await database(lambda: Provisioning.objects.get().next_security_profile) is None
        assert await line.refusal(password=PASSWORD) == 401
        assert await line.refusal() == 401
        # And the right password doesn't make a wrong certificate good.
        stranger = papers.key()
        other = papers.pem(papers.Issuer("Stranger").leaf("CP-1", own=stranger))
        assert await line.refusal(password=PASSWORD, key=stranger, chain=other) is None
        async with line(key=own_key, chain=chain):
            pass
    with pytest.raises(profiles.NotHigher):
        await database(raise_to, 2)


async def test_another_station_s_certificate(lines, database, station, own_key):
    await database(make.station, identity="CP-2", site=station.site)
    theirs = papers.key()
    chain = await database(certificate_of, "CP-2", theirs)
    async with lines("2.0.1") as line:
        async with line(password=PASSWORD) as charger:
            own = await given_certificate(database, charger, own_key, "2.0.1")
            await is_told(database, charger, "2.0.1")
        assert await line.refusal(key=theirs, chain=chain) == 401
        # With its password it may still come, but as before.
        async with line(password=PASSWORD, key=theirs, chain=chain):
            assert await database(profile) == 2
        async with line(key=own_key, chain=own):
            assert await database(profile) == 3
        assert await line.refusal(password=PASSWORD, key=theirs, chain=chain) == 401
    told = await database(lambda: list(Event.objects.filter(kind="security").values_list("text", flat=True)))
    assert told == ["Refused: its client certificate is another station's."]


async def test_an_expired_certificate(lines, database, station, own_key, settings):
    settings.OCPP_CERTIFICATE_DAYS = 0
    expired = papers.key()
    chain = await database(certificate_of, "CP-1", expired)
    settings.OCPP_CERTIFICATE_DAYS = 30
    async with lines("2.0.1", lenient=True) as line:
        async with line(password=PASSWORD) as charger:
            await given_certificate(database, charger, own_key, "2.0.1")
            await is_told(database, charger, "2.0.1")
        assert await line.refusal(key=expired, chain=chain) == 401
    async with lines("2.0.1") as line:
        assert await line.refusal(key=expired, chain=chain) is None
    assert await database(profile) == 2


async def test_a_revoked_certificate_does_not_raise_it(lines, database, station, own_key):
    async with lines("2.0.1") as line:
        async with line(password=PASSWORD) as charger:
            chain = await given_certificate(database, charger, own_key, "2.0.1")
            await is_told(database, charger, "2.0.1")
        await database(lambda: issuing.revoke(certificate=Certificate.objects.get(), reason="superseded"))
        assert await line.refusal(key=own_key, chain=chain) == 401
        async with line(password=PASSWORD):
            assert await database(profile) == 2


# What isn't ready for it is told so, and changes nothing.


async def test_a_charger_without_a_certificate_is_not_sent_away(lines, database, station):
    async with lines("1.6") as line, line(password=PASSWORD) as charger:
        with pytest.raises(profiles.NoCertificate):
            await database(raise_to, 3)
        # One that was refused, is out of time or is for cars doesn't count either.
        now = timezone.now()
        facts = {
            "not_before": now - timedelta(days=2),
            "not_after": now + timedelta(days=2),
            "status": "installed",
            "use": "ChargingStationCertificate",
        }
        for number, odd in enumerate(
            (
                {"status": "rejected"},
                {"not_after": now - timedelta(days=1)},
                {"use": "V2GCertificate"},
                {"revoked_at": now},
            )
        ):
            await database(
                Certificate.objects.create, station=station, fingerprint=f"{number}", **facts | odd
            )
            with pytest.raises(profiles.NoCertificate):
                await database(raise_to, 3)
        await asyncio.sleep(0.1)
        assert charger.received == []
    assert await database(lambda: ConfigurationRun.objects.count()) == 0
    assert await database(lambda: Provisioning.objects.exclude(next_security_profile=None).count()) == 0


async def test_nor_where_the_portal_is_not_told_of_certificates(lines, database, station, own_key, settings):
    async with lines("2.0.1") as line, line(password=PASSWORD) as charger:
        await given_certificate(database, charger, own_key, "2.0.1")
        settings.OCPP_CLIENT_CERT_HEADER = ""
        with pytest.raises(PortalRefused, match="OCPP_CLIENT_CERT_HEADER"):
            await database(raise_to, 3)
    assert await database(profile) == 2


async def test_with_a_certificate_of_the_maker_s(lines, database, station, own_key):
    """An authority that admits chargers gave it one: the portal needs none of its own."""
    maker = papers.Issuer("Maker")
    pem = papers.pem(maker.certificate)
    await database(
        lambda: roots.add(
            operator=station.site.operator,
            kind=RootKind.MANUFACTURER,
            name="Maker",
            certificate=pem,
            admits_stations=True,
        )
    )
    async with lines("2.0.1", also=pem) as line:
        async with line(password=PASSWORD) as charger:
            await is_told(database, charger, "2.0.1")
        chain = papers.pem(maker.leaf("CP-1", own=own_key))
        async with line(key=own_key, chain=chain):
            assert await database(profile) == 3
        assert await line.refusal(password=PASSWORD) == 401
