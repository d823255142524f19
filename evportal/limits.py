"""How often one address, or anybody, may do something that costs us: counts in the cache."""

from __future__ import annotations

import ipaddress
from hashlib import sha256

from django.core.cache import cache
from django.http import HttpRequest


def too_often(what: str, *, most: int, seconds: int) -> bool:
    """Count one more of `what`; whether it is more than `most` within these seconds."""
    # Hashed: it may hold what people typed.
    key = f"limit:{sha256(what.encode()).hexdigest()}"
    cache.add(key, 0, seconds)
    try:
        return cache.incr(key) > most
    except ValueError:
        return False  # Its time has just ended.


def network_of(request: HttpRequest) -> str:
    """Where somebody comes from: their address, or of IPv6 the /64 in which one household has them all.

    Proxies are left to the server (`--forwarded-allow-ips`): a header alone is nobody's word.
    """
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
