"""Sign what stations ask to have signed, send it to them, renew it in time, revoke it.

A request is a row first and answered at once; a worker then asks the authority, which may take its time,
and sends the certificate with a call of ours (CertificateSigned).
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes as digests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import IntegrityError, transaction
from django.utils import timezone

from evportal.accounts.models import User
from stations import commands, events
from stations.certificates import signing_requests
from stations.certificates.authority import CannotSign, SigningRequest, authority
from stations.certificates.hashes import HashData, hash_data, serial_text
from stations.exceptions import Refused
from stations.models import Certificate, CertificateUse, Command, Event, Station
from stations.ocpp import spelling_certificates as spelling

log = logging.getLogger(__name__)
Status = Certificate.Status

#: More than this in a day is a station gone wild, not one that needs a certificate.
MOST_A_DAY = 10
#: What CertificateSigned may carry at most (all versions).
MAX_CHAIN = 10_000
MAX_ATTEMPTS = 12
#: A station that asks the same wrong thing again and again is kept and told once in that time.
TELL_AGAIN_AFTER = timedelta(hours=1)
#: A station that is offline gets its certificate when it is back.
KEEP_FOR = timedelta(days=1)
REASONS = {
    "unspecified": "unspecified",
    "keyCompromise": "key_compromise",
    "affiliationChanged": "affiliation_changed",
    "superseded": "superseded",
    "cessationOfOperation": "cessation_of_operation",
}


class NotRevocable(Refused):
    default = "Only a certificate that was issued and not yet revoked can be revoked."


@transaction.atomic
def request(
    *,
    station: Station,
    csr: str,
    use: str = "",
    request_id: int | None = None,
    wanted_root: HashData | None = None,
    received_at: datetime,
) -> Certificate:
    """Keep a station's request: to be signed, or refused with the reason in `problem` and in an event.

    A newer request of the same use takes the place of one that was not signed yet.
    """
    # Read anew: the serial number came with the boot, after the socket was opened.
    station = Station.objects.select_related("site__operator").get(pk=station.pk)
    named_use, use = bool(use), use or CertificateUse.STATION
    row = Certificate(
        station=station, use=use, csr=csr, named_use=named_use, request_id=request_id, created_at=received_at
    )
    try:
        row.common_name = _checked(row, wanted_root).common_name[:80]
    except signing_requests.BadRequest as problem:
        row.status, row.problem = Status.REFUSED, str(problem)[:255]
        row.csr = row.csr[:5500].replace("\x00", "")
        told = Certificate.objects.filter(
            station=station, use=use, problem=row.problem, created_at__gt=received_at - TELL_AGAIN_AFTER
        )
        if not told.exists():
            row.save()
            _record(row, "SignCertificateRefused", 5, row.problem, received_at)
        return row
    Certificate.objects.filter(station=station, use=use, status=Status.REQUESTED).delete()
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        # The same request over two sockets at once: one of them is enough.
        return Certificate.objects.get(station=station, use=use, status=Status.REQUESTED)
    return row


def _checked(row: Certificate, wanted_root: HashData | None = None) -> SigningRequest:
    """The request as the authority gets it. Raises `BadRequest`."""
    station, operator = row.station, row.station.site.operator
    csr = signing_requests.read(row.csr)
    own = [station.identity, station.serial_number]
    if row.use != CertificateUse.STATION:
        # Towards cars a charger may go by the name of an EVSE (15118-2: the SECC's id).
        own += station.evses.values_list("public_id", flat=True)
    name = signing_requests.check_names(
        csr, own=own, organisations=[operator.name, operator.legal_name, operator.party_id, operator.slug]
    )
    recent = station.certificates.filter(created_at__gt=timezone.now() - timedelta(days=1))
    if recent.exclude(status=Status.REFUSED).count() >= MOST_A_DAY:
        raise signing_requests.BadRequest(f"The station has asked more than {MOST_A_DAY} times in a day.")
    if wanted_root is not None and not _has_root(row.use, wanted_root):
        raise signing_requests.BadRequest("It wants a certificate below a root that is not ours.")
    return SigningRequest(csr, name, operator.seller_name, row.use)


def _has_root(use: str, wanted: HashData) -> bool:
    return any(hash_data(root, root, wanted.hash_algorithm) == wanted for root in authority().roots(use))


def sign_due(now: datetime) -> int:
    """Have waiting requests signed, each in a transaction of its own; returns how many were."""
    due = Certificate.objects.filter(status=Status.REQUESTED, try_at__lte=now).order_by("try_at")
    return sum(sign(pk) for pk in due.values_list("pk", flat=True)[:200])


def sign(pk: int) -> bool:
    """Ask the authority for one certificate and send it. An authority that fails is asked again later."""
    with transaction.atomic():
        row = (
            Certificate.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("station__site__operator")
            .filter(pk=pk, status=Status.REQUESTED)
            .first()
        )
        if row is None:
            return False
        try:
            csr = signing_requests.read(row.csr)
            wanted = SigningRequest(
                csr, row.common_name, row.station.site.operator.seller_name, CertificateUse(row.use)
            )
            # A failure in there must not take this row's transaction along.
            with transaction.atomic():
                chain = authority().sign(wanted)
            _check_chain(chain, csr)
        except CannotSign as problem:
            _give_up(row, str(problem))
            return False
        except Exception as error:
            log.exception("The certificate of station %s was not signed", row.station_id)
            _try_later(row, f"{type(error).__name__}: {error}")
            return False
        _issue(row, chain)
        _send(row)
        return True


def _check_chain(chain: list[x509.Certificate], csr: x509.CertificateSigningRequest) -> None:
    """An authority outside may be mistaken: its certificate must be for the key that was asked about."""
    if not chain or _key(chain[0]) != _key(csr):
        raise CannotSign("The authority's certificate is for another key.")
    if len(_pem(chain)) > MAX_CHAIN:
        raise CannotSign(f"The authority's chain is longer than the {MAX_CHAIN} characters that OCPP takes.")


def _key(holder) -> bytes:
    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _pem(chain: list[x509.Certificate]) -> str:
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in chain)


def _give_up(row: Certificate, why: str) -> None:
    row.status, row.problem = Status.REFUSED, why[:255]
    row.save(update_fields=["status", "problem"])
    _record(row, "SignCertificateRefused", 5, row.problem, timezone.now())


def _try_later(row: Certificate, why: str) -> None:
    row.attempts += 1
    if row.attempts >= MAX_ATTEMPTS:
        _give_up(row, why)
        return
    row.problem = why[:255]
    row.try_at = timezone.now() + timedelta(seconds=min(10 * 2**row.attempts, 3600))
    row.save(update_fields=["attempts", "problem", "try_at"])


def _issue(row: Certificate, chain: list[x509.Certificate]) -> None:
    leaf = chain[0]
    row.chain = _pem(chain)
    row.serial_number = serial_text(leaf.serial_number)
    row.fingerprint = leaf.fingerprint(digests.SHA256()).hex()
    row.issuer = leaf.issuer.rfc4514_string()[:255]
    row.not_before, row.not_after = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    row.issued_at, row.problem, row.status = timezone.now(), "", Status.SENT
    row.save()


def _send(row: Certificate) -> None:
    action, payload = spelling.certificate_signed(
        row.station.ocpp_version, row.chain, row.use if row.named_use else "", row.request_id
    )
    row.command = commands.send(
        station=row.station, action=action, payload=payload, reason="certificate signed", keep_for=KEEP_FOR
    )
    row.save(update_fields=["command"])


def command_finished(command: Command) -> None:
    """What the station said to CertificateSigned."""
    if command.action != "CertificateSigned":
        return
    row = Certificate.objects.select_related("station").filter(command=command, status=Status.SENT).first()
    if row is None:
        return
    answer = command.response or {}
    if command.status == Command.Status.ANSWERED and answer.get("status") == "Accepted":
        _end(row, Status.INSTALLED)
        _record(row, "CertificateInstalled", 8, f"Valid until {row.not_after:%Y-%m-%d}.", timezone.now())
    elif command.status in (Command.Status.ANSWERED, Command.Status.ERROR):
        info = answer.get("statusInfo") or {}
        why = info.get("additionalInfo") or info.get("reasonCode") or command.error_description
        _end(row, Status.REJECTED, why or "The charger rejected it.")
        _record(row, "CertificateRejected", 4, row.problem, timezone.now())
    else:
        _end(row, Status.UNDELIVERED, "The charger did not answer.")
        _record(row, "CertificateUndelivered", 5, row.problem, timezone.now())


def settle(now: datetime) -> None:
    """Calls that ended while nobody listened, because a process died between the answer and its news."""
    left = Certificate.objects.filter(
        status=Status.SENT,
        command__status__in=Command.FINAL,
        command__answered_at__lt=now - timedelta(seconds=30),
    )
    for row in left.select_related("command__station")[:200]:
        command_finished(row.command)


def _end(row: Certificate, status: str, problem: str = "") -> None:
    row.status, row.problem = status, problem[:255]
    Certificate.objects.filter(pk=row.pk, status=Status.SENT).update(status=status, problem=row.problem)


def ask(
    *, station: Station, use: str = CertificateUse.STATION, by=None, reason: str = "", keep_for=None
) -> Command:
    """Have the station make a new key and ask for its certificate."""
    action, payload = spelling.ask_to_sign(station.ocpp_version, use)
    return commands.send(
        station=station, action=action, payload=payload, by=by, reason=reason, keep_for=keep_for
    )


@transaction.atomic
def revoke(*, certificate: Certificate, reason: str, by: User | None = None) -> Certificate:
    """Take it out of use for good; a station that is signed in with it has to come again."""
    now = timezone.now()
    won = (
        Certificate.objects.filter(pk=certificate.pk, revoked_at=None)
        .exclude(fingerprint="")
        .update(
            revoked_at=now, revocation_reason=reason if reason in REASONS else "unspecified", revoked_by=by
        )
    )
    if not won:
        raise NotRevocable
    certificate.refresh_from_db()
    try:
        authority().revoke(x509.load_pem_x509_certificate(certificate.chain.encode()), reason)
    except Exception:
        log.exception("The authority could not revoke a certificate of station %s", certificate.station_id)
        raise NotRevocable("The certificate authority could not be told. Try again.") from None
    _record(certificate, "CertificateRevoked", 6, certificate.revocation_reason, now)
    station = certificate.station
    if station.security_profile == 3 and certificate.use == CertificateUse.STATION:
        commands.disconnect(station=station)
    return certificate


def _record(row: Certificate, code: str, severity: int, text: str, at: datetime) -> None:
    events.record(
        [
            Event(
                station=row.station,
                kind=Event.Kind.CERTIFICATE,
                code=code,
                severity=severity,
                at=at,
                received_at=at,
                text=text,
                component=row.use,
                value=row.serial_number,
            )
        ]
    )
