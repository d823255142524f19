"""Pure: how an update moves by what its station says, in the words of every version.

Chargers say things twice, late, out of order and not at all. What is certain is the version with which a
station boots; so that decides, and what it says on the way is told as it comes.
"""

from __future__ import annotations

from dataclasses import dataclass


class UpdateState:
    """Where an update is. `installed` is the station's word, `done` is what its boot proved."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    DOWNLOADING = "downloading"
    PAUSED = "paused"
    DOWNLOADED = "downloaded"
    VERIFIED = "verified"
    INSTALL_SCHEDULED = "install_scheduled"
    INSTALLING = "installing"
    REBOOTING = "rebooting"
    INSTALLED = "installed"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


RUNNING = (
    UpdateState.REQUESTED,
    UpdateState.ACCEPTED,
    UpdateState.SCHEDULED,
    UpdateState.DOWNLOADING,
    UpdateState.PAUSED,
    UpdateState.DOWNLOADED,
    UpdateState.VERIFIED,
    UpdateState.INSTALL_SCHEDULED,
    UpdateState.INSTALLING,
    UpdateState.REBOOTING,
    UpdateState.INSTALLED,
)

#: (Signed)FirmwareStatusNotification, in the words of 1.6, its security extension, 2.0.1 and 2.1.
#: `Idle` says that nothing is under way, which an update knows better by its station's boot.
SAID: dict[str, str] = {
    "DownloadScheduled": UpdateState.SCHEDULED,
    "Downloading": UpdateState.DOWNLOADING,
    "DownloadPaused": UpdateState.PAUSED,
    "Downloaded": UpdateState.DOWNLOADED,
    "SignatureVerified": UpdateState.VERIFIED,
    "InstallScheduled": UpdateState.INSTALL_SCHEDULED,
    "Installing": UpdateState.INSTALLING,
    "InstallRebooting": UpdateState.REBOOTING,
    "Installed": UpdateState.INSTALLED,
    "DownloadFailed": UpdateState.FAILED,
    "InstallationFailed": UpdateState.FAILED,
    "InstallVerificationFailed": UpdateState.FAILED,
    "InvalidSignature": UpdateState.FAILED,
}

PROBLEMS = {
    "DownloadFailed": "The charger could not download it.",
    "InstallationFailed": "The charger could not install it.",
    "InstallVerificationFailed": "The charger found the installed software wrong.",
    "InvalidSignature": "The charger does not accept its signature.",
    "InvalidCertificate": "The charger does not accept its signing certificate.",
    "RevokedCertificate": "The charger says that its signing certificate is revoked.",
    "Rejected": "The charger refused the update.",
}
OLD_BOOTED = "The charger says it is installed, but still runs {version}."

#: OCPP 2.x severities: what somebody should look at, by its word.
SEVERITIES = {"InvalidSignature": 3, "InstallVerificationFailed": 3, "InvalidCertificate": 3}
SEVERITIES |= {"RevokedCertificate": 3, "DownloadFailed": 4, "InstallationFailed": 4}
INFORMATIONAL = 8


@dataclass(frozen=True)
class Move:
    """Where the update goes, with the sentence for people where it failed."""

    state: str
    problem: str = ""


def same_version(one: str, other: str) -> bool:
    return bool(one.strip()) and one.strip().casefold() == other.strip().casefold()


def on_status(state: str, status: str, *, wanted: str, runs: str, booted_since: bool) -> Move | None:
    """The station said `status`; None where that changes nothing.

    `wanted` is the image's version, `runs` the station's at its last boot; `booted_since`: the station booted
    after it had said this (a word that is ingested late).
    """
    new = SAID.get(status)
    if new is None or state == UpdateState.DONE or state == UpdateState.CANCELLED:
        return None
    if new == UpdateState.INSTALLED:
        if same_version(runs, wanted):
            return Move(UpdateState.DONE)
        if booted_since:
            return Move(UpdateState.FAILED, OLD_BOOTED.format(version=runs or "?"))
        return Move(UpdateState.INSTALLED)
    if new == UpdateState.FAILED:
        return Move(UpdateState.FAILED, PROBLEMS[status])
    # A failed one that goes on is the standard's retry: it is under way again.
    return Move(new) if new != state else None


def on_boot(state: str, *, wanted: str, runs: str, was: str) -> Move | None:
    """The station booted and says what it runs; None where that changes nothing.

    The same version over itself proves nothing by its boot, unless the installation had begun. A station
    may restart in the middle of an installation, so only its own word “Installed” makes an old version wrong.
    """
    if state in (UpdateState.DONE, UpdateState.CANCELLED):
        return None
    if same_version(runs, wanted):
        begun = state in (UpdateState.INSTALLING, UpdateState.REBOOTING, UpdateState.INSTALLED)
        return Move(UpdateState.DONE) if begun or not same_version(was, wanted) else None
    if state == UpdateState.INSTALLED:
        return Move(UpdateState.FAILED, OLD_BOOTED.format(version=runs or "?"))
    return None


#: What a station may answer to an update's call; 1.6's plain one has no words.
ACCEPTS = ("Accepted", "AcceptedCanceled")


def on_answer(state: str, answer: str) -> Move | None:
    if state != UpdateState.REQUESTED:
        return None  # Its station has already begun.
    if answer in ACCEPTS:
        return Move(UpdateState.ACCEPTED)
    return Move(UpdateState.FAILED, PROBLEMS.get(answer, PROBLEMS["Rejected"]))


#: PublishFirmwareStatusNotification → the publication's state.
PUBLICATION = {
    "DownloadScheduled": "running",
    "Downloading": "running",
    "Downloaded": "running",
    "DownloadPaused": "running",
    "ChecksumVerified": "running",
    "Published": "published",
    "DownloadFailed": "failed",
    "InvalidChecksum": "failed",
    "PublishFailed": "failed",
}
