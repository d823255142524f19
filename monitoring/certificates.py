"""What the pages about certificates show: rows put together from what is issued, installed and known."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509

from stations.certificates import installed, local
from stations.certificates.hashes import hash_data
from stations.models import Authority, InstalledCertificate, RootCertificate, RootKind, Station

V2G_CHAIN = "V2GCertificateChain"


@dataclass(frozen=True)
class Installed:
    """One certificate on a charger, by the name under which we know it, if we do."""

    row: InstalledCertificate
    kind: str
    name: str
    is_last_root: bool


def installed_on(station: Station) -> list[Installed]:
    rows = list(InstalledCertificate.objects.filter(station=station).select_related("station"))
    names = _names(station, {row.hash_algorithm for row in rows})
    return [
        Installed(
            row,
            RootKind(row.kind).label if row.kind in RootKind.values else row.kind,
            names.get(installed.named(row), ""),
            installed.is_last_portal_root(row),
        )
        for row in rows
    ]


def _names(station: Station, algorithms: set[str]) -> dict:
    """What is called how, by its hashes: the operator's roots and the portal's own authorities."""
    known = [
        (row.name, x509.load_pem_x509_certificate(row.certificate.encode()))
        for row in RootCertificate.objects.filter(operator=station.site.operator_id)
    ]
    known += [(row.subject, local.load_certificate(row)) for row in Authority.objects.all()]
    return {
        hash_data(certificate, issuer, algorithm): name
        for algorithm in algorithms
        for name, certificate in known
        for _issuer, issuer in known
        if certificate.issuer == issuer.subject
    }
