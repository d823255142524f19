"""Firmware updates and log uploads, over real HTTP; what was downloaded is checked, but never run."""

from __future__ import annotations

import base64
import contextlib
import tempfile
from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import sha256
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from .orders import upcoming
from .transactions import Reason
from .transport import CallFailed, Offline

if TYPE_CHECKING:
    from .charger import SimulatedCharger

# Demo seconds between two steps, and between two attempts where the portal names no other time.
STEP_S = 5.0
RETRY_S = 30.0
# Real seconds: the network is not sped up.
NETWORK_TIMEOUT_S = 30.0
IN_MEMORY = 1024 * 1024


@dataclass(frozen=True)
class Order:
    """One update as the portal wants it; 1.6's plain one has no number, and only signed ones a signature."""

    location: str
    retrieve_at: datetime
    install_at: datetime | None = None
    request_id: int | None = None
    retries: int = 0
    retry_interval_s: float = RETRY_S
    certificate: str = ""
    signature: str = ""

    @property
    def version(self) -> str:
        """The version a file claims to be: its name without the ending."""
        return PurePosixPath(urlsplit(self.location).path).stem[:50] or "unknown"


def certificate_problem(pem: str) -> str:
    """The answer to an update whose signing certificate is none; empty where it will do."""
    if not pem:
        return ""
    try:
        x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return "InvalidCertificate"
    return ""


def log_name(charger: SimulatedCharger) -> str:
    return f"{charger.identity}-{charger.now():%Y%m%dT%H%M%S}.log"


async def update_firmware(charger: SimulatedCharger, order: Order) -> None:
    """Download at its time, check, wait for the last car to leave, install, restart with the new version."""
    number = order.request_id
    await charger.clock.sleep(upcoming(order.retrieve_at, charger.now()))
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        for attempt in range(order.retries + 1):
            if attempt:
                await charger.clock.sleep(order.retry_interval_s)
            await _firmware(charger, "Downloading", number)
            if digest := await _download(charger, order.location, file):
                break
        else:
            await _firmware(charger, "DownloadFailed", number)
            return
    await _firmware(charger, "Downloaded", number)
    await charger.clock.sleep(STEP_S)
    if order.signature:
        if not is_signed(digest, order.certificate, order.signature):
            await _firmware(charger, "InvalidSignature", number)
            return
        await _firmware(charger, "SignatureVerified", number)
    if order.install_at and (left := upcoming(order.install_at, charger.now())):
        await _firmware(charger, "InstallScheduled", number)
        await charger.clock.sleep(left)
    while any(point.transaction for point in charger.points):
        await charger.clock.sleep(STEP_S)
    await _firmware(charger, "Installing", number)
    charger.station.firmware = order.version
    charger.pending_firmware = (number,)
    await charger.reboot("FirmwareUpdate", Reason.SOFT_RESET)


async def _download(charger: SimulatedCharger, location: str, file: IO[bytes]) -> bytes:
    """Fetch it into the file; its SHA-256, or nothing where it did not arrive whole.

    What came before the connection broke is kept, and only the rest is asked for.
    """
    have = file.seek(0, 2)
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        async with (
            httpx.AsyncClient(timeout=NETWORK_TIMEOUT_S, trust_env=False) as client,
            client.stream("GET", location, headers=headers) as response,
        ):
            response.raise_for_status()
            if have and response.status_code != 206:
                file.seek(0)
                file.truncate()
            async for piece in response.aiter_bytes():
                file.write(piece)
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        charger.log.info("firmware: the download failed: %s", type(problem).__name__)
        return b""
    file.seek(0)
    digest = sha256()
    while piece := file.read(IN_MEMORY):
        digest.update(piece)
    return digest.digest()


def is_signed(digest: bytes, certificate: str, signature: str) -> bool:
    """Whether the signature over a file with this SHA-256 was made with the certificate's key."""
    try:
        key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
        raw, how = base64.b64decode(signature), Prehashed(hashes.SHA256())
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(raw, digest, padding.PKCS1v15(), how)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(raw, digest, ec.ECDSA(how))
        else:
            return False
    except (ValueError, InvalidSignature):
        return False
    return True


async def finish_firmware(charger: SimulatedCharger) -> None:
    """After the restart: say that the new version runs."""
    if charger.pending_firmware:
        (request_id,), charger.pending_firmware = charger.pending_firmware, None
        await _firmware(charger, "Installed", request_id)
        charger.firmware_status = "Idle"


async def upload_log(
    charger: SimulatedCharger,
    location: str,
    name: str,
    request_id: int | None = None,
    *,
    retries: int = 0,
    retry_interval_s: float = RETRY_S,
) -> None:
    """Leave the log where the portal wants it."""
    charger.log_request = request_id
    await _log(charger, "Uploading", request_id)
    text = log_text(charger).encode()
    for attempt in range(retries + 1):
        if attempt:
            await charger.clock.sleep(retry_interval_s)
        if await _upload(charger, location, name, text):
            await _log(charger, "Uploaded", request_id)
            break
    else:
        # GetDiagnostics, which has no number, has a word of its own for it.
        await _log(charger, "UploadFailed" if request_id is None else "UploadFailure", request_id)
    await charger.clock.sleep(STEP_S)
    charger.log_status = "Idle"


async def _upload(charger: SimulatedCharger, location: str, name: str, content: bytes) -> bool:
    try:
        async with httpx.AsyncClient(timeout=NETWORK_TIMEOUT_S, trust_env=False) as client:
            if charger.version == "1.6":
                # A form, as browsers send files; 2.x stations put the bare file there.
                response = await client.post(location, files={"file": (name, content, "text/plain")})
            else:
                response = await client.put(location, content=content)
            response.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        charger.log.info("log: the upload failed: %s", type(problem).__name__)
        return False
    return True


def log_text(charger: SimulatedCharger) -> str:
    """What a technician wants to know of a charger, without its secrets."""
    station, settings = charger.station, charger.settings
    lines = [
        f"{charger.now():%Y-%m-%d %H:%M:%S} {charger.identity} {station.vendor} {station.model}",
        f"serial {station.serial}, firmware {station.firmware}, OCPP {charger.version}",
        *(
            f"EVSE {point.number}: {point.status}, register {point.evse.register_wh:.0f} Wh"
            f"{', fault ' + point.fault_code if point.fault_code else ''}"
            for point in charger.points
        ),
        *(
            f"{field.name} = {getattr(settings, field.name)}"
            for field in fields(settings)
            if field.name != "password"
        ),
    ]
    return "\n".join(lines) + "\n"


async def _firmware(charger: SimulatedCharger, status: str, request_id: int | None) -> None:
    charger.firmware_status = status
    charger.log.info("firmware: %s", status)
    # The work goes on whether or not the portal hears of it.
    with contextlib.suppress(Offline, CallFailed):
        await charger.dialect.firmware_status(status, request_id)


async def _log(charger: SimulatedCharger, status: str, request_id: int | None) -> None:
    charger.log_status = status
    with contextlib.suppress(Offline, CallFailed):
        await charger.dialect.log_status(status, request_id)
