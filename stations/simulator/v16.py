"""OCPP 1.6 as a charge point speaks it; an EVSE is what 1.6 calls a connector."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import TYPE_CHECKING

from .answers16 import Answers16, verdict
from .clock import stamp
from .dialect import BootReply
from .signing import sampled_16
from .station import Reading
from .tokens import Token, Verdict
from .transactions import Transaction

if TYPE_CHECKING:
    from .charger import SimulatedCharger
    from .point import Point

# A start the portal never answered leaves its transaction without a number; 1.6 chargers then send this.
NO_TRANSACTION = -1


def sampled_values(reading: Reading, context: str) -> list[dict]:
    """A reading in 1.6's words; every value is a string."""

    def value(number: str, measurand: str, unit: str, **more: str) -> dict:
        return {
            "value": number,
            "context": context,
            "measurand": measurand,
            "location": "Outlet",
            "unit": unit,
            **more,
        }

    values = [
        value(str(int(reading.energy_wh)), "Energy.Active.Import.Register", "Wh"),
        value(f"{reading.power_w:.1f}", "Power.Active.Import", "W"),
    ]
    for name, volts, amperes in reading.phases:
        values.append(value(f"{amperes:.2f}", "Current.Import", "A", **({"phase": name} if name else {})))
        values.append(value(f"{volts:.1f}", "Voltage", "V", **({"phase": f"{name}-N"} if name else {})))
    if reading.soc is not None:
        values.append({**value(f"{reading.soc:.0f}", "SoC", "Percent"), "location": "EV"})
    return values


class Dialect:
    """See `dialect.Dialect`."""

    subprotocol = "ocpp1.6"
    malformed = "FormationViolation"
    certificate_triggers = ("SignChargePointCertificate",)

    def __init__(self, charger: SimulatedCharger) -> None:
        self._charger = charger
        self.answers = Answers16(charger).table()

    async def boot(self, reason: str) -> BootReply:
        station = self._charger.station
        reply = await self._call(
            "BootNotification",
            {
                "chargePointVendor": station.vendor[:20],
                "chargePointModel": station.model[:20],
                "chargePointSerialNumber": station.serial[:25],
                "firmwareVersion": station.firmware[:50],
            },
            urgent=True,
        )
        return BootReply(reply["status"], int(reply["interval"]))

    async def heartbeat(self, *, urgent: bool = False) -> None:
        await self._call("Heartbeat", {}, urgent=urgent)

    def condition(self, point: Point | None) -> str:
        return point.status if point else self._charger.status

    def status(self, point: Point | None, *, urgent: bool = False) -> Awaitable:
        payload = {
            "connectorId": point.number if point else 0,
            "errorCode": (point and point.fault_code) or "NoError",
            "status": self.condition(point),
            "timestamp": stamp(self._charger.now()),
        }
        if point and point.vendor_code:
            payload |= {
                "vendorId": self._charger.station.vendor[:255],
                "vendorErrorCode": point.vendor_code[:50],
            }
        return self._call("StatusNotification", payload, urgent=urgent)

    async def authorize(self, token: Token) -> Verdict:
        reply = await self._call("Authorize", {"idTag": token.value[:20]})
        return verdict(reply["idTagInfo"])

    async def meter_values(self, point: Point, *, urgent: bool = False) -> None:
        payload = self._meter_values(
            point.number, point.transaction, point.evse.read(), self._charger.now(), "Trigger"
        )
        await self._call("MeterValues", payload, urgent=urgent)

    async def firmware_status(
        self, status: str, request_id: int | None = None, *, urgent: bool = False
    ) -> None:
        # The security extension's update carries a number and is told of under another name.
        if request_id is None:
            await self._call("FirmwareStatusNotification", {"status": status}, urgent=urgent)
        else:
            await self._call(
                "SignedFirmwareStatusNotification",
                {"status": status, "requestId": request_id},
                urgent=urgent,
            )

    async def log_status(self, status: str, request_id: int | None = None, *, urgent: bool = False) -> None:
        # GetLog came with the security whitepaper and carries a request id; GetDiagnostics has none.
        if request_id is None:
            await self._call("DiagnosticsStatusNotification", {"status": status}, urgent=urgent)
        else:
            await self._call(
                "LogStatusNotification", {"status": status, "requestId": request_id}, urgent=urgent
            )

    async def sign_certificate(self, csr: str, use: str) -> None:
        await self._call("SignCertificate", {"csr": csr}, urgent=True)

    async def security_event(self, code: str, text: str) -> None:
        payload = {"type": code, "timestamp": stamp(self._charger.now()), "techInfo": text[:255]}
        await self._call("SecurityEventNotification", payload)

    async def fault_notice(self, point: Point, *, cleared: bool) -> None:
        """Nothing: in 1.6 the StatusNotification says what broke."""

    async def reservation_ended(self, reservation_id: int, how: str) -> None:
        """Nothing: in 1.6 the connector's status says it."""

    def opened(self, tx: Transaction, reading: Reading) -> None:
        """Nothing: in 1.6 a transaction starts with its energy."""

    def plugged(self, tx: Transaction) -> None:
        """Nothing: the start follows at once."""

    def energised(self, tx: Transaction) -> None:
        if meter := self._charger.meters.get(tx.evse):
            tx.signed_begin = meter.sign(tx.first, tx.energised_at, "B", tx.token)
        payload = {
            "connectorId": tx.evse,
            "idTag": tx.token.value[:20],
            "meterStart": int(tx.first.energy_wh),
            "timestamp": stamp(tx.energised_at),
        }
        if tx.reservation_id is not None:
            payload["reservationId"] = tx.reservation_id
        self._charger.link.post(
            "StartTransaction", lambda: payload, on_reply=lambda reply: self._started(tx, reply)
        )

    def flow_changed(self, tx: Transaction, moment: datetime) -> None:
        """Nothing: the StatusNotification says it."""

    def sampled(self, tx: Transaction, reading: Reading, moment: datetime) -> None:
        self._charger.link.post(
            "MeterValues",
            lambda: self._meter_values(tx.evse, tx, reading, moment, "Sample.Periodic"),
            droppable=True,
        )

    def ended(self, tx: Transaction) -> None:
        if not tx.energised_at:
            return
        begin = sampled_values(tx.first, "Transaction.Begin")
        end = sampled_values(tx.last, "Transaction.End")
        if meter := self._charger.meters.get(tx.evse):
            signed_end = meter.sign(tx.last, tx.ended_at, "E", tx.token)
            begin.append(sampled_16(tx.signed_begin, "Transaction.Begin"))
            end.append(sampled_16(signed_end, "Transaction.End"))
        payload = {
            "meterStop": int(tx.last.energy_wh),
            "timestamp": stamp(tx.ended_at),
            "reason": tx.reason.value[0],
            "transactionData": [
                {"timestamp": stamp(tx.energised_at), "sampledValue": begin},
                {"timestamp": stamp(tx.ended_at), "sampledValue": end},
            ],
        }
        if tx.stop_token:
            payload["idTag"] = tx.stop_token.value[:20]
        self._charger.link.post(
            "StopTransaction",
            lambda: payload | {"transactionId": NO_TRANSACTION if tx.portal_id is None else tx.portal_id},
        )

    def _started(self, tx: Transaction, reply: dict) -> None:
        tx.portal_id = reply["transactionId"]
        answer = verdict(reply["idTagInfo"])
        tx.group = answer.group or tx.group
        self._charger.heed_verdict(tx, answer)

    def _meter_values(
        self, evse: int, tx: Transaction | None, reading: Reading, moment: datetime, context: str
    ) -> dict:
        payload = {
            "connectorId": evse,
            "meterValue": [{"timestamp": stamp(moment), "sampledValue": sampled_values(reading, context)}],
        }
        if tx and tx.portal_id is not None:
            payload["transactionId"] = tx.portal_id
        return payload

    def _call(self, action: str, payload: dict, *, urgent: bool = False) -> Awaitable[dict]:
        return self._charger.link.call(action, payload, urgent=urgent)
