"""Whatever becomes of a charger's messages on the way, its session bills the true energy or is held.

A model charger charges one or two cars; what it sends is then delivered with messages repeated, delayed, out
of order and lost. `EVPORTAL_EXAMPLES=20000 pytest tests/stations/test_interleavings.py` looks longer.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import prices
from stations import closing
from stations.models import Session
from tests import make
from tests.matrix import undone
from tests.stations.delivery import deliver, ingest_waiting

pytestmark = pytest.mark.django_db

EXAMPLES = int(os.environ.get("EVPORTAL_EXAMPLES", "300"))
many = settings(
    max_examples=EXAMPLES // 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
EVERY = timedelta(minutes=5)
#: The journal has tables for the days around today. Delivered long after all of it, as by an offline charger.
BACK = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
START = BACK - timedelta(hours=10)


@dataclass
class Said:
    """One message of the model charger, as it would be if the line were perfect."""

    car: int
    kind: str
    at: datetime
    wh: int
    seq_no: int


@dataclass
class Car:
    first_wh: int
    last_wh: int
    said: list[Said]

    @property
    def true_wh(self) -> int:
        return self.last_wh - self.first_wh


@st.composite
def cars(draw):
    """One or two charges after each other at one EVSE, whose register goes on between them."""
    wh, at, found = draw(st.integers(0, 5_000_000)), START, []
    for number in range(draw(st.integers(1, 2))):
        first, said = wh, [Said(number, "start", at, wh, 0)]
        for seq_no, step in enumerate(draw(st.lists(st.integers(0, 1800), max_size=4)), start=1):
            wh, at = wh + step, at + EVERY
            said.append(Said(number, "meter", at, wh, seq_no))
        wh, at = wh + draw(st.integers(0, 1800)), at + EVERY
        said.append(Said(number, "stop", at, wh, len(said)))
        found.append(Car(first, wh, said))
        at += EVERY
    return found


@st.composite
def histories(draw, in_order: bool):
    """(cars, what arrives): repeats, losses and, if the protocol allows it, any order."""
    charged = draw(cars())
    arriving = []
    for said in (each for car in charged for each in car.said):
        fate = draw(st.sampled_from(["once", "once", "once", "twice", "lost"]))
        arriving += [said] * {"once": 1, "twice": 2, "lost": 0}[fate]
    if not in_order:
        return charged, draw(st.permutations(arriving))
    # Readings wait in a queue of their own; starts and stops keep their order, as 1.6 §3.7.1 wants it.
    moved = [each for each in arriving if each.kind == "meter" and draw(st.booleans())]
    rest = [each for each in arriving if not any(each is one for one in moved)]
    for each in moved:
        rest.insert(draw(st.integers(0, len(rest))), each)
    return charged, rest


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Charger16:
    version = "1.6"

    def __init__(self, station):
        self.station, self.ids, self.now = station, {}, BACK

    def send(self, said: Said, ingested: bool) -> None:
        self.now += timedelta(seconds=1)
        # A charger that was never answered its start has no number to give.
        transaction_id = self.ids.get(said.car, -1)
        if said.kind == "start":
            payload = {"connectorId": 1, "idTag": f"CAR{said.car}", "meterStart": said.wh}
            payload["timestamp"] = text(said.at)
            answer = self._call("StartTransaction", payload, ingested)
            self.ids[said.car] = answer["transactionId"]
        elif said.kind == "stop":
            payload = {"transactionId": transaction_id, "idTag": f"CAR{said.car}", "meterStop": said.wh}
            self._call("StopTransaction", payload | {"timestamp": text(said.at)}, ingested)
        else:
            sampled = [{"value": str(said.wh), "measurand": "Energy.Active.Import.Register"}]
            value = {"timestamp": text(said.at), "sampledValue": sampled}
            payload = {"connectorId": 1, "transactionId": transaction_id, "meterValue": [value]}
            self._call("MeterValues", payload, ingested)

    def _call(self, action, payload, ingested):
        return deliver(self.station, self.version, action, payload, self.now, ingested=ingested)


class Charger2x(Charger16):
    version = "2.0.1"
    KINDS = {"start": ("Started", "Transaction.Begin"), "meter": ("Updated", "Sample.Periodic")}

    def send(self, said: Said, ingested: bool) -> None:
        self.now += timedelta(seconds=1)
        kind, context = self.KINDS.get(said.kind, ("Ended", "Transaction.End"))
        sampled = {"value": said.wh, "context": context, "unitOfMeasure": {"unit": "Wh"}}
        payload = {
            "eventType": kind,
            "timestamp": text(said.at),
            "triggerReason": "MeterValuePeriodic",
            "seqNo": said.seq_no,
            "transactionInfo": {"transactionId": f"T{said.car}"},
            "evse": {"id": 1, "connectorId": 1},
            "meterValue": [{"timestamp": text(said.at), "sampledValue": [sampled]}],
        }
        if said.kind == "start":
            payload["idToken"] = {"idToken": f"CAR{said.car}", "type": "ISO14443"}
        self._call("TransactionEvent", payload, ingested)


@pytest.fixture
def station(db):
    site = make.site()
    row = make.station(site=site, identity="CP-1", ocpp_version="2.0.1")
    make.evse(station=row, max_power_w=22_000)
    for number in range(2):
        make.id_token(operator=site.operator, token=f"CAR{number}")
    return row


def play(charger: Charger16, arriving: list[Said], lags: list[bool]) -> list[Session]:
    """Deliver it, some of it lying in the journal until the end; what stays open is then given up."""
    for index, said in enumerate(arriving):
        charger.send(said, ingested=not lags[index % len(lags)])
    ingest_waiting()
    for session in Session.objects.open().filter(station=charger.station):
        closing.close_estimated(session=session, now=charger.now, reason="Other")
    return list(Session.objects.with_place().filter(station=charger.station).order_by("started_at"))


def car_of(session: Session, charged: list[Car]) -> Car:
    """Which car it was, by the card where it is known, else by the transaction's name."""
    return charged[int(session.token[3:] if session.token else session.transaction_id[1:])]


def check(sessions: list[Session], charged: list[Car]) -> None:
    for session in sessions:
        true_wh = car_of(session, charged).true_wh
        billed = prices.usage(session).energy_wh if session.stopped_at >= session.started_at else None
        if session.review:
            continue
        assert billed == session.energy_wh, "what is billed is what is shown"
        if session.is_estimated:
            assert session.energy_wh <= true_wh
        else:
            assert session.energy_wh == true_wh
    assert len({car_of(session, charged).first_wh for session in sessions}) <= len(charged)
    sound = [session for session in sessions if not session.review]
    assert sum(each.energy_wh for each in sound) <= sum(car.true_wh for car in charged)


def is_whole(charged: list[Car], arriving: list[Said]) -> bool:
    return all(any(each is said for each in arriving) for car in charged for said in car.said)


def check_whole(sessions: list[Session], charged: list[Car]) -> None:
    """Nothing was lost, so nothing may be held, estimated, or in a session too many."""
    assert [(each.energy_wh, each.review, each.is_estimated) for each in sessions] == [
        (Decimal(car.true_wh), "", False) for car in charged
    ]


@many
@given(history=histories(in_order=True), lags=st.lists(st.booleans(), min_size=1, max_size=4))
def test_in_1_6_the_true_energy_is_billed_or_the_session_is_held(station, history, lags):
    charged, arriving = history
    with undone():
        sessions = play(Charger16(station), arriving, lags)
        check(sessions, charged)
        if is_whole(charged, arriving):
            check_whole(sessions, charged)


@many
@given(history=histories(in_order=False), lags=st.lists(st.booleans(), min_size=1, max_size=4))
def test_in_2_x_the_true_energy_is_billed_or_the_session_is_held(station, history, lags):
    charged, arriving = history
    with undone():
        sessions = play(Charger2x(station), arriving, lags)
        check(sessions, charged)
        if is_whole(charged, arriving):
            check_whole(sessions, charged)
