"""A higher security profile, by the protocol: 1 → 2 → 3, and never back."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from stations.certificates import entry
from stations.configuration import names, runs
from stations.exceptions import ChargerOffline, Refused
from stations.models import Command, ConfigurationRun, Provisioning, Station
from stations.models.configuration import TAKEN

log = logging.getLogger(__name__)

HIGHEST = 3
INTERFACES = [f"{kind}{number}" for kind in ("Wired", "Wireless") for number in range(4)]
STEPS = ("SetNetworkProfile", "Reset")
KEY_16 = "SecurityProfile"
PRIORITY = "OCPPCommCtrlr/NetworkConfigurationPriority"
#: Seconds that a station waits for our answers on the new connection.
MESSAGE_TIMEOUT = 30


class NotHigher(Refused):
    default = "A charger's security profile is only ever raised."


class NotTold(Refused):
    default = (
        "Behind this portal's proxy no charger could sign in with a certificate: TRUST_PROXY and"
        " OCPP_CLIENT_CERT_HEADER are not set."
    )


class NoCertificate(Refused):
    default = (
        "The charger has no certificate that it could sign in with: have it ask for one first, or let an"
        " authority of yours admit chargers."
    )


class StillAtIt(Refused):
    default = "The charger is being told of a higher security profile already."


def csms_url() -> str:
    """Where chargers connect with TLS, without the identity."""
    return settings.PUBLIC_URL.replace("http://", "wss://").replace("https://", "wss://") + "/ocpp"


def free_slot(priority: str, slots: str) -> tuple[str, str]:
    """(a slot that isn't in use, the new priority with it in front). Pure."""
    in_use = [each.strip() for each in priority.split(",") if each.strip()]
    known = [each.strip() for each in slots.split(",") if each.strip()] or ["1", "2", "3"]
    slot = next((each for each in known if each not in in_use), known[-1])
    return slot, ",".join([slot, *(each for each in in_use if each != slot)])


def upgrade_calls(
    version: str, profile: int, url: str, priority: str, slots: str, interface: str = "Wired0"
) -> list:
    """Pure."""
    if names.is_16(version):
        return [("ChangeConfiguration", {"key": KEY_16, "value": str(profile)})]
    slot, order = free_slot(priority, slots)
    data = {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": url,
        "messageTimeout": MESSAGE_TIMEOUT,
        "securityProfile": profile,
        "ocppInterface": interface,
    }
    wish = {**names.to_wire(names.parse(version, PRIORITY)), "attributeValue": order}
    return [
        ("SetNetworkProfile", {"configurationSlot": int(slot), "connectionData": data}),
        ("SetVariables", {"setVariableData": [wish]}),
        ("Reset", {"type": "OnIdle"}),
    ]


@transaction.atomic
def upgrade(*, station: Station, profile: int, url: str = "", **more) -> ConfigurationRun:
    """Tell the station to come back with this profile. Until it does, the old one is good too."""
    if not station.security_profile < profile <= HIGHEST or profile < 2:
        raise NotHigher
    if not Station.objects.exclude(connection=None).filter(pk=station.pk).exists():
        raise ChargerOffline
    if profile == 3:
        _check_way_in(station)
    under_way = {"kind": ConfigurationRun.Kind.PROFILE, "status": ConfigurationRun.Status.RUNNING}
    if station.configuration_runs.filter(**under_way).exists():
        raise StillAtIt
    row = Provisioning.of(station)
    row.next_security_profile, row.next_security_profile_at = profile, timezone.now()
    row.save(update_fields=["next_security_profile", "next_security_profile_at"])
    priority = station.settings.filter(path=PRIORITY).first()
    wanted = upgrade_calls(
        station.ocpp_version,
        profile,
        url or csms_url(),
        (priority.value if priority else "") or "1",
        priority.choices if priority else "",
        _interface(station, priority.value if priority else None),
    )
    path = KEY_16 if names.is_16(station.ocpp_version) else "SetNetworkProfile"
    return runs.begin(
        station=station,
        kind=ConfigurationRun.Kind.PROFILE,
        to_send=wanted,
        results={path: {"wanted": str(profile), "status": ""}},
        **more,
    )


def _check_way_in(station: Station) -> None:
    """A charger that raised its profile and then can't sign in is lost: 1.6 has no way back."""
    if not settings.TRUST_PROXY or not settings.OCPP_CLIENT_CERT_HEADER:
        raise NotTold
    if not entry.may_have_one(station, timezone.now()):
        raise NoCertificate


def _interface(station: Station, priority: str | None) -> str:
    """The network that the station uses now, where it has told; a new profile is to use the same."""
    slot = (priority or "1").split(",")[0].strip()
    path = f"NetworkConfiguration[{slot}]/OcppInterface"
    told = station.settings.filter(path=path).values_list("value", flat=True).first()
    return told if told in INTERFACES else INTERFACES[0]


def went_on(run: ConfigurationRun, command: Command, outcomes: list) -> None:
    """After each step; where one is refused or not answered, the station keeps the profile that it has."""
    word, wrong = "", ""
    if command.status != Command.Status.ANSWERED:
        wrong = command.error_description or str(command.get_status_display())
    elif outcomes:
        wrong = next((f"{each.word} {each.info}" for each in outcomes if each.word not in TAKEN), "")
    else:
        word = str((command.response or {}).get("status") or "no status")
        wrong = "" if word in ("Accepted", "Scheduled") else word
    if command.action == "SetNetworkProfile":
        run.results["SetNetworkProfile"] |= {"status": word or command.status}
    if wrong:
        run.problem = f"{command.action}: {wrong}".strip()[:255]
        run.calls = []
    # A call that was not answered may have been taken all the same: then both profiles stay good.
    if wrong and command.status != Command.Status.TIMED_OUT:
        forget(station=run.station)


@transaction.atomic
def forget(*, station: Station) -> None:
    Provisioning.objects.filter(station=station).update(
        next_security_profile=None, next_security_profile_at=None
    )


# At the door


@transaction.atomic
def reached(*, station: Station, profile: int) -> None:
    """The station has come with its new profile: from now on nothing less is taken."""
    won = Station.objects.filter(pk=station.pk, security_profile__lt=profile).update(security_profile=profile)
    forget(station=station)
    if won:
        station.security_profile = profile
        log.info("Station %s has come with security profile %s", station.pk, profile)
