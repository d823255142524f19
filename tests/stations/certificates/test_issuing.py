"""A station asks for a certificate, gets it, and takes it: over the socket, in each version."""

import asyncio

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.db import connection
from django.utils import timezone

from stations.certificates import issuing, local
from stations.certificates.authority import CannotSign
from stations.models import Authority, Certificate, Command, Event
from tests import make
from tests.charger import Charger
from tests.stations.certificates import papers

VERSIONS = ["1.6", "2.0.1", "2.1"]
PASSWORD = "charger-password-1"


@pytest.fixture
def station(transactional_db):
    site = make.site(operator=make.operator(name="Acme Power", legal_name="Acme Power Ltd"))
    return make.station(site=site, identity="CP-1", password=PASSWORD)


async def ask(charger, own, **more):
    return await charger.call("SignCertificate", {"csr": papers.csr(own=own), **more})


async def until(database, query, timeout=5):
    for _i in range(timeout * 20):
        if await database(query.exists):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(await database(lambda: list(query.model.objects.values())))


@pytest.mark.parametrize("version", VERSIONS)
async def test_asked_signed_sent_and_taken(door, station, database, version):
    own = papers.key()
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        await charger.boot()
        assert await ask(charger, own) == {"status": "Accepted"}
        assert await database(issuing.sign_due, timezone.now()) == 1
        sent = await charger.expect("CertificateSigned", 10)
        await until(database, Certificate.objects.filter(status="installed"))
    leaf, issuer = x509.load_pem_x509_certificates(sent["certificateChain"].encode())
    assert set(sent) == {"certificateChain"}
    assert leaf.public_key() == own.public_key()
    leaf.verify_directly_issued_by(issuer)
    names = {each.oid: each.value for each in leaf.subject}
    assert names == {NameOID.COMMON_NAME: "CP-1", NameOID.ORGANIZATION_NAME: "Acme Power Ltd"}
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    row = await database(Certificate.objects.get)
    assert (row.serial_number, row.not_after) == (f"{leaf.serial_number:x}", leaf.not_valid_after_utc)
    assert await database(Event.objects.filter(code="CertificateInstalled", station=station).count) == 1


async def test_a_later_version_names_its_use_and_its_request(door, station, database):
    async with Charger(door.url, "CP-1", PASSWORD, version="2.1") as charger:
        await charger.boot()
        await ask(charger, papers.key(), certificateType="V2GCertificate", requestId=7)
        await database(issuing.sign_due, timezone.now())
        sent = await charger.expect("CertificateSigned", 10)
    assert (sent["certificateType"], sent["requestId"]) == ("V2GCertificate", 7)
    leaf, issuer = x509.load_pem_x509_certificates(sent["certificateChain"].encode())
    assert issuer.subject == local.load_certificate(await database(local.issuer_of, "v2g")).subject
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


async def test_a_rejection_is_an_event_with_its_reason(door, station, database):
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        info = {"reasonCode": "InvalidCertificate", "additionalInfo": "I do not like it"}
        charger.on("CertificateSigned", {"status": "Rejected", "statusInfo": info})
        await charger.boot()
        await ask(charger, papers.key())
        await database(issuing.sign_due, timezone.now())
        await until(database, Certificate.objects.filter(status="rejected", problem="I do not like it"))
    event = await database(Event.objects.get, code="CertificateRejected")
    assert event.severity == 4 and event.text == "I do not like it"


async def test_a_charger_that_left_gets_it_when_it_is_back(door, station, database):
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        await charger.boot()
        await ask(charger, papers.key())
    await until(database, station._meta.model.objects.filter(connection=None))
    await database(issuing.sign_due, timezone.now())
    assert (await database(Command.objects.get)).status == "queued"
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        await charger.boot()
        await charger.expect("CertificateSigned", 10)
        await until(database, Certificate.objects.filter(status="installed"))


BAD = {
    "no request at all": "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
    "not even PEM": "x\x00y",
    "another's name": papers.csr("CP-2"),
    "no name": papers.csr("", "Acme Power"),
    "another organisation": papers.csr("CP-1", "Mallory Power"),
    "weak curve": papers.csr(own=papers.key(ec.SECP192R1())),
    "short RSA key": papers.csr(own=rsa.generate_private_key(65537, 1024)),
}


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@pytest.mark.parametrize("csr", BAD.values(), ids=BAD)
async def test_a_bad_request_is_rejected_and_told(door, station, database, version, csr):
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        await charger.boot()
        for _i in range(3):
            answer = await charger.call("SignCertificate", {"csr": csr})
    assert answer["status"] == "Rejected"
    if version != "1.6":
        assert answer["statusInfo"]["reasonCode"] == "InvalidCSR"
    row = await database(Certificate.objects.get)
    assert row.status == "refused" and row.problem
    event = await database(Event.objects.get)
    assert (event.code, event.text) == ("SignCertificateRefused", row.problem)
    assert await database(issuing.sign_due, timezone.now()) == 0


async def test_a_request_signed_by_another_key_is_rejected(door, station, database):
    forged = x509.load_pem_x509_csr(papers.csr().encode()).public_bytes(papers.Encoding.DER)
    broken = forged[:-1] + bytes([forged[-1] ^ 1])
    import base64

    text = base64.encodebytes(broken).decode()
    pem = f"-----BEGIN CERTIFICATE REQUEST-----\n{text}-----END CERTIFICATE REQUEST-----\n"
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.boot()
        assert (await charger.call("SignCertificate", {"csr": pem}))["status"] == "Rejected"


@pytest.mark.parametrize("common", ["SN-0815", "sn-0815", "cp-1"])
async def test_the_serial_number_of_the_boot_is_a_name_of_its_own(door, station, database, common):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.boot(chargePointSerialNumber="SN-0815")
        csr = papers.csr(common, "acme power")
        assert (await charger.call("SignCertificate", {"csr": csr}))["status"] == "Accepted"


async def test_asking_again_replaces_and_asking_for_ever_ends(door, station, database):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.boot()
        for _i in range(3):
            await ask(charger, papers.key())
        assert await database(Certificate.objects.count) == 1
        for _i in range(issuing.MOST_A_DAY):
            await database(Certificate.objects.filter(status="requested").update, status="sent")
            answer = await ask(charger, papers.key())
        assert answer["status"] == "Rejected"


@pytest.mark.django_db
def test_an_answer_whose_news_were_lost_is_heeded_by_the_sweep():
    from stations.tasks import sign_certificates

    station = make.station(identity="CP-1")
    row = issuing.request(station=station, csr=papers.csr(), received_at=timezone.now())
    sign_certificates()
    for seconds, status in [(5, "sent"), (31, "installed")]:
        answered_at = timezone.now() - timezone.timedelta(seconds=seconds)
        answer = {"status": "answered", "response": {"status": "Accepted"}, "answered_at": answered_at}
        Command.objects.update(**answer)
        sign_certificates()
        row.refresh_from_db()
        assert row.status == status


class Slow:
    """An authority that fails twice, then refuses."""

    calls = 0

    def sign(self, request):
        Slow.calls += 1
        if Slow.calls < 3:
            raise OSError("no route to the authority")
        raise CannotSign("The contract with the authority has ended.")

    def revoke(self, certificate, reason):
        raise AssertionError

    def roots(self, use):
        return []


@pytest.mark.django_db
def test_another_authority_is_asked_again_until_it_refuses(settings):
    settings.OCPP_CA = f"{__name__}.Slow"
    station = make.station(identity="CP-1")
    row = issuing.request(station=station, csr=papers.csr(), received_at=timezone.now())
    for attempt in range(1, 4):
        Certificate.objects.update(try_at=timezone.now())
        assert issuing.sign_due(timezone.now()) == 0
        row.refresh_from_db()
        assert (row.status == "refused") == (attempt == 3)
    assert row.problem == "The contract with the authority has ended." and Slow.calls == 3
    assert not Authority.objects.exists()


class Careless(Slow):
    def sign(self, request):
        return [papers.Issuer().leaf("CP-1")]


@pytest.mark.django_db
def test_a_certificate_for_another_key_is_not_passed_on(settings):
    settings.OCPP_CA = f"{__name__}.Careless"
    row = issuing.request(station=make.station(identity="CP-1"), csr=papers.csr(), received_at=timezone.now())
    issuing.sign_due(timezone.now())
    row.refresh_from_db()
    assert row.status == "refused" and "another key" in row.problem and not Command.objects.exists()


@pytest.mark.django_db
def test_the_keys_are_encrypted_with_the_secret_key(settings):
    row = local.issuer_of("csms")
    certificate, own = local.load(row)
    assert own.public_key() == certificate.public_key()
    with connection.cursor() as cursor:
        cursor.execute("SELECT private_key FROM stations_authority")
        assert all("PRIVATE KEY" not in text and text.startswith("gAAAA") for (text,) in cursor.fetchall())
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another secret key of at least 32 characters"
    with pytest.raises(RuntimeError, match="another SECRET_KEY"):
        local.load(row)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert local.load(row)[1].public_key() == certificate.public_key()


@pytest.mark.django_db
def test_the_authority_is_made_once_and_is_a_chain():
    root, issuer = local.root_of("csms"), local.issuer_of("csms")
    assert (local.root_of("csms"), local.issuer_of("csms")) == (root, issuer)
    certificate = local.load_certificate(issuer)
    certificate.verify_directly_issued_by(local.load_certificate(root))
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
