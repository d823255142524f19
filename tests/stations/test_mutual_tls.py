"""Security profile 3 with real TLS: a proxy ends it, as nginx does, and passes on what it verified."""

import asyncio
import ssl
from urllib.parse import quote

import pytest
from django.utils import timezone
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from stations.certificates import issuing, local
from stations.models import Station
from tests import make
from tests.stations.certificates import papers
from tests.stations.proxy import HEADER, Proxy, files, server_tls


@pytest.fixture(autouse=True)
def behind_a_proxy(settings):
    settings.TRUST_PROXY, settings.OCPP_CLIENT_CERT_HEADER = True, HEADER
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


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
    return server_tls(tmp_path, papers.Issuer("Server root"), local.root_of("csms").certificate)


def client_tls(path=None):
    # Whether the portal is the right one is the charger's affair, and not tried here.
    context = ssl._create_unverified_context()
    if path:
        context.load_cert_chain(path)
    return context


async def knock(proxy, tls, **headers):
    return await connect(
        f"{proxy.url}/CP-1",
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
