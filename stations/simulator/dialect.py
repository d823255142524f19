"""What a protocol version must offer the charger: v16, v201 and v21 are parallel modules of this shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from .station import Reading
from .tokens import Token, Verdict
from .transactions import Transaction
from .transport import Answer

if TYPE_CHECKING:
    from .point import Point


@dataclass(frozen=True)
class BootReply:
    """Accepted, Pending or Rejected, and the seconds to the next heartbeat or attempt."""

    status: str
    interval_s: int


class Dialect(Protocol):
    """Turns events of the model into messages, and the portal's calls into the charger's acts."""

    subprotocol: str
    # CALLERROR code for a payload we cannot read: 1.6 spells it differently.
    malformed: str
    # Which requests for a signature a portal may trigger.
    certificate_triggers: tuple[str, ...]
    answers: dict[str, Callable[[dict], Awaitable[dict | Answer]]]

    async def boot(self, reason: str) -> BootReply: ...

    async def heartbeat(self, *, urgent: bool = False) -> None: ...

    def condition(self, point: Point | None) -> Hashable:
        """What `status` would say: worth telling when it differs from what was told last."""

    def status(self, point: Point | None, *, urgent: bool = False) -> Awaitable:
        """Report an EVSE as it is now, or with None the station as a whole."""

    async def authorize(self, token: Token) -> Verdict: ...

    async def meter_values(self, point: Point, *, urgent: bool = False) -> None:
        """Report the meter outside of a transaction's own rhythm."""

    async def firmware_status(
        self, status: str, request_id: int | None = None, *, urgent: bool = False
    ) -> None: ...

    async def log_status(
        self, status: str, request_id: int | None = None, *, urgent: bool = False
    ) -> None: ...

    async def sign_certificate(self, csr: str, use: str) -> None: ...

    async def security_event(self, code: str, text: str) -> None: ...

    async def fault_notice(self, point: Point, *, cleared: bool) -> None:
        """Say what broke, where StatusNotification cannot."""

    async def reservation_ended(self, reservation_id: int, how: str) -> None: ...

    def opened(self, tx: Transaction, reading: Reading) -> None:
        """Authorised; the cable may still be missing."""

    def plugged(self, tx: Transaction) -> None:
        """The cable came after the authorisation."""

    def energised(self, tx: Transaction) -> None:
        """The contactor has closed; the meter counts for this transaction."""

    def flow_changed(self, tx: Transaction, moment: datetime) -> None: ...

    def sampled(self, tx: Transaction, reading: Reading, moment: datetime) -> None: ...

    def ended(self, tx: Transaction) -> None: ...
