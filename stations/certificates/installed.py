"""The roots on stations: install, read, delete, and keep what the stations say they hold.

What is kept follows the stations' answers, whoever sent the call: these functions, the API or a form.
"""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from django.db import transaction
from django.utils import timezone

from stations import commands, events
from stations.certificates.hashes import HashData, hash_data
from stations.exceptions import Refused
from stations.models import Command, Event, InstalledCertificate, Station
from stations.ocpp import spelling_certificates as spelling

KINDS_OF_16 = {word: kind for kind, word in spelling.KINDS_16.items()}


class WrongKind(Refused):
    default = "This charger's version has no such kind of root."


def install(*, station: Station, kind: str, pem: str, by=None, reason: str = "") -> Command:
    if kind not in spelling.root_kinds(station.ocpp_version):
        raise WrongKind
    action, payload = spelling.install(station.ocpp_version, kind, pem)
    return commands.send(station=station, action=action, payload=payload, by=by, reason=reason)


@transaction.atomic
def read(*, station: Station, by=None, reason: str = "") -> Command:
    """Ask what is installed; 1.6 takes several calls, the last of which is returned."""
    calls = spelling.read_installed(station.ocpp_version)
    sent = [
        commands.send(station=station, action=action, payload=payload, by=by, reason=reason)
        for action, payload in calls
    ]
    return sent[-1]


def delete(*, row: InstalledCertificate, by=None, reason: str = "") -> Command:
    action, payload = spelling.delete(named(row).wire())
    return commands.send(station=row.station, action=action, payload=payload, by=by, reason=reason)


def named(row: InstalledCertificate) -> HashData:
    return HashData(row.hash_algorithm, row.issuer_name_hash, row.issuer_key_hash, row.serial_number)


def is_last_portal_root(row: InstalledCertificate) -> bool:
    """Whether the station has no other root by which it could know this portal."""
    same = InstalledCertificate.objects.filter(station=row.station, kind="CSMSRootCertificate")
    return row.kind == "CSMSRootCertificate" and not same.exclude(pk=row.pk).exists()


def command_finished(command: Command) -> None:
    """Keep what a station said about its certificates; a refusal is an event."""
    treat = TREATED.get(command.action)
    if treat is not None and command.status == Command.Status.ANSWERED:
        treat(command, command.response or {}, command.answered_at or timezone.now())


@transaction.atomic
def _was_read(command: Command, answer: dict, at: datetime) -> None:
    asked = command.payload.get("certificateType")
    if command.station.ocpp_version in ("", "1.6"):
        kind = KINDS_OF_16[asked]
        found = [(kind, one, False) for one in answer.get("certificateHashData") or []]
        kinds = [kind]
    else:
        found, kinds = [], asked
        for chain in answer.get("certificateHashDataChain") or []:
            found.append((chain["certificateType"], chain["certificateHashData"], False))
            for child in chain.get("childCertificateHashData") or []:
                found.append((chain["certificateType"], child, True))
    held = InstalledCertificate.objects.filter(station=command.station)
    # Without kinds the answer is about all of them.
    (held.filter(kind__in=kinds) if kinds else held).delete()
    for kind, wire, is_child in found:
        _keep(command.station, kind, wire, at, is_child)


def _keep(station: Station, kind: str, wire: dict, at: datetime, is_child: bool = False) -> None:
    try:
        data = HashData.read(wire)
    except ValueError:
        _record(station, "InstalledCertificateUnreadable", 6, "The charger named a certificate oddly.", at)
        return
    InstalledCertificate.objects.update_or_create(
        station=station, kind=kind, **data.fields(), defaults={"seen_at": at, "is_child": is_child}
    )


@transaction.atomic
def _was_installed(command: Command, answer: dict, at: datetime) -> None:
    word = command.payload["certificateType"]
    kind = KINDS_OF_16.get(word, word)
    if answer.get("status") != "Accepted":
        _record(command.station, "InstallCertificateRefused", 5, _why(answer), at, kind)
        return
    certificate = x509.load_pem_x509_certificate(command.payload["certificate"].encode())
    if certificate.issuer == certificate.subject:
        # Of another one the issuer's key is not known here; reading the list tells.
        _keep(command.station, kind, hash_data(certificate, certificate).wire(), at)
    _record(command.station, "RootInstalled", 8, certificate.subject.rfc4514_string(), at, kind)


@transaction.atomic
def _was_deleted(command: Command, answer: dict, at: datetime) -> None:
    status = answer.get("status")
    if status in ("Accepted", "NotFound"):
        data = HashData.read(command.payload["certificateHashData"])
        InstalledCertificate.objects.filter(station=command.station, **data.fields()).delete()
    if status == "Accepted":
        _record(command.station, "CertificateDeleted", 7, f"Serial number {data.serial_number}", at)
    else:
        _record(command.station, "DeleteCertificateRefused", 6, _why(answer), at)


def _why(answer: dict) -> str:
    info = answer.get("statusInfo") or {}
    said = info.get("additionalInfo") or info.get("reasonCode")
    return said or f"The charger answered {answer.get('status')}."


def _record(station: Station, code: str, severity: int, text: str, at: datetime, component: str = "") -> None:
    events.record(
        [
            Event(
                station=station,
                kind=Event.Kind.CERTIFICATE,
                code=code,
                severity=severity,
                at=at,
                received_at=at,
                text=text,
                component=component,
            )
        ]
    )


TREATED = {
    "DeleteCertificate": _was_deleted,
    "GetInstalledCertificateIds": _was_read,
    "InstallCertificate": _was_installed,
}
