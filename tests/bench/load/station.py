"""One charge point of the load generator: one outstanding call, and a backlog in open mode."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import random
import time
import uuid
from collections import deque
from typing import TYPE_CHECKING

import orjson

from tests.bench.load.payloads import answer_2x, answer_16, meter_value, timestamp
from tests.bench.load.stats import now

if TYPE_CHECKING:
    from tests.bench.load.worker import Worker

SUBPROTOCOL = {"1.6": "ocpp1.6", "2.0.1": "ocpp2.0.1", "2.1": "ocpp2.1"}
CALL, RESULT, ERROR = 2, 3, 4


class CallFailed(Exception):
    """The server did not give a CALLRESULT: `kind` says why."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind


class Station:
    def __init__(self, name: str, index: int, worker: Worker) -> None:
        self.name = name
        self.index = index
        self.worker = worker
        self.args = worker.args
        self.stats = worker.stats
        self.version = worker.args.ocpp
        self.link = None
        self.closing = False
        self.sequence = 0
        self.pending: tuple[str, asyncio.Future, float] | None = None
        self.backlog: deque[float] = deque()
        self.transaction = None
        self.tx_seq = 0
        self.connector = 1
        self.wh = 1000 + index % 1000
        self.last_ms = 0

    # -- link ------------------------------------------------------------- #

    async def open(self) -> None:
        headers = []
        if self.args.auth:
            credentials = self.args.auth.replace("{id}", self.name).encode()
            headers.append(("Authorization", "Basic " + base64.b64encode(credentials).decode()))
        self.link = await self.worker.open_link(
            self.args.url.replace("{id}", self.name),
            headers,
            SUBPROTOCOL[self.version],
            self.on_text,
            self.on_close,
            self.args.timeout,
        )

    def on_close(self) -> None:
        if not self.closing:
            self.stats.count["disconnects"] += 1
        self.link = None
        if self.pending:
            _, future, _ = self.pending
            self.pending = None
            if not future.done():
                future.set_exception(CallFailed("disconnected"))

    def send(self, frame: list) -> None:
        data = orjson.dumps(frame)
        self.stats.count["bytes_out"] += len(data)
        self.stats.count["messages_out"] += 1
        self.link.send(data)

    def on_text(self, data) -> None:
        count = self.stats.count
        count["bytes_in"] += len(data)
        count["messages_in"] += 1
        try:
            frame = orjson.loads(data)
            kind, message_id = frame[0], frame[1]
        except Exception:
            self.stats.error("unparsable frame", repr(data[:200]))
            return
        if kind == CALL:
            self.answer(message_id, frame[2], frame[3])
            return
        pending = self.pending
        if pending is None or pending[0] != message_id:
            self.stats.error("answer to nothing outstanding", repr(data[:200]))
            return
        self.pending = None
        future = pending[1]
        if future.done():
            return
        if kind == RESULT:
            future.set_result((frame[2], now()))
        else:
            future.set_exception(CallFailed("CALLERROR", repr(frame[2:])))

    def answer(self, message_id: str, action: str, payload: dict) -> None:
        self.stats.count["server_calls"] += 1
        self.stats.count["server_call:" + action] += 1
        reply = (answer_16 if self.version == "1.6" else answer_2x)(action, payload)
        if reply is None:
            self.send([ERROR, message_id, "NotImplemented", "", {}])
        else:
            self.send([RESULT, message_id, reply])

    async def call(self, action: str, payload: dict, series: str | None = None) -> dict:
        if self.link is None:
            raise CallFailed("not connected")
        self.sequence += 1
        message_id = f"{self.worker.run_id}-{self.index}-{self.sequence}"
        future = self.worker.loop.create_future()
        started = now()
        self.pending = (message_id, future, started)
        self.send([CALL, message_id, action, payload])
        handle = self.worker.loop.call_later(self.args.timeout, self.expire, message_id)
        try:
            result, answered = await future
        finally:
            handle.cancel()
        self.stats.add(series or action, answered - started)
        return result

    def expire(self, message_id: str) -> None:
        if self.pending and self.pending[0] == message_id:
            _, future, _ = self.pending
            self.pending = None
            if not future.done():
                future.set_exception(CallFailed("timeout"))

    async def attempt(self, action: str, payload: dict, series: str | None = None) -> dict | None:
        try:
            return await self.call(action, payload, series)
        except CallFailed as e:
            self.stats.error(f"{action} {e.kind}", str(e))
            return None

    # -- OCPP ------------------------------------------------------------- #

    def clock(self) -> str:
        """Wall time in ms, strictly increasing for this station."""
        self.last_ms = max(self.last_ms + 1, int(time.time() * 1000))
        return timestamp(self.last_ms / 1000)

    async def connect_and_boot(self) -> bool:
        began = now()
        for attempt in range(1 + self.args.connect_retries):
            if attempt:
                self.stats.count["connect_retries"] += 1
                await asyncio.sleep(random.uniform(0.2, 0.5) * 2**attempt)
            try:
                t = now()
                await self.open()
                self.stats.add("connect", now() - t)
                break
            except Exception as e:
                self.stats.error("connect " + type(e).__name__, repr(e))
        else:
            self.stats.count["connect_failed"] += 1
            return False
        if self.version == "1.6":
            payload = {
                "chargePointVendor": self.args.vendor,
                "chargePointModel": self.args.model,
                "chargePointSerialNumber": self.name[:25],
                "firmwareVersion": "1.0.0",
            }
        else:
            payload = {
                "reason": "PowerUp",
                "chargingStation": {
                    "model": self.args.model,
                    "vendorName": self.args.vendor,
                    "serialNumber": self.name[:25],
                    "firmwareVersion": "1.0.0",
                },
            }
        for _ in range(1 + self.args.boot_retries):
            reply = await self.attempt("BootNotification", payload)
            if reply is None:
                break
            status = reply.get("status")
            if status == "Accepted":
                self.stats.add("connect+boot", now() - began)
                self.stats.count["booted"] += 1
                return True
            self.stats.count[f"boot {status}"] += 1
            await asyncio.sleep(min(float(reply.get("interval") or 1), self.args.boot_wait))
        self.stats.count["boot_failed"] += 1
        return False

    async def statuses(self) -> None:
        for connector in range(0 if self.version == "1.6" else 1, self.args.connectors + 1):
            if self.version == "1.6":
                payload = {
                    "connectorId": connector,
                    "errorCode": "NoError",
                    "status": "Available",
                    "timestamp": self.clock(),
                }
            else:
                payload = {
                    "timestamp": self.clock(),
                    "connectorStatus": "Available",
                    "evseId": connector,
                    "connectorId": 1,
                }
            await self.attempt("StatusNotification", payload)

    async def start(self) -> bool:
        tag = self.args.id_tag.replace("{id}", self.name).replace("{n}", str(self.index))
        if self.version == "1.6":
            token: object = tag
            authorize = {"idTag": tag}
        else:
            token = {"idToken": tag, "type": "ISO14443"}
            authorize = {"idToken": token}
        if not self.args.no_authorize:
            reply = await self.attempt("Authorize", authorize)
            info = (reply or {}).get("idTagInfo" if self.version == "1.6" else "idTokenInfo") or {}
            self.stats.count[f"authorize {info.get('status')}"] += 1
        when = self.clock()
        if self.version == "1.6":
            reply = await self.attempt(
                "StartTransaction",
                {"connectorId": self.connector, "idTag": tag, "meterStart": self.wh, "timestamp": when},
            )
            if reply is None:
                return False
            status = (reply.get("idTagInfo") or {}).get("status")
            self.stats.count[f"start {status}"] += 1
            self.transaction = reply.get("transactionId")
            if status not in ("Accepted", "ConcurrentTx"):
                return False
        else:
            self.transaction = str(uuid.uuid4())
            reply = await self.attempt(
                "TransactionEvent",
                {
                    **self.event("Started", "Authorized", when),
                    "idToken": token,
                    "meterValue": [meter_value(self.version, when, self.wh, 1)],
                },
                "TransactionEvent Started",
            )
            if reply is None:
                return False
            self.stats.count["start Accepted"] += 1
        self.stats.count["transactions_started"] += 1
        self.worker.ledger("start", self, when, self.wh)
        return True

    def event(self, kind: str, trigger: str, when: str) -> dict:
        self.tx_seq += 1
        return {
            "eventType": kind,
            "timestamp": when,
            "triggerReason": trigger,
            "seqNo": self.tx_seq - 1,
            "transactionInfo": {"transactionId": self.transaction, "chargingState": "Charging"},
            "evse": {"id": self.connector, "connectorId": 1},
        }

    async def reading(self, due: float | None = None) -> bool:
        """Send one meter reading; `due` is its scheduled time in open mode."""
        self.wh += 1
        wh, when = self.wh, self.clock()
        values = [meter_value(self.version, when, wh, self.args.samples)]
        if self.version == "1.6":
            action = "MeterValues"
            payload = {"connectorId": self.connector, "meterValue": values}
            if self.transaction is not None:
                payload["transactionId"] = self.transaction
        elif self.transaction is not None and not self.args.meter_values_2x:
            action = "TransactionEvent"
            payload = {**self.event("Updated", "MeterValuePeriodic", when), "meterValue": values}
        else:
            action = "MeterValues"
            payload = {"evseId": self.connector, "meterValue": values}
        self.stats.count["readings_sent"] += 1
        try:
            await self.call(action, payload, "service")
        except CallFailed as e:
            self.stats.error(f"{action} {e.kind}", str(e))
            return False
        self.stats.count["readings_acked"] += 1
        self.stats.tick()
        if due is not None:
            self.stats.add("latency", now() - due)
        self.worker.ledger("meter", self, when, wh)
        return True

    async def stop(self) -> None:
        if self.transaction is None or self.link is None:
            return
        when = self.clock()
        if self.version == "1.6":
            reply = await self.attempt(
                "StopTransaction",
                {
                    "transactionId": self.transaction,
                    "meterStop": self.wh,
                    "timestamp": when,
                    "reason": "Local",
                },
            )
        else:
            event = self.event("Ended", "StopAuthorized", when)
            event["transactionInfo"]["stoppedReason"] = "Local"
            event["meterValue"] = [meter_value(self.version, when, self.wh, 1)]
            reply = await self.attempt("TransactionEvent", event, "TransactionEvent Ended")
        if reply is not None:
            self.stats.count["transactions_stopped"] += 1
            self.worker.ledger("stop", self, when, self.wh)

    # -- load loops -------------------------------------------------------- #

    async def closed_loop(self, until: float, limit: int) -> None:
        sent = 0
        while self.link is not None and now() < until and (not limit or sent < limit):
            sent += 1
            await self.reading()

    async def serve_backlog(self) -> None:
        while self.backlog and self.link is not None:
            due = self.backlog[0]
            await self.reading(due)
            if self.backlog:
                self.backlog.popleft()

    def fall_due(self, due: float) -> None:
        idle = not self.backlog
        self.backlog.append(due)
        if idle:
            task = self.worker.loop.create_task(self.serve_backlog())
            self.worker.background.add(task)
            task.add_done_callback(self.worker.background.discard)

    async def close(self) -> None:
        self.closing = True
        if self.link is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self.link.close(), 3)
