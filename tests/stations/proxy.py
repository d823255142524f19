"""A proxy that ends TLS before the portal, as docs/operations.md sets nginx up, and papers for both ends."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from urllib.parse import quote

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.stations.certificates import papers

HEADER = "X-Client-Cert"
OVERWRITTEN = (HEADER.lower().encode(), b"x-forwarded-proto")


class Proxy:
    """Asks for a client certificate below our root (or none), and overwrites the header with it."""

    def __init__(self, port: int, context: ssl.SSLContext):
        self._port, self._context = port, context

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.url = f"wss://localhost:{self._server.sockets[0].getsockname()[1]}/ocpp"
        return self

    async def __aexit__(self, *_exc):
        self._server.close()

    async def _serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n"))[:-2]
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        given = quote(ssl.DER_cert_to_PEM_cert(der)) if der else ""
        lines = [line for line in head.split(b"\r\n") if line.split(b":")[0].lower() not in OVERWRITTEN]
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


def server_tls(folder: Path, server: papers.Issuer, roots: str) -> ssl.SSLContext:
    """The proxy's own certificate is `server`'s; clients' certificates, which it doesn't insist on, are below
    one of `roots`."""
    own = papers.key()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files(folder, "server", own, server.leaf("localhost", own=own)))
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=roots)
    return context
