"""Security profile 3 with real TLS: a proxy ends it, as nginx does, and passes on what it verified."""

import asyncio
import ssl
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.utils import timezone
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from stations.certificates import issuing, local
from stations.models import Station
from tests import make
from tests.stations.certificates import papers

HEADER = "X-Client-Cert"


@pytest.fixture(autouse=True)
def behind_a_proxy(settings):
    settings.TRUST_PROXY, settings.OCPP_CLIENT_CERT_HEADER = True, HEADER
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


class Proxy:
    """Asks for a client certificate below our root (or none), and overwrites the header with it."""

    def __init__(self, port: int, context: ssl.SSLContext):
        self._port, self._context = port, context

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.url = f"wss://localhost:{self._server.sockets[0].getsockname()[1]}/ocpp/CP-1"
        return self

    async def __aexit__(self, *_exc):
        self._server.close()

    async def _serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n"))[:-2]
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        given = quote(ssl.DER_cert_to_PEM_cert(der)) if der else ""
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(HEADER.lower().encode())]
        lines[-1:] = [b"X-Forwarded-Proto: https", f"{HEADER}: {given}".encode(), b"", b""]
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._port)
        inner_writer.write(b"\r\n".join(lines))
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer), return_exceptions=True)


async def _pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


def files(folder, name, key, *chain):
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    path = folder / f"{name}.pem"
    path.write_text(secret + papers.pem(*chain))
    return path


@pytest.fixture
def charger(transactional_db, tmp_path):
    """A station of profile 3 with a certificate of ours, and its key."""
    station = make.station(identity="CP-1", security_profile=3)
    own = papers.key()
    row = issuing.request(station=station, csr=papers.csr("CP-1", own=own), received_at=timezone.now())
    assert issuing.sign(row.pk)
    row.refresh_from_db()
    path = tmp_path / "charger.pem"
    files(tmp_path, "charger", own)
    path.write_text(path.read_text() + row.chain)
    return row, path


@pytest.fixture
def proxy_tls(tmp_path, charger):
    server = papers.Issuer("Server root")
    own = papers.key()
    path = files(tmp_path, "server", own, server.leaf("localhost", own=own))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=local.root_of("csms").certificate)
    return context


def client_tls(path=None):
    # Whether the portal is the right one is the charger's affair, and not tried here.
    context = ssl._create_unverified_context()
    if path:
        context.load_cert_chain(path)
    return context


async def knock(proxy, tls, **headers):
    return await connect(
        proxy.url,
        ssl=tls,
        subprotocols=["ocpp2.0.1"],
        additional_headers=headers,
        compression=None,
        proxy=None,
    )


async def test_in_by_the_certificate_and_out_when_it_is_revoked(door, database, charger, proxy_tls):
    row, path = charger
    port = int(door.url.split(":")[2].split("/")[0])
    async with Proxy(port, proxy_tls) as proxy:
        socket = await knock(proxy, client_tls(path))
        assert socket.subprotocol == "ocpp2.0.1"
        assert (await database(Station.objects.get)).is_online
        await database(issuing.revoke, certificate=row, reason="keyCompromise")
        await asyncio.wait_for(socket.wait_closed(), 5)
        with pytest.raises(InvalidStatus) as refused:
            await knock(proxy, client_tls(path))
        assert refused.value.response.status_code == 401


async def test_a_header_is_not_a_handshake(door, charger, proxy_tls):
    """Whoever has only the certificate, which is no secret, has not its key."""
    row, _path = charger
    port = int(door.url.split(":")[2].split("/")[0])
    async with Proxy(port, proxy_tls) as proxy:
        for headers in ({}, {HEADER: quote(row.chain.split("-----END")[0] + "-----END CERTIFICATE-----")}):
            with pytest.raises(InvalidStatus) as refused:
                await knock(proxy, client_tls(), **headers)
            assert refused.value.response.status_code == 401


async def test_a_certificate_of_another_authority_ends_the_handshake(door, charger, proxy_tls, tmp_path):
    own = papers.key()
    path = files(tmp_path, "stranger", own, papers.Issuer("Stranger").leaf("CP-1", own=own))
    port = int(door.url.split(":")[2].split("/")[0])
    async with Proxy(port, proxy_tls) as proxy:
        with pytest.raises(Exception) as failed:
            await knock(proxy, client_tls(path))
        assert not isinstance(failed.value, InvalidStatus)
