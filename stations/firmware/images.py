"""The images an operator has: taken in, checked, withdrawn."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from evportal.accounts.models import ApiKey, Operator, User
from stations.exceptions import Refused
from stations.files.streams import CHUNK, Incoming, Measured
from stations.files.tickets import safe_name
from stations.models import FirmwareImage


def add(
    *,
    operator: Operator,
    vendor: str,
    version: str,
    model_pattern: str = "*",
    upload: UploadedFile | None = None,
    url: str = "",
    md5: str = "",
    signing_certificate: str = "",
    signature: str = "",
    notes: str = "",
    by: User | ApiKey | None = None,
) -> FirmwareImage:
    """Take in one image: a file, or the address where its maker offers it. Raises `Refused`."""
    if (upload is None) == (not url):
        raise Refused("Give a file or an address: one of the two.")
    signature, signing_certificate = "".join(signature.split()), signing_certificate.strip()
    if problem := _signature_problem(signing_certificate, signature):
        raise Refused(problem)
    image = FirmwareImage(
        operator=operator,
        vendor=vendor.strip(),
        model_pattern=model_pattern.strip() or "*",
        version=version.strip(),
        signing_certificate=signing_certificate,
        signature=signature,
        notes=notes,
        created_by=by if isinstance(by, User) else None,
    )
    if not image.vendor or not image.version:
        raise Refused("Say whose firmware it is and which version.")
    if url:
        if problem := _url_problem(url):
            raise Refused(problem)
        image.url, image.name = url, safe_name(urlsplit(url).path, "firmware.bin")
        image.md5 = md5.strip().lower()
        image.save()
        return image
    return _store(image, upload)


def _store(image: FirmwareImage, upload: UploadedFile) -> FirmwareImage:
    measured = Measured(upload.chunks(CHUNK), settings.FIRMWARE_MAX_MB * 1024 * 1024)
    image.name = safe_name(upload.name or "", "firmware.bin")
    field = FirmwareImage._meta.get_field("file")
    storage = field.storage
    written = storage.save(field.generate_filename(image, image.name), Incoming(measured))
    try:
        if not measured.size:
            raise Refused("The file is empty.")
        with transaction.atomic():
            image.file, image.size = written, measured.size
            image.sha256, image.md5 = measured.sha256, measured.md5
            image.save()
    except BaseException:
        storage.delete(written)
        raise
    return image


def _url_problem(url: str) -> str:
    """Only stations fetch it, never the portal; so what must be true of it is what keeps them safe."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return "This is not an address."
    if parts.scheme != "https" or not host:
        return "Only https addresses: a charger must be able to trust what it installs."
    if parts.username or parts.password:
        return "An address with a password in it would be written into every log."
    if len(url) > 512:
        return "Chargers take addresses of at most 512 characters."
    return ""


def _signature_problem(certificate: str, signature: str) -> str:
    if not certificate and not signature:
        return ""
    if not certificate or not signature:
        return "A signature and its certificate belong together."
    if len(certificate) > 5500 or len(signature) > 800:
        return "Chargers take certificates of at most 5500 and signatures of at most 800 characters."
    try:
        base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return "The signature is not Base64."
    try:
        x509.load_pem_x509_certificate(certificate.encode())
    except ValueError:
        return "The signing certificate is not PEM."
    return ""


@transaction.atomic
def retire(*, image: FirmwareImage) -> None:
    """Offer it no longer. One that was never used is deleted with its file; others stay as history."""
    used = image.updates.exists() or image.campaigns.exists() or image.publications.exists()
    if used:
        FirmwareImage.objects.filter(pk=image.pk).update(is_retired=True)
        return
    storage, name = image.file.storage, image.file.name
    image.delete()
    if name:
        transaction.on_commit(lambda: storage.delete(name))
