"""How one message is treated; each version's ROUTES reads like its standard's index."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from stations.facts import Fact
from stations.models import Station


@dataclass(frozen=True)
class Incoming:
    """A checked message. `station` is read fresh for decisions and may be stale for reports."""

    station: Station
    version: str
    payload: dict
    received_at: datetime
    message_id: str = ""


@dataclass(frozen=True)
class Route:
    """`decide` runs in a transaction, in a thread, and is committed before the answer. `answer` is at once.

    With `facts` or `later`, the frame goes into the journal for workers, and is durable before the answer:
    `facts` are ingested in bulk, `later` is called for each message by itself, in the order in which they
    came and in the transaction that marks the batch as done, so what it does happens exactly once.
    `together` is a `decide` for all that came in the same moment, with an answer for each.
    `free_texts` are fields that may be cut to the schema's length; `identifiers` (dotted) may be longer than
    it, because a token nobody issued is a matter for the decision, and never a reason to lose a stop.
    """

    decide: Callable[[Incoming], dict] | None = None
    together: Callable[[list[Incoming]], list[dict]] | None = None
    answer: Callable[[Incoming], dict] | None = None
    #: Where only some payloads need a decision (2.x TransactionEvent); the others get `answer`.
    decides: Callable[[dict], bool] | None = None
    facts: Callable[[dict, datetime], Iterable[Fact]] | None = None
    later: Callable[[Incoming], None] | None = None
    #: For what others have to be asked: awaited in a task of its own, while the socket is read on.
    slowly: Callable[[Incoming], Awaitable[dict]] | None = None
    #: Where only some payloads take long; the others are decided.
    slow_for: Callable[[dict], bool] | None = None
    free_texts: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    #: Passes while the station's registration is pending or rejected.
    before_boot: bool = False
    #: 2.1: comes as a SEND, to which nobody answers.
    unanswered: bool = False
    #: Kept in the journal before it is answered, though no worker ingests it.
    durable: bool = True

    #: Its payload may hold secrets, which the message log doesn't show.
    is_secret: bool = False

    @property
    def for_workers(self) -> bool:
        return self.facts is not None or self.later is not None

    def is_slow(self, payload: dict) -> bool:
        return self.slowly is not None and (self.slow_for is None or self.slow_for(payload))

    def is_decision(self, payload: dict) -> bool:
        if self.decide is None and self.together is None:
            return False
        return self.decides is None or self.decides(payload)

    def is_report(self, payload: dict) -> bool:
        """Whether its answer is known at once and depends on nothing but that the message is kept."""
        return not (self.unanswered or self.is_secret or self.is_slow(payload) or self.is_decision(payload))


def empty(incoming: Incoming) -> dict:
    """Kept in the message log for the operator; nothing follows from it."""
    return {}


def rejected(incoming: Incoming) -> dict:
    """Refused, and kept in the message log for the operator."""
    return {"status": "Rejected"}
