"""One charge, from authorisation to its end, in no protocol's words but OCPP's reasons."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from .station import Reading
from .tokens import Token


class Reason(Enum):
    """Why a transaction ended: (OCPP 1.6 reason, 2.x stoppedReason, 2.x triggerReason)."""

    LOCAL = ("Local", "Local", "StopAuthorized")
    REMOTE = ("Remote", "Remote", "RemoteStop")
    EV_DISCONNECTED = ("EVDisconnected", "EVDisconnected", "EVDeparted")
    DEAUTHORIZED = ("DeAuthorized", "DeAuthorized", "Deauthorized")
    POWER_LOSS = ("PowerLoss", "PowerLoss", "AbnormalCondition")
    SOFT_RESET = ("SoftReset", "ImmediateReset", "ResetCommand")
    HARD_RESET = ("HardReset", "ImmediateReset", "ResetCommand")
    UNLOCK = ("UnlockCommand", "Other", "UnlockCommand")
    CONNECT_TIMEOUT = ("Other", "Timeout", "EVConnectTimeout")
    ENERGY_LIMIT = ("Other", "EnergyLimitReached", "EnergyLimitReached")
    TIME_LIMIT = ("Other", "TimeLimitReached", "TimeLimitReached")
    SOC_LIMIT = ("Other", "SOCLimitReached", "SoCLimitReached")
    FAULT = ("Other", "Other", "AbnormalCondition")


@dataclass
class Transaction:
    """`id` is ours and goes on the wire in 2.x; `portal_id` is what a 1.6 portal answers to our start."""

    id: str
    evse: int
    token: Token
    group: Token | None
    opened_at: datetime
    trigger: str
    remote_start_id: int | None = None
    reservation_id: int | None = None
    connector: int | None = None
    portal_id: int | None = None
    seq_no: int = 0
    state: str = "Idle"
    energised_at: datetime | None = None
    first: Reading | None = None
    ended_at: datetime | None = None
    last: Reading | None = None
    #: What a signing meter made of the first reading.
    signed_begin: str = ""
    reason: Reason | None = None
    stop_token: Token | None = None
    #: 2.1: what the portal has said that it may take (*TransactionLimit*).
    limit: dict = field(default_factory=dict)

    def next_seq_no(self) -> int:
        """Numbers 2.x events 0, 1, 2, …"""
        number, self.seq_no = self.seq_no, self.seq_no + 1
        return number
