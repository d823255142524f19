"""Ask a server whose address a charger or a certificate named, and nothing else that could be reached.

The address is resolved once, each address found must be a public one, and the connection goes to the one
that was checked: a name that later resolves to something else (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from evportal.outbox.guard import is_public

#: For all of it, so that a charger that waits gets its answer.
SECONDS = 4.0
MAX_BYTES = 256 * 1024
PORTS = {"http": 80, "https": 443}

#: A resolver that hangs may hold up other look-ups, but nothing else of the process.
_resolving = ThreadPoolExecutor(4, thread_name_prefix="resolve")


class Unreachable(Exception):
    """No answer from there; the message says why."""


async def fetch(url: str, *, content: bytes | None = None, content_type: str = "", accept: str = "") -> bytes:
    """The body of a GET, or of a POST of `content`. Raises `Unreachable`."""
    try:
        async with asyncio.timeout(SECONDS):
            return await _fetch(url, content, {"Content-Type": content_type, "Accept": accept})
    except TimeoutError:
        raise Unreachable("The server did not answer in time.") from None
    except httpx.HTTPError as error:
        raise Unreachable(f"The server can't be asked ({type(error).__name__}).") from None


async def _fetch(url: str, content: bytes | None, headers: dict[str, str]) -> bytes:
    scheme, host, port, target = _parts(url)
    address = await _checked_address(host, port)
    shown = f"[{address}]" if ":" in address else address
    name = f"[{host}]" if ":" in host else host
    sent = {name: value for name, value in headers.items() if value}
    sent["Host"] = name if port == PORTS[scheme] else f"{name}:{port}"
    # No proxy, no .netrc, no redirect: a redirect could lead anywhere.
    async with (
        httpx.AsyncClient(verify=_tls(), trust_env=False, follow_redirects=False, timeout=SECONDS) as client,
        client.stream(
            "GET" if content is None else "POST",
            f"{scheme}://{shown}:{port}{target}",
            content=content,
            headers=sent,
            # What the server's certificate must be for.
            extensions={"sni_hostname": host},
        ) as response,
    ):
        if response.status_code != 200:
            raise Unreachable(f"The server answered {response.status_code}.")
        body = b""
        async for part in response.aiter_bytes():
            body += part
            if len(body) > MAX_BYTES:
                raise Unreachable("The server's answer is too long.")
        return body


def _parts(url: str) -> tuple[str, str, int, str]:
    """(scheme, host, port, path and query) of an address that may be asked. Raises `Unreachable`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Unreachable("The address can't be read.") from None
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in PORTS or not host or parts.username is not None or not url.isascii():
        raise Unreachable("Only plain http and https addresses may be asked.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port or PORTS[parts.scheme], target


async def _checked_address(host: str, port: int) -> str:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.run_in_executor(_resolving, _resolve, host, port)
    except (OSError, UnicodeError):
        raise Unreachable("The server's name can't be resolved.") from None
    allowed = {host, f"{host}:{port}"} & {each.strip().lower() for each in settings.OCSP_ALLOWED_HOSTS}
    if not allowed and not all(is_public(each) for each in found):
        raise Unreachable("The server is in a network that may not be asked.")
    return found[0]


def _resolve(host: str, port: int) -> list[str]:
    return [each[4][0] for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@lru_cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()
