"""Who installs and updates contract certificates in cars: a provider named by `OCPP_CONTRACTS`.

The portal only passes the car's request (EXI, base64) on and its answer back: contracts are made by a
mobility operator, behind a certificate pool such as those of ISO 15118's ecosystems.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from stations.models import Station

log = logging.getLogger(__name__)

#: Cars wait for a minute at most, chargers often less.
SECONDS = 20.0


class NoContract(Exception):
    """There is none for this car; the message says why."""


@dataclass(frozen=True)
class Wanted:
    """What a car asks for: Get15118EVCertificate's fields."""

    schema_version: str
    #: Install or Update.
    action: str
    exi_request: str
    most_chains: int | None = None
    preferred: tuple[str, ...] = ()


@dataclass(frozen=True)
class Given:
    exi_response: str
    #: How many contracts the car can still fetch (2.1).
    remaining: int | None = None


class ContractProvider(Protocol):
    async def ev_certificate(self, station: Station, wanted: Wanted) -> Given:
        """Raises `NoContract`; any other error is logged and answered as a failure."""


class NoProvider:
    """Of a portal without one."""

    async def ev_certificate(self, station: Station, wanted: Wanted) -> Given:
        raise NoContract("This portal has no provider of contract certificates.")


@lru_cache
def _class(path: str):
    return import_string(path)


async def ev_certificate(station: Station, wanted: Wanted) -> Given:
    """The provider's answer. Raises `NoContract`, whatever went wrong."""
    try:
        async with asyncio.timeout(SECONDS):
            return await _class(settings.OCPP_CONTRACTS)().ev_certificate(station, wanted)
    except NoContract:
        raise
    except TimeoutError:
        raise NoContract("The provider did not answer in time.") from None
    except Exception:
        log.exception("The contract provider failed for station %s", station.pk)
        raise NoContract("The provider failed.") from None
