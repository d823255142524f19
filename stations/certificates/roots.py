"""Roots that operators bring: which they trust, and which they put on their chargers."""

from __future__ import annotations

import logging

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import IntegrityError, transaction
from django.utils import timezone

from evportal.accounts.models import Operator
from stations import commands
from stations.certificates.authority import authority
from stations.certificates.hashes import is_authority
from stations.certificates.signing_requests import weakness
from stations.exceptions import Refused
from stations.models import CertificateUse, RootCertificate, RootKind, Station

log = logging.getLogger(__name__)

#: Which of the portal's own roots is what on a charger.
OWN = {RootKind.CSMS: CertificateUse.STATION, RootKind.V2G: CertificateUse.V2G}
#: What InstallCertificate of 1.6 and 2.0.1 takes; 2.1 takes more.
MAX_PEM = 5_500


class NotARoot(Refused):
    default = "That is not a certificate of an authority in PEM."


def read(pem: str) -> x509.Certificate:
    """One certificate of an authority, in time and strong. Raises `NotARoot`, saying what is wrong."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise NotARoot from None
    if len(found) != 1:
        raise NotARoot("Give one certificate at a time.")
    certificate = found[0]
    if not is_authority(certificate):
        raise NotARoot("That certificate may not sign others: it is not an authority's.")
    if certificate.not_valid_after_utc <= timezone.now():
        raise NotARoot("That certificate has expired.")
    if weak := weakness(certificate.public_key()):
        raise NotARoot(f"That certificate is too weak: {weak[0].lower()}{weak[1:]}")
    if len(to_pem(certificate)) > MAX_PEM:
        raise NotARoot(f"That certificate is longer than the {MAX_PEM} characters that chargers take.")
    return certificate


def to_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


@transaction.atomic
def add(
    *, operator: Operator, kind: str, name: str, certificate: str, admits_stations: bool = False
) -> RootCertificate:
    """Keep a root; raises `NotARoot`."""
    read_one = read(certificate)
    if admits_stations and kind not in (RootKind.CSMS, RootKind.MANUFACTURER):
        raise NotARoot("Only a portal's or a manufacturer's authority can admit chargers.")
    try:
        with transaction.atomic():
            return RootCertificate.objects.create(
                operator=operator,
                kind=kind,
                name=name,
                # Without what people write around it.
                certificate=to_pem(read_one),
                subject=read_one.subject.rfc4514_string()[:255],
                fingerprint=read_one.fingerprint(hashes.SHA256()).hex(),
                not_after=read_one.not_valid_after_utc,
                admits_stations=admits_stations,
            )
    except IntegrityError:
        raise NotARoot("That certificate is there already.") from None


def _own(use: str) -> list[x509.Certificate]:
    """Of the portal's authority; the built-in one is made now, if nobody needed it before."""
    try:
        return authority().roots(use)
    except Exception:
        log.exception("The certificate authority does not tell its roots")
        return []


def choices(operator: Operator, kinds: tuple[str, ...]) -> list[tuple[str, str, str, str]]:
    """(key, kind, name, PEM) of what can be put on this operator's chargers."""
    found = []
    for kind, use in OWN.items():
        if kind in kinds:
            for n, root in enumerate(_own(use)):
                found.append((f"own-{kind}-{n}", kind, root.subject.rfc4514_string(), to_pem(root)))
    for row in RootCertificate.objects.filter(operator=operator, kind__in=kinds):
        found.append((f"root-{row.pk}", row.kind, row.name, row.certificate))
    return found


@transaction.atomic
def remove(*, root: RootCertificate) -> None:
    """Trust it no more. Stations that came in by its certificates have to come again."""
    if root.admits_stations:
        by_certificate = Station.objects.filter(site__operator=root.operator_id, security_profile=3)
        for station in by_certificate.exclude(connection=None):
            commands.disconnect(station=station)
    root.delete()
