"""Who may come in by a client certificate (security profile 3)."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.db.models import QuerySet

from stations import security_events
from stations.certificates import signing_requests
from stations.certificates.hashes import was_issued_by
from stations.models import Certificate, CertificateUse, Event, RootCertificate, RootKind, Station

#: A charger with a bad certificate knocks for ever; one event of it in that time is enough.
TELL_AGAIN_AFTER = timedelta(hours=1)
SIGNING_ROOTS = (RootKind.CSMS, RootKind.MANUFACTURER)


def refusal(station: Station, pem: str, now: datetime) -> str:
    """Why the station may not come in with this certificate, whose key the TLS handshake has proven.

    It must be one that was issued to this very station, or one that an authority signed which the operator
    lets admit chargers and that names this station.
    """
    if not pem:
        return "it came without a client certificate"
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return "its client certificate can't be read"
    why = _fault(station, certificate, now)
    if why:
        _tell(station, why, now)
    return why


def may_have_one(station: Station, now: datetime) -> bool:
    """Whether it took a certificate of ours that is good still, or somebody else may have given it one."""
    ours = station.certificates.good(now).filter(
        use=CertificateUse.STATION, status=Certificate.Status.INSTALLED
    )
    return ours.exists() or _admitting(station).exists()


def _admitting(station: Station) -> QuerySet[RootCertificate]:
    return RootCertificate.objects.filter(
        operator=station.site.operator_id, admits_stations=True, kind__in=SIGNING_ROOTS
    )


def _fault(station: Station, certificate: x509.Certificate, now: datetime) -> str:
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        return "its client certificate is expired or not valid yet"
    ours = Certificate.objects.filter(
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(), use=CertificateUse.STATION
    ).first()
    if ours is None:
        return _fault_of_foreign(station, certificate)
    if ours.station_id != station.pk:
        return "its client certificate is another station's"
    if ours.revoked_at is not None:
        return "its client certificate was revoked"
    return ""


def _fault_of_foreign(station: Station, certificate: x509.Certificate) -> str:
    authorities = [x509.load_pem_x509_certificate(root.certificate.encode()) for root in _admitting(station)]
    if not any(was_issued_by(certificate, each) for each in authorities):
        return "its client certificate is of no authority that admits stations"
    if signing_requests.weakness(certificate.public_key()) or not _for_clients(certificate):
        return "its client certificate is not meant for signing in"
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    said = {str(each.value).casefold() for each in names}
    if not said & {each.casefold() for each in (station.identity, station.serial_number) if each}:
        return "its client certificate names another station"
    return ""


def _for_clients(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    except ValueError:
        return False
    return bool({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(usage))


def _tell(station: Station, why: str, now: datetime) -> None:
    code = "InvalidChargingStationCertificate"
    told = Event.objects.filter(station=station, code=code, received_at__gt=now - TELL_AGAIN_AFTER)
    if not told.exists():
        security_events.record(station=station, code=code, text=f"Refused: {why}.", at=now)
