"""A minimal portal for the simulator's tests: answers correctly, records, and validates every message."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from ocpp.messages import Call, CallResult, _validate_payload
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed


class FakeCsms:
    """`url` to connect to; `calls` are (action, payload) in their order; `problems` are invalid messages."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict]] = []
        self.problems: list[str] = []
        # Lets the test itself send an invalid call.
        self.lenient = False
        self.credentials: list[str] = []
        self.connections = 0
        # To answer an action otherwise: a function giving a payload, [CALLERROR code], or None for silence.
        self.answers: dict[str, Callable[[dict], dict | list | None]] = {}
        self.invalid_tokens = {"BAD"}
        self._socket: ServerConnection | None = None
        self._asked: dict[str, tuple[str, asyncio.Future]] = {}
        self._numbers = count(1)
        self._news = asyncio.Condition()
        self._server: Server | None = None

    async def __aenter__(self) -> FakeCsms:
        await self.open()
        return self

    async def __aexit__(self, *_exc) -> None:
        await self.close()
        assert not self.problems, self.problems

    async def open(self, port: int = 0) -> None:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            port,
            subprotocols=["ocpp1.6", "ocpp2.0.1", "ocpp2.1"],
            close_timeout=0.1,
            compression=None,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp"

    def payloads(self, action: str, **parts) -> list[dict]:
        """Recorded payloads of an action that contain these parts."""
        return [p for a, p in self.calls if a == action and parts.items() <= p.items()]

    def statuses(self, evse: int = 1) -> list[str]:
        """The statuses reported for an EVSE, in order."""
        return [
            p.get("status") or p["connectorStatus"]
            for p in self.payloads("StatusNotification")
            if evse in (p.get("connectorId") if "status" in p else None, p.get("evseId"))
        ]

    async def until(self, action: str, times: int = 1, timeout: float = 5.0, **parts) -> dict:
        """Wait for the nth call of an action with these parts; its payload."""
        return (await self.wait(lambda: self.payloads(action, **parts)[times - 1 : times], timeout))[0]

    async def wait(self, found: Callable[[], Any], timeout: float = 5.0) -> Any:
        """Wait until a message makes `found()` true; its value."""
        async with asyncio.timeout(timeout), self._news:
            return await self._news.wait_for(found)

    async def ask(self, action: str, payload: dict, timeout: float = 5.0) -> dict:
        """Call the station; the answer's payload, or {"error": code}."""
        message_id = f"ask-{next(self._numbers)}"
        reply = asyncio.get_running_loop().create_future()
        self._asked[message_id] = (action, reply)
        if not self.lenient:
            _check(self._problem, Call(message_id, action, json.loads(json.dumps(payload))), self._version)
        await self._socket.send(json.dumps([2, message_id, action, payload]))
        return await asyncio.wait_for(reply, timeout)

    async def drop(self) -> None:
        self._socket.transport.abort()

    @property
    def _version(self) -> str:
        return self._socket.subprotocol.removeprefix("ocpp")

    async def _serve(self, socket: ServerConnection) -> None:
        self._socket = socket
        self.connections += 1
        header = socket.request.headers.get("Authorization", "Basic ")
        self.credentials.append(base64.b64decode(header.removeprefix("Basic ")).decode())
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                frame = json.loads(text)
                if frame[0] == 2:
                    await self._answer(socket, *frame[1:])
                else:
                    self._answered(*frame)
                async with self._news:
                    self._news.notify_all()

    async def _answer(self, socket: ServerConnection, message_id: str, action: str, payload: dict) -> None:
        self.calls.append((action, payload))
        _check(self._problem, Call(message_id, action, json.loads(json.dumps(payload))), self._version)
        reply = self.answers.get(action, lambda p: self._reply(action, p))(payload)
        if isinstance(reply, list):
            await socket.send(json.dumps([4, message_id, *reply, "", {}]))
        elif reply is not None:
            await socket.send(json.dumps([3, message_id, reply]))

    def _answered(self, kind: int, message_id: str, *rest) -> None:
        action, reply = self._asked.pop(message_id)
        if kind == 4:
            reply.set_result({"error": rest[0]})
            return
        _check(self._problem, CallResult(message_id, rest[0], action), self._version)
        reply.set_result(rest[0])

    def _reply(self, action: str, payload: dict) -> dict:
        now = datetime.now(UTC).isoformat()
        if action == "BootNotification":
            return {"status": "Accepted", "currentTime": now, "interval": 300}
        if action == "Heartbeat":
            return {"currentTime": now}
        if action == "Authorize":
            return self._judge(payload.get("idTag") or payload["idToken"]["idToken"])
        if action == "StartTransaction":
            return {"transactionId": next(self._numbers), **self._judge(payload["idTag"])}
        if action == "TransactionEvent" and "idToken" in payload:
            return self._judge(payload["idToken"]["idToken"])
        return {"status": "Accepted"} if action == "DataTransfer" else {}

    def _judge(self, token: str) -> dict:
        status = {"status": "Invalid" if token in self.invalid_tokens else "Accepted"}
        return {"idTagInfo" if self._version == "1.6" else "idTokenInfo": status}

    def _problem(self, text: str) -> None:
        self.problems.append(text)


def _check(complain: Callable[[str], None], message: Call | CallResult, version: str) -> None:
    try:
        _validate_payload(message, version)
    except Exception as problem:
        complain(f"{message.action}: {problem} {getattr(problem, 'details', '')} {message.payload}")
