"""Firmware updates and log uploads: nothing is fetched or sent, but every status is reported."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .orders import upcoming
from .transactions import Reason
from .transport import CallFailed, Offline

if TYPE_CHECKING:
    from .charger import SimulatedCharger

# Demo seconds between two steps.
STEP_S = 5.0


def firmware_name(location: str) -> str:
    """The version a file claims to be: its name without the ending."""
    return PurePosixPath(urlsplit(location).path).stem[:50] or "unknown"


def log_name(charger: SimulatedCharger) -> str:
    return f"{charger.identity}-{charger.now():%Y%m%dT%H%M%S}.log"


async def update_firmware(
    charger: SimulatedCharger, location: str, retrieve_at: datetime, request_id: int | None = None
) -> None:
    """Download at `retrieve_at`, wait for the last car to leave, install and restart with the new version."""
    await charger.clock.sleep(upcoming(retrieve_at, charger.now()))
    for status in ("Downloading", "Downloaded"):
        await _firmware(charger, status, request_id)
        await charger.clock.sleep(STEP_S)
    while any(point.transaction for point in charger.points):
        await charger.clock.sleep(STEP_S)
    await _firmware(charger, "Installing", request_id)
    charger.station.firmware = firmware_name(location)
    charger.pending_firmware = (request_id,)
    await charger.reboot("FirmwareUpdate", Reason.SOFT_RESET)


async def finish_firmware(charger: SimulatedCharger) -> None:
    """After the restart: say that the new version runs."""
    if charger.pending_firmware:
        (request_id,), charger.pending_firmware = charger.pending_firmware, None
        await _firmware(charger, "Installed", request_id)
        charger.firmware_status = "Idle"


async def upload_log(charger: SimulatedCharger, request_id: int | None = None) -> None:
    charger.log_request = request_id
    for status in ("Uploading", "Uploaded"):
        charger.log_status = status
        with contextlib.suppress(Offline, CallFailed):
            await charger.dialect.log_status(status, request_id)
        await charger.clock.sleep(STEP_S)
    charger.log_status = "Idle"


async def _firmware(charger: SimulatedCharger, status: str, request_id: int | None) -> None:
    charger.firmware_status = status
    charger.log.info("firmware: %s", status)
    # The work goes on whether or not the portal hears of it.
    with contextlib.suppress(Offline, CallFailed):
        await charger.dialect.firmware_status(status, request_id)
