"""OCPP 2.0.1 as a charging station speaks it; `v21` differs by little."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING

from . import screen
from .answers201 import Answers201, verdict
from .answers_energy import EnergyAnswers
from .clock import stamp
from .dialect import BootReply
from .signing import signed_201
from .station import Reading
from .tokens import Token, Verdict
from .transactions import Transaction
from .transport import CallFailed, Offline

if TYPE_CHECKING:
    from .charger import SimulatedCharger
    from .point import Point

# 1.6's finer statuses that only say "somebody is here".
OCCUPIED = {"Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"}


def id_token(token: Token) -> dict:
    return {"idToken": token.value[:36], "type": token.type}


def meter_value(reading: Reading, moment: datetime, context: str) -> dict:
    """A reading in 2.x's words."""

    def value(number: float, measurand: str, unit: str, **more: str) -> dict:
        return {
            "value": number,
            "context": context,
            "measurand": measurand,
            "location": "Outlet",
            "unitOfMeasure": {"unit": unit},
            **more,
        }

    values = [
        value(round(reading.energy_wh, 1), "Energy.Active.Import.Register", "Wh"),
        value(round(reading.power_w, 1), "Power.Active.Import", "W"),
    ]
    for name, volts, amperes in reading.phases:
        values.append(value(round(amperes, 2), "Current.Import", "A", **({"phase": name} if name else {})))
        values.append(value(round(volts, 1), "Voltage", "V", **({"phase": f"{name}-N"} if name else {})))
    if reading.soc is not None:
        values.append({**value(round(reading.soc, 1), "SoC", "Percent"), "location": "EV"})
    return {"timestamp": stamp(moment), "sampledValue": values}


class Dialect:
    """See `dialect.Dialect`."""

    subprotocol = "ocpp2.0.1"
    malformed = "FormatViolation"
    certificate_triggers = ("SignChargingStationCertificate", "SignV2GCertificate")

    def __init__(self, charger: SimulatedCharger) -> None:
        self._charger = charger
        self._events = count(1)
        self.answers = Answers201(charger).table() | screen.answers(charger) | EnergyAnswers(charger).table()

    async def boot(self, reason: str) -> BootReply:
        station = self._charger.station
        reply = await self._call(
            "BootNotification",
            {
                "reason": reason,
                "chargingStation": {
                    "vendorName": station.vendor[:50],
                    "model": station.model[:20],
                    "serialNumber": station.serial[:25],
                    "firmwareVersion": station.firmware[:50],
                },
            },
            urgent=True,
        )
        return BootReply(reply["status"], int(reply["interval"]))

    async def heartbeat(self, *, urgent: bool = False) -> None:
        await self._call("Heartbeat", {}, urgent=urgent)

    def condition(self, point: Point | None) -> tuple[str, ...]:
        """The status of each connector; a 2.x station as a whole reports none."""
        if point is None:
            return ()
        if point.status in OCCUPIED:
            return tuple("Occupied" if c.plugged else "Available" for c in point.evse.connectors)
        return (point.status,) * len(point.evse.connectors)

    def status(self, point: Point | None, *, urgent: bool = False) -> Awaitable:
        self._tell_monitors()
        calls = [
            self._call(
                "StatusNotification",
                {
                    "timestamp": stamp(self._charger.now()),
                    "connectorStatus": status,
                    "evseId": point.number,
                    "connectorId": connector.number,
                },
                urgent=urgent,
            )
            for connector, status in zip(
                point.evse.connectors if point else (), self.condition(point), strict=True
            )
        ]
        return asyncio.gather(*calls)

    async def authorize(self, token: Token) -> Verdict:
        reply = await self._call("Authorize", {"idToken": id_token(token)})
        return verdict(reply["idTokenInfo"])

    async def meter_values(self, point: Point, *, urgent: bool = False) -> None:
        await self._call(
            "MeterValues",
            {
                "evseId": point.number,
                "meterValue": [meter_value(point.evse.read(), self._charger.now(), "Trigger")],
            },
            urgent=urgent,
        )

    async def firmware_status(
        self, status: str, request_id: int | None = None, *, urgent: bool = False
    ) -> None:
        await self._call("FirmwareStatusNotification", _numbered(status, request_id), urgent=urgent)

    async def log_status(self, status: str, request_id: int | None = None, *, urgent: bool = False) -> None:
        await self._call("LogStatusNotification", _numbered(status, request_id), urgent=urgent)

    async def sign_certificate(self, csr: str, use: str) -> None:
        await self._call("SignCertificate", {"csr": csr, "certificateType": use}, urgent=True)

    async def security_event(self, code: str, text: str) -> None:
        payload = {"type": code, "timestamp": stamp(self._charger.now()), "techInfo": text[:255]}
        await self._call("SecurityEventNotification", payload)

    async def customer_information(self, request_id: int, text: str) -> None:
        """What is kept of a customer, in as many parts as the protocol's 512 characters ask for."""
        parts = [text[at : at + 512] for at in range(0, len(text), 512)]
        for number, part in enumerate(parts):
            payload = {
                "requestId": request_id,
                "seqNo": number,
                "tbc": number < len(parts) - 1,
                "generatedAt": stamp(self._charger.now()),
                "data": part,
            }
            await self._call("NotifyCustomerInformation", payload)

    async def fault_notice(self, point: Point, *, cleared: bool) -> None:
        now = stamp(self._charger.now())
        connector = point.evse.plugged or point.evse.connectors[0]
        event = {
            "eventId": next(self._events),
            "timestamp": now,
            "trigger": "Alerting",
            "actualValue": "false" if cleared else "true",
            "cleared": cleared,
            "eventNotificationType": "HardWiredNotification",
            "component": {
                "name": "Connector",
                "evse": {"id": point.number, "connectorId": connector.number},
            },
            "variable": {"name": "Problem"},
        }
        if point.vendor_code:
            event |= {"techCode": point.vendor_code[:50], "techInfo": point.fault_code}
        await self._call("NotifyEvent", {"generatedAt": now, "seqNo": 0, "eventData": [event]})

    def _tell_monitors(self) -> None:
        """One NotifyEvent for all monitors that have something to tell now."""
        charging = {point.number for point in self._charger.points if point.transaction}
        now = stamp(self._charger.now())
        events = [
            {
                "eventId": next(self._events),
                "timestamp": now,
                "trigger": trigger,
                "actualValue": value,
                "eventNotificationType": "CustomMonitor",
                "variableMonitoringId": monitor.id,
                "component": monitor.component,
                "variable": monitor.variable,
                **({"cleared": True} if cleared else {}),
            }
            for monitor, value, trigger, cleared in self._charger.monitors.due(charging)
        ]
        if events:
            notice = {"generatedAt": now, "seqNo": 0, "eventData": events}
            self._charger.spawn(self._told(notice))

    async def _told(self, notice: dict) -> None:
        with contextlib.suppress(CallFailed, Offline):
            await self._call("NotifyEvent", notice)

    async def needs(self, point: Point) -> None:
        """What a car that speaks ISO 15118 asks for: here those that charge with direct current."""
        car, volts = point.evse.car, point.evse.voltage_v
        if car is None:
            return
        parameters = {
            "evMaxCurrent": round(car.max_dc_w / volts),
            "evMaxVoltage": 500,
            "evMaxPower": round(car.max_dc_w),
            "energyAmount": round(car.room_wh),
            "evEnergyCapacity": round(car.battery_wh),
            "stateOfCharge": round(car.soc),
            "fullSoC": round(car.target_soc),
        }
        needs = {"requestedEnergyTransfer": "DC", "dcChargingParameters": parameters}
        with contextlib.suppress(CallFailed, Offline):
            await self._call(
                "NotifyEVChargingNeeds",
                {"evseId": point.number, "maxScheduleTuples": 8, "chargingNeeds": needs},
            )

    async def reservation_ended(self, reservation_id: int, how: str) -> None:
        await self._call(
            "ReservationStatusUpdate", {"reservationId": reservation_id, "reservationUpdateStatus": how}
        )

    def opened(self, tx: Transaction, reading: Reading) -> None:
        value = meter_value(reading, tx.opened_at, "Transaction.Begin")
        self._sign(value, tx, reading, tx.opened_at, "B")
        extra: dict = {"meterValue": [value]}
        if tx.reservation_id is not None:
            extra["reservationId"] = tx.reservation_id
        self._event("Started", tx, tx.trigger, tx.opened_at, token=tx.token, **extra)

    def plugged(self, tx: Transaction) -> None:
        self._event("Updated", tx, "CablePluggedIn", self._charger.now())

    def energised(self, tx: Transaction) -> None:
        """The change of the charging state follows; a car on direct current says first what it needs."""
        point = self._charger.evse(tx.evse)
        if point.evse.dc:
            self._charger.spawn(self.needs(point))

    def flow_changed(self, tx: Transaction, moment: datetime) -> None:
        self._event("Updated", tx, "ChargingStateChanged", moment)
        self._tell_monitors()

    def sampled(
        self, tx: Transaction, reading: Reading, moment: datetime, *, triggered: bool = False
    ) -> None:
        context = "Trigger" if triggered else "Sample.Periodic"
        self._event(
            "Updated",
            tx,
            "Trigger" if triggered else "MeterValuePeriodic",
            moment,
            droppable=True,
            meterValue=[meter_value(reading, moment, context)],
        )

    def ended(self, tx: Transaction) -> None:
        value = meter_value(tx.last, tx.ended_at, "Transaction.End")
        self._sign(value, tx, tx.last, tx.ended_at, "E")
        self._event(
            "Ended",
            tx,
            tx.reason.value[2],
            tx.ended_at,
            token=tx.stop_token,
            stopped_reason=tx.reason.value[1],
            meterValue=[value],
        )

    def _sign(self, value: dict, tx: Transaction, reading: Reading, moment: datetime, reason: str) -> None:
        """Where its meter signs, the register, which is the first value, carries that too."""
        if meter := self._charger.meters.get(tx.evse):
            text = meter.sign(reading, moment, reason, tx.token)
            value["sampledValue"][0]["signedMeterValue"] = signed_201(text, meter.public_key)

    def _event(
        self,
        kind: str,
        tx: Transaction,
        trigger: str,
        moment: datetime,
        *,
        token: Token | None = None,
        stopped_reason: str | None = None,
        droppable: bool = False,
        **extra,
    ) -> None:
        info: dict = {"transactionId": tx.id, "chargingState": tx.state}
        if tx.remote_start_id is not None:
            info["remoteStartId"] = tx.remote_start_id
        if stopped_reason:
            info["stoppedReason"] = stopped_reason
        evse = {"id": tx.evse} | ({"connectorId": tx.connector} if tx.connector else {})
        payload = {
            "eventType": kind,
            "timestamp": stamp(moment),
            "triggerReason": trigger,
            "seqNo": tx.next_seq_no(),
            "offline": not self._charger.link.connected,
            "transactionInfo": info,
            "evse": evse,
            **extra,
        }
        if token:
            payload["idToken"] = id_token(token)
        self._charger.link.post(
            "TransactionEvent",
            lambda: payload,
            droppable=droppable,
            on_reply=lambda reply: self._judged(tx, reply),
        )

    def _judged(self, tx: Transaction, reply: dict) -> None:
        if info := reply.get("idTokenInfo"):
            answer = verdict(info)
            tx.group = answer.group or tx.group
            self._charger.heed_verdict(tx, answer)

    def _call(self, action: str, payload: dict, *, urgent: bool = False) -> Awaitable[dict]:
        return self._charger.link.call(action, payload, urgent=urgent)


def _numbered(status: str, request_id: int | None) -> dict:
    return {"status": status} | ({} if request_id is None else {"requestId": request_id})
