"""A bare charger for protocol tests: what it says is the test's, down to the bytes.

async with Charger(url, "CP-1", password, version="1.6") as charger:
    await charger.boot()
    reply = await charger.call("StartTransaction", {...})
    request = await charger.expect("Reset")
"""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from ssl import SSLContext
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

CALL, CALLRESULT, CALLERROR, CALLRESULTERROR = 2, 3, 4, 5

ACCEPTED = {"status": "Accepted"}
# Answers that suit both versions unless the test says otherwise with `on()`.
DEFAULT_ANSWERS: dict[str, dict] = {
    "GetConfiguration": {"configurationKey": [], "unknownKey": []},
    "GetDiagnostics": {},
    "UnlockConnector": {"status": "Unlocked"},
}
DEFAULT_ANSWERS_16 = {"GetLocalListVersion": {"listVersion": 0}, "UpdateFirmware": {}}
DEFAULT_ANSWERS_2X = {
    "GetLocalListVersion": {"versionNumber": 0},
    "GetTransactionStatus": {"messagesInQueue": False},
}


class CallError(Exception):
    """The portal answered with a CALLERROR."""

    def __init__(self, code: str, description: str, details: Any) -> None:
        super().__init__(f"{code}: {description}")
        self.code, self.description, self.details = code, description, details


class Refused(Exception):
    """The portal did not accept the connection. `status` is None when it spoke no HTTP."""

    def __init__(self, status: int | None, body: str = "") -> None:
        super().__init__(f"refused with {status}: {body}")
        self.status, self.body = status, body


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Charger:
    """One connection of one charger. `sent` and `received` hold the decoded frames in their order.

    `texts` are the received frames as they came, for tests of spelling.
    """

    def __init__(
        self,
        url: str,
        identity: str,
        password: str | None = None,
        *,
        version: str = "1.6",
        subprotocols: list[str] | None = None,
        headers: dict[str, str] | None = None,
        path: str | None = None,
        ssl: SSLContext | None = None,
        address: str | None = None,
        timeout: float = 5.0,
    ) -> None:
        self.identity, self.version, self.timeout = identity, version, timeout
        self.sent: list[Any] = []
        self.received: list[Any] = []
        self.texts: list[str | bytes] = []
        self.transaction_id: int | str | None = None
        self._seq_no = 0
        self._url = f"{url.rstrip('/')}/{quote(identity, safe='') if path is None else path}"
        self._transport: dict[str, Any] = {"ssl": ssl} if ssl else {}
        if address:
            self._transport["local_addr"] = (address, 0)
        self._subprotocols = [f"ocpp{version}"] if subprotocols is None else subprotocols
        self._headers = dict(headers or {})
        if password is not None:
            credentials = base64.b64encode(f"{identity}:{password}".encode()).decode()
            self._headers.setdefault("Authorization", f"Basic {credentials}")
        self._answers: dict[str, Callable[[dict], Any]] = {}
        self._waiting: dict[str, asyncio.Future] = {}
        self._requests: dict[str, asyncio.Queue] = {}
        self._frames: asyncio.Queue = asyncio.Queue()

    async def __aenter__(self) -> Charger:
        try:
            self.socket = await connect(
                self._url,
                subprotocols=self._subprotocols or None,
                additional_headers=self._headers,
                compression=None,
                proxy=None,
                **self._transport,
                open_timeout=self.timeout,
                close_timeout=1,
            )
        except InvalidStatus as problem:
            body = (problem.response.body or b"").decode(errors="replace")
            raise Refused(problem.response.status_code, body) from problem
        except (InvalidHandshake, OSError) as problem:
            raise Refused(None, str(problem)) from problem
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_exc) -> None:
        await self.close()

    @property
    def subprotocol(self) -> str | None:
        """What the portal chose."""
        return self.socket.subprotocol

    async def close(self, code: int = 1000) -> None:
        await self.socket.close(code)
        await self._reader

    async def cut(self) -> None:
        """Lose the connection without a closing handshake, like a pulled cable."""
        self.socket.transport.abort()
        await self._reader

    async def closed(self, timeout: float | None = None) -> int | None:
        """Wait until the portal closes the connection; its close code."""
        await asyncio.wait_for(asyncio.shield(self._reader), timeout or self.timeout)
        return self.socket.close_code

    # The protocol, bare

    async def call(
        self, action: str, payload: Any, *, message_id: str | None = None, timeout: float | None = None
    ) -> dict:
        """The payload of the answer; raises CallError, TimeoutError or ConnectionClosed."""
        message_id = message_id or str(uuid.uuid4())
        reply = self._waiting[message_id] = asyncio.get_running_loop().create_future()
        try:
            await self._send([CALL, message_id, action, payload])
            return await asyncio.wait_for(reply, timeout or self.timeout)
        finally:
            self._waiting.pop(message_id, None)

    def on(self, action: str, answer: Callable[[dict], Any] | dict | None) -> None:
        """Answer the portal's calls with a dict, or what a (possibly async) function makes of the payload.

        A raised CallError goes out as CALLERROR; None keeps silent, for tests of time-outs.
        """
        self._answers[action] = answer if callable(answer) else lambda _payload: answer

    async def expect(self, action: str, timeout: float | None = None) -> dict:
        """The payload of the portal's next call of this action, also one that came already."""
        return await asyncio.wait_for(self._queue(action).get(), timeout or self.timeout)

    async def send_raw(self, frame: str | bytes) -> None:
        """Any bytes or text, valid or not."""
        self.sent.append(frame)
        await self.socket.send(frame)

    async def next_frame(self, timeout: float | None = None) -> Any:
        """The next frame nobody waited for (answers to `send_raw`), decoded where it is JSON."""
        return await asyncio.wait_for(self._frames.get(), timeout or self.timeout)

    # Conveniences; keyword arguments add to the payload or replace parts of it

    async def boot(self, **more) -> dict:
        if self._is_16:
            payload = {"chargePointVendor": "Vendor", "chargePointModel": "Model"}
        else:
            station = {"vendorName": "Vendor", "model": "Model"}
            payload = {"reason": "PowerUp", "chargingStation": station}
        return await self.call("BootNotification", payload | more)

    async def status(self, status: str = "Available", evse: int = 1, connector: int = 1, **more) -> dict:
        if self._is_16:
            payload = {"connectorId": evse, "errorCode": "NoError", "status": status}
        else:
            payload = {"timestamp": now(), "connectorStatus": status, "evseId": evse}
            payload["connectorId"] = connector
        return await self.call("StatusNotification", payload | more)

    async def authorize(self, token: str) -> str:
        """The status the portal gives the token."""
        if self._is_16:
            return (await self.call("Authorize", {"idTag": token}))["idTagInfo"]["status"]
        return (await self.call("Authorize", {"idToken": _id_token(token)}))["idTokenInfo"]["status"]

    async def start(self, token: str = "TOKEN", evse: int = 1, meter_wh: int = 0, **more) -> dict:
        """Start a transaction; `transaction_id` then holds its id."""
        if self._is_16:
            payload = {"connectorId": evse, "idTag": token, "meterStart": meter_wh, "timestamp": now()}
            reply = await self.call("StartTransaction", payload | more)
            self.transaction_id = reply["transactionId"]
            return reply
        self.transaction_id, self._seq_no = str(uuid.uuid4()), 0
        more = {"idToken": _id_token(token)} | more
        return await self._event("Started", "Authorized", evse, meter_wh, "Transaction.Begin", **more)

    async def meter(self, meter_wh: int, evse: int = 1, power_w: float | None = None, **more) -> dict:
        """Report the register (and power) of the running transaction."""
        if not self._is_16:
            return await self._event(
                "Updated", "MeterValuePeriodic", evse, meter_wh, "Sample.Periodic", power_w=power_w, **more
            )
        payload = {"connectorId": evse, "meterValue": [self._sample(meter_wh, "Sample.Periodic", power_w)]}
        if self.transaction_id is not None:
            payload["transactionId"] = self.transaction_id
        return await self.call("MeterValues", payload | more)

    async def stop(self, meter_wh: int, reason: str = "Local", evse: int = 1, **more) -> dict:
        """End the transaction that `start` began."""
        if self._is_16:
            payload = {"transactionId": self.transaction_id, "meterStop": meter_wh}
            payload |= {"timestamp": now(), "reason": reason}
            return await self.call("StopTransaction", payload | more)
        return await self._event(
            "Ended", "StopAuthorized", evse, meter_wh, "Transaction.End", stopped_reason=reason, **more
        )

    @property
    def _is_16(self) -> bool:
        return self.version == "1.6"

    async def _event(
        self,
        kind: str,
        trigger: str,
        evse: int,
        meter_wh: float,
        context: str,
        *,
        power_w: float | None = None,
        stopped_reason: str | None = None,
        **more,
    ) -> dict:
        info = {"transactionId": self.transaction_id}
        info |= {"stoppedReason": stopped_reason} if stopped_reason else {"chargingState": "Charging"}
        payload = {
            "eventType": kind,
            "timestamp": more.get("timestamp", now()),
            "triggerReason": trigger,
            "seqNo": self._seq_no,
            "transactionInfo": info,
            "evse": {"id": evse, "connectorId": 1},
            "meterValue": [self._sample(meter_wh, context, power_w, more.get("timestamp"))],
        }
        self._seq_no += 1
        return await self.call("TransactionEvent", payload | more)

    def _sample(self, meter_wh: float, context: str, power_w: float | None, at: str | None = None) -> dict:
        values = [("Energy.Active.Import.Register", "Wh", meter_wh)]
        if power_w is not None:
            values.append(("Power.Active.Import", "W", power_w))
        return {
            "timestamp": at or now(),
            "sampledValue": [
                {"measurand": measurand, "context": context}
                | (
                    {"value": str(value), "unit": unit}
                    if self._is_16
                    else {"value": value, "unitOfMeasure": {"unit": unit}}
                )
                for measurand, unit, value in values
            ],
        }

    async def _send(self, frame: list) -> None:
        self.sent.append(frame)
        await self.socket.send(json.dumps(frame))

    async def _read(self) -> None:
        answering: set[asyncio.Task] = set()
        try:
            async for text in self.socket:
                self.texts.append(text)
                try:
                    frame = json.loads(text)
                except ValueError:
                    frame = text
                self.received.append(frame)
                if isinstance(frame, list) and len(frame) == 4 and frame[0] == CALL:
                    # In tasks: an answer that sleeps must not hold up the reading.
                    answering.add(task := asyncio.create_task(self._reply(*frame[1:])))
                    task.add_done_callback(answering.discard)
                elif not self._settle(frame):
                    self._frames.put_nowait(frame)
        except ConnectionClosed:
            pass
        finally:
            for task in answering:
                task.cancel()
            for reply in self._waiting.values():
                if not reply.done():
                    reply.set_exception(ConnectionClosed(None, None))

    def _settle(self, frame: Any) -> bool:
        reply = self._waiting.get(frame[1]) if isinstance(frame, list) and len(frame) > 2 else None
        if reply is None or reply.done():
            return False
        if frame[0] == CALLRESULT:
            reply.set_result(frame[2])
        else:
            reply.set_exception(CallError(*(frame[2:] + ["", {}])[:3]))
        return True

    async def _reply(self, message_id: str, action: str, payload: dict) -> None:
        self._queue(action).put_nowait(payload)
        defaults = DEFAULT_ANSWERS | (DEFAULT_ANSWERS_16 if self._is_16 else DEFAULT_ANSWERS_2X)
        try:
            answer = self._answers.get(action, lambda _payload: defaults.get(action, ACCEPTED))(payload)
            if asyncio.iscoroutine(answer):
                answer = await answer
        except CallError as refusal:
            frame = [CALLERROR, message_id, refusal.code, refusal.description, refusal.details]
        else:
            frame = [CALLRESULT, message_id, answer]
            if answer is None:
                return
        await self._send(frame)

    def _queue(self, action: str) -> asyncio.Queue:
        return self._requests.setdefault(action, asyncio.Queue())


def _id_token(token: str) -> dict:
    return {"idToken": token, "type": "ISO14443"}
