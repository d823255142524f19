"""Ask a server that somebody named, and nothing else that could be reached from here.

The name is resolved once, every address found must be a public one, and the connection goes to the one that
was checked: a name that later resolves to something else (DNS rebinding) gains nothing. No proxy, no .netrc,
no redirect, since a redirect could lead anywhere. Servers of one's own network are named in
`NOTIFY_ALLOWED_HOSTS`.
"""

from __future__ import annotations

import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from functools import lru_cache
from urllib.parse import urlsplit

import httpx
from django.conf import settings

SECONDS = 10.0
PORTS = {"http": 80, "https": 443}
#: As much of an answer as is read, to say what was wrong.
READ = 2048
#: IPv4 addresses within IPv6 ones, as some networks translate them.
NAT64 = ipaddress.ip_network("64:ff9b::/96")

#: A resolver that hangs may hold up other look-ups, but nothing else of the process.
_resolving = ThreadPoolExecutor(4, thread_name_prefix="resolve-outbox")


class Unreachable(Exception):
    """No good answer from there; the message says why. `final`: trying again would change nothing."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


def post(url: str, *, content: bytes, headers: dict[str, str]) -> None:
    """POST, and be content with any 2xx. Raises `Unreachable`."""
    scheme, host, port, target = parts(url)
    address = checked_address(host, port)
    shown = f"[{address}]" if ":" in address else address
    name = f"[{host}]" if ":" in host else host
    sent = {**headers, "Host": name if port == PORTS[scheme] else f"{name}:{port}"}
    try:
        with (
            httpx.Client(verify=_tls(), trust_env=False, follow_redirects=False, timeout=SECONDS) as client,
            client.stream(
                "POST",
                f"{scheme}://{shown}:{port}{target}",
                content=content,
                headers=sent,
                # What the server's certificate must be for.
                extensions={"sni_hostname": host},
            ) as response,
        ):
            if response.is_success:
                return
            status, said = response.status_code, next(response.iter_bytes(READ), b"")
    except httpx.HTTPError as error:
        raise Unreachable(f"The server can't be asked ({type(error).__name__}).") from None
    words = " ".join(said[:READ].decode(errors="replace").split())[:120]
    # Busy and broken servers may recover; a refused request stays refused.
    is_final = 300 <= status < 500 and status not in (408, 425, 429)
    raise Unreachable(f"The server answered {status}: {words}".strip(": "), final=is_final)


def parts(url: str) -> tuple[str, str, int, str]:
    """(scheme, host, port, path and query) of an address that may be asked. Raises `Unreachable`."""
    try:
        found = urlsplit(url)
        port = found.port
    except ValueError:
        raise Unreachable("The address can't be read.", final=True) from None
    host = (found.hostname or "").rstrip(".")
    if found.scheme not in PORTS or not host or found.username is not None or not url.isascii():
        raise Unreachable("Only plain http and https addresses may be asked.", final=True)
    target = (found.path or "/") + (f"?{found.query}" if found.query else "")
    return found.scheme, host, port or PORTS[found.scheme], target


def checked_address(host: str, port: int) -> str:
    """The address to connect to. Raises `Unreachable` where any of the name's is not public."""
    try:
        found = _resolving.submit(_resolve, host, port).result(SECONDS)
    except (OSError, UnicodeError, TooSlow):
        raise Unreachable("The server's name can't be resolved.") from None
    allowed = {host, f"{host}:{port}"} & {each.strip().lower() for each in settings.NOTIFY_ALLOWED_HOSTS}
    if not allowed and not all(is_public(each) for each in found):
        raise Unreachable("The server is in a network that may not be asked.", final=True)
    return found[0]


def _resolve(host: str, port: int) -> list[str]:
    return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(text: str) -> bool:
    """Whether the address is one of the open internet, also where an IPv4 one is wrapped in it."""
    try:
        address = ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not address.is_multicast


@lru_cache
def _tls():
    return httpx.create_ssl_context()
