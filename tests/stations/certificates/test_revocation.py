"""Whether a certificate is still good: what chargers are told over the socket, and whom the portal asks."""

import base64
import contextlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as wire
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from stations.certificates import emaid, fetching, issuing, local
from stations.certificates.contracts import Given, NoContract
from stations.certificates.hashes import HashData, hash_data
from stations.models import Certificate, RootCertificate
from tests import make
from tests.charger import Charger
from tests.stations.certificates import papers
from tests.stations.certificates.responder import Responder

PASSWORD = "charger-password-1"
CONTRACT = "DE8AACA2B3C4D5"


@pytest.fixture
def station(transactional_db):
    cache.clear()
    row = make.station(identity="CP-1", password=PASSWORD)
    make.evse(station=row)
    return row


@pytest.fixture
def operators_root(station):
    """A mobility operator's root, which the operator of the station trusts."""
    issuer = papers.Issuer("MO root")
    RootCertificate.objects.create(
        operator=station.site.operator,
        kind="MORootCertificate",
        name="MO",
        certificate=papers.pem(issuer.certificate),
        fingerprint=issuer.certificate.fingerprint(hashes.SHA256()).hex(),
        not_after=issuer.certificate.not_valid_after_utc,
    )
    return issuer


@pytest.fixture
def responder(operators_root, settings):
    server = Responder(operators_root)
    settings.OCSP_ALLOWED_HOSTS = [server.host]
    yield server
    server.close()


def ask_for(certificate, issuer, url, algorithm="SHA256"):
    return hash_data(certificate, issuer, algorithm).wire() | {"responderURL": url}


async def status(charger, data):
    return await charger.call("GetCertificateStatus", {"ocspRequestData": data}, timeout=10)


def ours(station):
    row = issuing.request(station=station, csr=papers.csr("CP-1"), received_at=timezone.now())
    assert issuing.sign(row.pk)
    row.refresh_from_db()
    leaf, issuer = x509.load_pem_x509_certificates(row.chain.encode())
    return row, leaf, issuer


def single(result):
    answer = wire.load_der_ocsp_response(base64.b64decode(result["ocspResult"]))
    return answer, next(iter(answer.responses))


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_of_our_own_we_know_ourselves(door, station, database, version, algorithm):
    row, leaf, issuer = await database(ours, station)
    data = ask_for(leaf, issuer, "http://nowhere.invalid/", algorithm)
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        await charger.boot()
        answer, about = single(await status(charger, data))
        assert about.certificate_status == wire.OCSPCertStatus.GOOD
        assert about.serial_number == leaf.serial_number
        issuer.public_key().verify(
            answer.signature, answer.tbs_response_bytes, papers.ec.ECDSA(hashes.SHA256())
        )
        await database(issuing.revoke, certificate=row, reason="keyCompromise")
        _answer, about = single(await status(charger, data))
        assert about.certificate_status == wire.OCSPCertStatus.REVOKED
        assert about.revocation_reason == x509.ReasonFlags.key_compromise
        _answer, about = single(await status(charger, data | {"serialNumber": "abc"}))
        assert about.certificate_status == wire.OCSPCertStatus.UNKNOWN


async def test_others_are_asked_once_until_the_next_update(door, operators_root, responder):
    leaf = operators_root.leaf(CONTRACT)
    data = ask_for(leaf, operators_root.certificate, responder.url)
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        await charger.boot()
        for _i in range(3):
            answer = await status(charger, data)
            assert answer["status"] == "Accepted"
            assert single(answer)[1].certificate_status == wire.OCSPCertStatus.GOOD
        assert responder.asked == 1
        responder.revoked.add(leaf.serial_number)
        cache.clear()
        assert single(await status(charger, data))[1].certificate_status == wire.OCSPCertStatus.REVOKED


def redirects(server):
    server.status, server.location = 302, f"http://{server.host}/elsewhere"


def garbage(server):
    server.garbage = b"<html>Welcome to the hotel</html>"


def bomb(server):
    server.garbage = b"x" * (fetching.MAX_BYTES + 1)


def stale(server):
    server.next_update = -papers.timedelta(hours=1)


def fails(server):
    server.status = 500


@pytest.mark.parametrize("spoil", [redirects, garbage, bomb, stale, fails])
async def test_an_answer_that_is_none_is_a_failure(door, operators_root, responder, spoil):
    spoil(responder)
    data = ask_for(operators_root.leaf(CONTRACT), operators_root.certificate, responder.url)
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        await charger.boot()
        answer = await status(charger, data)
    assert answer["status"] == "Failed" and answer["statusInfo"]["additionalInfo"]
    assert "ocspResult" not in answer
    assert responder.asked == 1


async def test_a_slow_responder_holds_up_neither_the_socket_nor_others(
    door, operators_root, responder, monkeypatch
):
    monkeypatch.setattr(fetching, "SECONDS", 1.0)
    responder.delay = 3
    data = ask_for(operators_root.leaf(CONTRACT), operators_root.certificate, responder.url)
    import asyncio

    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        await charger.boot()
        asked = [asyncio.create_task(status(charger, data)) for _i in range(3)]
        await asyncio.sleep(0.1)
        await charger.call("Heartbeat", {})
        assert not any(task.done() for task in asked)
        assert {(await task)["status"] for task in asked} == {"Failed"}
        assert responder.most == 3


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f.1:{port}/",
        "http://0.0.0.0:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://[fd00::1]/",
        "http://[fe80::1%25lo]/",
        "http://[64:ff9b::7f00:1]/",
        "http://user:secret@127.0.0.1:{port}/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
        "http://",
        "http://[",
        "nonsense",
    ],
)
async def test_nobody_inside_is_asked(door, operators_root, responder, settings, url):
    settings.OCSP_ALLOWED_HOSTS = []
    port = responder.host.split(":")[1]
    data = ask_for(operators_root.leaf(CONTRACT), operators_root.certificate, url.format(port=port))
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        await charger.boot()
        assert (await status(charger, data))["status"] == "Failed"
    assert responder.asked == 0


async def test_a_name_is_resolved_once_and_every_address_must_be_public(monkeypatch, settings):
    asked = []

    def resolve(host, port):
        asked.append(host)
        return ["93.184.216.34", "127.0.0.1"] if len(asked) == 1 else ["127.0.0.1"]

    monkeypatch.setattr(fetching, "_resolve", resolve)
    with pytest.raises(fetching.Unreachable, match="network"):
        await fetching.fetch("http://rebind.example/")
    assert asked == ["rebind.example"]


async def test_the_connection_goes_to_the_address_that_was_checked(responder, monkeypatch, settings):
    """…while the server is told the name, for which its certificate would have to be."""
    host, port = responder.host.split(":")
    settings.OCSP_ALLOWED_HOSTS = ["ocsp.example"]
    monkeypatch.setattr(fetching, "_resolve", lambda name, port: [host])
    assert await fetching.fetch(f"http://ocsp.example:{port}/crl")
    assert responder.asked == 1


# 2.1: our word for it


async def chain_status(charger, *asked):
    payload = {
        "certificateStatusRequests": [
            {"certificateHashData": data.wire(), "source": source, "urls": urls}
            for data, source, urls in asked
        ]
    }
    found = (await charger.call("GetCertificateChainStatus", payload, timeout=15))["certificateStatus"]
    return [each["status"] for each in found]


async def test_chain_status(door, operators_root, responder):
    good, revoked = operators_root.leaf("A"), operators_root.leaf("B")
    responder.revoked.add(revoked.serial_number)
    stranger = papers.Issuer("Stranger")
    name = lambda leaf, by=operators_root: hash_data(leaf, by.certificate)  # noqa: E731
    dead = "http://127.0.0.1:1/"
    async with Charger(door.url, "CP-1", PASSWORD, version="2.1") as charger:
        await charger.boot()
        for source in ("OCSP", "CRL"):
            assert await chain_status(
                charger,
                (name(good), source, [dead, responder.url]),
                (name(revoked), source, [responder.url]),
                (name(stranger.leaf("C"), stranger), source, [responder.url]),
                (name(good), source, [dead]),
            ) == ["Good", "Revoked", "Failed", "Failed"]
        asked = responder.asked
        responder.pose_as(papers.Issuer("MO root"))
        cache.clear()
        assert await chain_status(
            charger, (name(good), "OCSP", [responder.url]), (name(good), "CRL", [responder.url])
        ) == ["Failed", "Failed"]
        assert responder.asked == asked + 2


# Plug & Charge


async def authorize(charger, token=CONTRACT, **more):
    payload = {"idToken": {"idToken": token, "type": "eMAID"}, **more}
    answer = await charger.call("Authorize", payload, timeout=15)
    return answer["idTokenInfo"]["status"], answer.get("certificateStatus")


@pytest.fixture
def contract(station):
    return make.id_token(operator=station.site.operator, token="DE-8AA-CA2B3C4D5-L", type="eMAID")


async def test_a_contract_by_its_hashes(door, operators_root, responder, contract, database):
    leaf = operators_root.leaf(CONTRACT)
    data = [ask_for(leaf, operators_root.certificate, responder.url)]
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        await charger.boot()
        assert await authorize(charger, iso15118CertificateHashData=data) == ("Accepted", "Accepted")
        assert await authorize(charger) == ("Accepted", None)
        unknown = await authorize(charger, "DE8AACXXXXXXXX", iso15118CertificateHashData=data)
        assert unknown == ("Invalid", "ContractCancelled")
        await database(type(contract).objects.update, status="blocked")
        blocked = await authorize(charger, iso15118CertificateHashData=data)
        assert blocked == ("Blocked", "ContractCancelled")
        await database(type(contract).objects.update, status="accepted")
        responder.revoked.add(leaf.serial_number)
        cache.clear()
        assert await authorize(charger, iso15118CertificateHashData=data) == ("Invalid", "CertificateRevoked")
        responder.pose_as(papers.Issuer("MO root"))
        cache.clear()
        assert await authorize(charger, iso15118CertificateHashData=data) == ("Invalid", "SignatureError")
        other = papers.Issuer("Another root")
        data = [ask_for(other.leaf(CONTRACT), other.certificate, responder.url)]
        assert await authorize(charger, iso15118CertificateHashData=data) == ("Invalid", "CertChainError")
        responder.status = 503
        data = [ask_for(operators_root.leaf("X"), operators_root.certificate, responder.url)]
        nobody = await authorize(charger, iso15118CertificateHashData=data)
        assert nobody == ("Invalid", "NoCertificateAvailable")


async def test_a_contract_by_its_certificate(door, operators_root, responder, contract):
    below = papers.Issuer("MO sub", above=operators_root)
    good = below.leaf(CONTRACT + "L", responder=responder.url)
    responder.issuer, responder.key = below, below.key
    cases = {
        papers.pem(good, below.certificate): ("Accepted", "Accepted"),
        papers.pem(good, below.certificate, operators_root.certificate): ("Accepted", "Accepted"),
        papers.pem(good): ("Invalid", "CertChainError"),
        papers.pem(below.leaf("DE8AACOTHERS01"), below.certificate): ("Invalid", "CertChainError"),
        papers.pem(below.leaf(CONTRACT, days=-1, since_days=9), below.certificate): (
            "Invalid",
            "CertificateExpired",
        ),
        papers.pem(papers.Issuer("MO root").leaf(CONTRACT)): ("Invalid", "CertChainError"),
        "no certificate": ("Invalid", "CertChainError"),
    }
    async with Charger(door.url, "CP-1", PASSWORD, version="2.1") as charger:
        await charger.boot()
        for pem, expected in cases.items():
            assert await authorize(charger, certificate=pem) == expected, pem
        responder.revoked.add(good.serial_number)
        cache.clear()
        answer = await authorize(charger, certificate=papers.pem(good, below.certificate))
        assert answer == ("Invalid", "CertificateRevoked")


async def test_a_leaf_can_not_pose_as_an_issuer(door, operators_root, responder, contract):
    """Whoever holds any certificate below a trusted root could else vouch for itself."""
    own = papers.key()
    posing = operators_root.leaf("Mallory", own=own)
    mallory = papers.Issuer("x")
    mallory.key, mallory.certificate = own, posing
    responder.issuer, responder.key, responder.appointed = mallory, own, posing
    data = [ask_for(mallory.leaf(CONTRACT), posing, responder.url)]
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        await charger.boot()
        assert await authorize(charger, iso15118CertificateHashData=data) == ("Invalid", "CertChainError")


@pytest.mark.parametrize("spelled", [CONTRACT, CONTRACT.lower(), CONTRACT + "L", "DE-8AA-CA2B3C4D5-L"])
async def test_a_contract_starts_however_it_is_spelled(door, contract, spelled):
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        await charger.boot()
        assert await authorize(charger, spelled) == ("Accepted", None)
        assert (await charger.start(spelled, idToken={"idToken": spelled, "type": "eMAID"}))["idTokenInfo"][
            "status"
        ] == "Accepted"


class Pool:
    """A provider of contract certificates, for the interface's sake."""

    asked: list = []

    async def ev_certificate(self, station, wanted):
        Pool.asked.append((station.identity, wanted))
        if wanted.exi_request == "none":
            raise NoContract("No contract for this car.")
        if wanted.exi_request == "broken":
            raise OSError
        return Given("x" * (7501 if wanted.exi_request == "long" else 10), remaining=2)


async def test_contract_certificates_come_from_a_provider(door, station, settings):
    ask = {"iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": "Install", "exiRequest": "a"}
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        await charger.boot()
        answer = await charger.call("Get15118EVCertificate", ask)
        assert answer["status"] == "Failed" and "no provider" in answer["statusInfo"]["additionalInfo"]
        settings.OCPP_CONTRACTS = f"{__name__}.Pool"
        assert await charger.call("Get15118EVCertificate", ask) == {
            "status": "Accepted",
            "exiResponse": "x" * 10,
        }
        for text, words in [("none", "No contract"), ("broken", "failed"), ("long", "too long")]:
            answer = await charger.call("Get15118EVCertificate", ask | {"exiRequest": text})
            assert (answer["status"], answer["exiResponse"]) == ("Failed", "")
            assert words in answer["statusInfo"]["additionalInfo"]
    async with Charger(door.url, "CP-1", PASSWORD, version="2.1") as charger:
        await charger.boot()
        more = {"maximumContractCertificateChains": 3, "prioritizedEMAIDs": [CONTRACT]}
        assert (await charger.call("Get15118EVCertificate", ask | more))["remainingContracts"] == 2
    identity, wanted = Pool.asked[-1]
    assert (identity, wanted.most_chains, wanted.preferred) == ("CP-1", 3, (CONTRACT,))


# The public responder and the list


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["post", "get"])
def test_anybody_may_ask_about_ours(method):
    row, leaf, issuer = ours(make.station(identity="CP-1"))
    nonce = x509.OCSPNonce(b"0123456789")

    def ask(certificate, by, algorithm=None):
        builder = wire.OCSPRequestBuilder().add_certificate(certificate, by, algorithm or hashes.SHA1())
        der = builder.add_extension(nonce, critical=False).build().public_bytes(Encoding.DER)
        if method == "post":
            response = Client().post("/ocsp/", der, content_type="application/ocsp-request")
        else:
            response = Client().get(f"/ocsp/{base64.b64encode(der).decode()}")
        assert response["Content-Type"] == "application/ocsp-response"
        return wire.load_der_ocsp_response(response.content)

    answer = ask(leaf, issuer)
    assert next(iter(answer.responses)).certificate_status == wire.OCSPCertStatus.GOOD
    assert answer.extensions.get_extension_for_class(x509.OCSPNonce).value == nonce
    root = local.load_certificate(local.root_of("csms"))
    assert next(iter(ask(issuer, root).responses)).certificate_status == wire.OCSPCertStatus.GOOD
    issuing.revoke(certificate=row, reason="superseded")
    about = next(iter(ask(leaf, issuer, hashes.SHA256()).responses))
    assert about.certificate_status == wire.OCSPCertStatus.REVOKED
    stranger = papers.Issuer()
    refused = ask(stranger.leaf("x"), stranger.certificate)
    assert refused.response_status == wire.OCSPResponseStatus.UNAUTHORIZED


@pytest.mark.django_db
def test_nonsense_gets_malformed():
    for response in (
        Client().post("/ocsp/", b"nonsense", content_type="application/ocsp-request"),
        Client().post("/ocsp/", b"x" * 20_000, content_type="application/ocsp-request"),
        Client().get("/ocsp/"),
        Client().get("/ocsp/%00%ff"),
    ):
        answer = wire.load_der_ocsp_response(response.content)
        assert answer.response_status == wire.OCSPResponseStatus.MALFORMED_REQUEST


@pytest.mark.django_db
def test_the_revocation_list():
    assert Client().get("/crl/csms.crl").status_code == 404
    row, leaf, issuer = ours(make.station(identity="CP-1"))
    place = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    path = place[0].full_name[0].value.split("/", 3)[3]
    assert len(list(x509.load_der_x509_crl(Client().get(f"/{path}").content))) == 0
    issuing.revoke(certificate=row, reason="keyCompromise")
    found = x509.load_der_x509_crl(Client().get(f"/{path}").content)
    assert found.is_signature_valid(issuer.public_key())
    assert [each.serial_number for each in found] == [leaf.serial_number]
    with contextlib.suppress(issuing.NotRevocable):
        issuing.revoke(certificate=row, reason="superseded")
        raise AssertionError("revoked twice")
    assert Certificate.objects.get().revocation_reason == "keyCompromise"


# Names


def test_hash_data_is_as_openssl_has_it():
    """Issuer name and key hashes and serial as `openssl ocsp -sha256 -req_text` prints them for this pair."""
    from tests.stations.certificates import vectors

    leaf, issuer = x509.load_pem_x509_certificates(vectors.CHAIN.encode())
    for algorithm, (name, key) in vectors.HASHES.items():
        found = hash_data(leaf, issuer, algorithm)
        assert found == HashData(algorithm, name, key, vectors.SERIAL)
        odd = {"issuerNameHash": name.upper(), "serialNumber": "00" + vectors.SERIAL.upper()}
        assert HashData.read(found.wire() | odd) == found


@pytest.mark.parametrize("broken", [{"issuerNameHash": "xyz"}, {"serialNumber": ""}, {"serialNumber": "g"}])
def test_hash_data_that_is_none(broken):
    issuer = papers.Issuer()
    with pytest.raises(ValueError):
        HashData.read(hash_data(issuer.certificate, issuer.certificate).wire() | broken)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("DE83DUIEN83QGZD", "DE83DUIEN83QGZ"),
        ("de-83d-uien83qgz-d", "DE83DUIEN83QGZ"),
        ("DE*83D*UIEN83QGZ", "DE83DUIEN83QGZ"),
        ("DE83DUIEN83QGZX", None),
        ("DE-83DUIEN83QGZ", None),
        ("NL-TNM-012204-5", "NLTNM000122045"),
        ("NLTNM000122045U", "NLTNM000122045"),
        ("04A2B3C4", None),
        ("", None),
        ("DE٨٣DUIEN٨٣QGZ", None),
    ],
)
def test_a_contracts_id_has_one_form(text, plain):
    assert emaid.normal(text) == plain


@pytest.mark.parametrize(
    ("plain", "digit"),
    [
        ("NN123ABCDEFGHI", "T"),
        ("FRXYZ123456789", "2"),
        ("ITA1B2C3E4F5G6", "4"),
        ("ESZU8WOX834H1D", "R"),
        ("PT73902837ABCZ", "Z"),
        ("DE83DUIEN83QGZ", "D"),
        ("DE83DUIEN83ZGQ", "M"),
        ("DE8AA001234567", "0"),
    ],
)
def test_check_digits(plain, digit):
    assert emaid.check_digit(plain) == digit
