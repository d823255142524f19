"""What reports say, in words that no longer depend on the protocol's version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stations.meter import Sample


@dataclass(frozen=True)
class Metered:
    """Values of one EVSE's meter, with the transaction they belong to if the charger said so."""

    evse_number: int
    samples: tuple[Sample, ...]
    transaction_id: str = ""
    #: Without an id: whatever runs at that EVSE is meant (1.6).
    is_of_session: bool = False
    #: Kept for a person where it belongs nowhere.
    payload: dict | None = None


@dataclass(frozen=True)
class Signed:
    """A signed value, untouched."""

    evse_number: int
    transaction_id: str
    at: datetime
    context: str
    data: str
    method: str = ""
    encoding: str = ""
    public_key: str = ""


@dataclass(frozen=True)
class Progress:
    """One event of a 2.x transaction has come: its seqNo, and what a session could be made from."""

    transaction_id: str
    evse_number: int
    connector_number: int
    seq_no: int
    at: datetime
    received_at: datetime


@dataclass(frozen=True)
class Reported:
    """An EVSE's state, in the words of `State`, at our receive time; number 0 is the station as a whole."""

    evse_number: int
    state: str
    received_at: datetime
    error_code: str = ""
    vendor_error: str = ""
    info: str = ""


@dataclass(frozen=True)
class Flow:
    """Whether a transaction's energy flows (2.x chargingState)."""

    transaction_id: str
    charging_state: str
    received_at: datetime


Fact = Metered | Reported | Flow | Signed | Progress
