"""The station's end of an OCPP-J socket: reconnect, one call at a time, and a queue that survives outages."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import random
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

CALL, CALLRESULT, CALLERROR = 2, 3, 4
# Beyond this many waiting transaction messages, the oldest periodic samples are given up, as real memory is.
QUEUE_LIMIT = 2000
# A connection that lasted less is no success: a portal that accepts and hangs up must not be hammered.
SETTLED_S = 10.0


class Offline(Exception):
    """The station has no connection to the portal."""


class CallFailed(Exception):
    """The portal answered with a CALLERROR, or not in time (code "Timeout")."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(f"{code}: {description}")
        self.code = code


class CallRefused(Exception):
    """We answer the portal's call with a CALLERROR of this code."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(description)
        self.code = code


@dataclass
class Answer:
    """A reply to the portal and what to do once it has been sent."""

    payload: dict
    then: Callable[[], Any] | None = None


@dataclass
class Message:
    """A call that waits its turn; its payload is built when sent, once a 1.6 transaction has its number."""

    action: str
    build: Callable[[], dict]
    number: int
    kept: bool = False
    urgent: bool = False
    droppable: bool = False
    on_reply: Callable[[dict], None] | None = None
    reply: asyncio.Future | None = None
    attempts: int = 0
    not_before: float = 0.0


@dataclass
class Backoff:
    """Real seconds to wait before the next attempt: doubling, capped, with jitter against stampedes."""

    rng: random.Random
    first_s: float = 1.0
    most_s: float = 60.0
    attempts: int = field(default=0)

    def next_s(self) -> float:
        wait_s = min(self.most_s, self.first_s * 2 ** min(self.attempts, 16))
        self.attempts += 1
        return wait_s * self.rng.uniform(0.5, 1.0)


class Link:
    """Keeps a station connected. Until `open_gate()` only urgent calls (boot, triggered ones) go out."""

    def __init__(
        self,
        *,
        url: str,
        identity: str,
        password: Callable[[], bytes],
        subprotocol: str,
        answer: Callable[[str, dict], Awaitable[dict | Answer]],
        on_connect: Callable[[], None],
        on_disconnect: Callable[[], None],
        retry_after_s: Callable[[int], float | None],
        backoff: Backoff,
        log: logging.LoggerAdapter,
        call_timeout_s: float = 30.0,
        ping_interval_s: Callable[[], float | None] = lambda: 30.0,
    ) -> None:
        self._url = f"{url.rstrip('/')}/{quote(identity, safe='')}"
        self._identity = identity
        self._password = password
        self._subprotocol = subprotocol
        self._answer = answer
        self._on_connect = on_connect
        self._on_disconnect = on_disconnect
        self._retry_after_s = retry_after_s
        self._backoff = backoff
        self._log = log
        self._call_timeout_s = call_timeout_s
        self._ping_interval_s = ping_interval_s
        self._socket: ClientConnection | None = None
        self._kept: deque[Message] = deque()
        self._casual: deque[Message] = deque()
        self._numbers = count()
        self._wake = asyncio.Event()
        self._wanted = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._gate_open = False
        self._pending: tuple[str, asyncio.Future] | None = None
        self._answering: set[asyncio.Task] = set()

    @property
    def connected(self) -> bool:
        return self._socket is not None

    @property
    def waiting(self) -> int:
        """Transaction messages not yet acknowledged by the portal."""
        return len(self._kept)

    def open_gate(self) -> None:
        self._gate_open = True
        self._wake.set()

    def close_gate(self) -> None:
        self._gate_open = False

    def hang_up(self) -> None:
        """Drop the connection and stay away until `come_back()`."""
        self._wanted.clear()
        if self._socket:
            # Like a pulled cable: no closing handshake to wait for.
            self._socket.transport.abort()

    def come_back(self) -> None:
        self._backoff.attempts = 0
        self._wanted.set()

    def call(self, action: str, payload: dict, *, urgent: bool = False) -> asyncio.Future[dict]:
        """Call the portal now or never; the future brings its answer, Offline or CallFailed.

        Takes its place in the queue at once, so that calls leave in the order they were made.
        """
        reply = asyncio.get_running_loop().create_future()
        if not self.connected or not (self._gate_open or urgent):
            reply.set_exception(Offline())
            return reply
        message = Message(action, lambda: payload, next(self._numbers), urgent=urgent, reply=reply)
        # Boot and triggered calls may not queue behind what waits for the boot.
        (self._casual.appendleft if urgent else self._casual.append)(message)
        self._wake.set()
        return reply

    def post(
        self,
        action: str,
        build: Callable[[], dict],
        *,
        on_reply: Callable[[dict], None] | None = None,
        droppable: bool = False,
    ) -> None:
        """Deliver a transaction message, in order, however long the outage."""
        if len(self._kept) >= QUEUE_LIMIT:
            # The head may be in flight, so it stays.
            oldest = next((m for m in list(self._kept)[1:] if m.droppable), None)
            if oldest:
                self._kept.remove(oldest)
        self._kept.append(
            Message(action, build, next(self._numbers), kept=True, droppable=droppable, on_reply=on_reply)
        )
        self._drained.clear()
        self._wake.set()

    async def drained(self, timeout_s: float) -> bool:
        """Wait (real seconds) until the portal has acknowledged every transaction message."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._drained.wait(), timeout_s)
        return not self._kept

    async def run(self, *, delay_s: float = 0.0) -> None:
        """Connect, serve, reconnect; until cancelled."""
        await asyncio.sleep(delay_s)
        self._wanted.set()
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._wanted.wait()
                began = loop.time()
                try:
                    async with self._connect() as socket:
                        self._log.info("connected (%s)", self._subprotocol)
                        began = loop.time()
                        await self._serve(socket)
                    self._log.info("connection closed")
                except (OSError, InvalidHandshake, TimeoutError, ConnectionClosed) as problem:
                    self._complain(problem)
                if loop.time() - began >= SETTLED_S:
                    self._backoff.attempts = 0
                if self._wanted.is_set():
                    await asyncio.sleep(self._backoff.next_s())
        finally:
            for task in list(self._answering):
                task.cancel()

    def _connect(self) -> connect:
        credentials = base64.b64encode(self._identity.encode() + b":" + self._password()).decode()
        return connect(
            self._url,
            subprotocols=[self._subprotocol],
            additional_headers={"Authorization": f"Basic {credentials}"},
            ping_interval=self._ping_interval_s() or None,
            open_timeout=20,
            close_timeout=1,
            compression=None,
            proxy=None,
        )

    def _complain(self, problem: Exception) -> None:
        attempts = self._backoff.attempts
        # Said at the 1st, 2nd, 4th, 8th … attempt, so a portal that is down does not fill the log.
        if attempts & (attempts - 1) == 0:
            status = problem.response.status_code if isinstance(problem, InvalidStatus) else problem
            self._log.warning("cannot connect (attempt %d): %s", attempts + 1, status)

    async def _serve(self, socket: ClientConnection) -> None:
        self._socket = socket
        sender = asyncio.create_task(self._send_queue(socket))
        try:
            self._on_connect()
            with contextlib.suppress(ConnectionClosed):
                async for frame in socket:
                    self._receive(socket, frame)
        except asyncio.CancelledError:
            # Switched off: say goodbye, or the portal's log would show a crash.
            await socket.close(1001)
            raise
        finally:
            self._socket = None
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            while self._casual:
                _settle(self._casual.popleft().reply, error=Offline())
            self._on_disconnect()

    async def _send_queue(self, socket: ClientConnection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            message = self._next(loop.time())
            if message is None:
                wait_s = self._kept[0].not_before - loop.time() if self._kept and self._gate_open else None
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), wait_s)
                continue
            if not message.kept:
                self._casual.remove(message)
            try:
                reply = await self._exchange(socket, message)
            except CallFailed as problem:
                self._failed(message, problem, loop.time())
            except (ConnectionClosed, asyncio.CancelledError):
                _settle(message.reply, error=Offline())
                raise
            else:
                self._succeeded(message, reply)

    def _next(self, now: float) -> Message | None:
        """The oldest message that may go out now."""
        ready = [self._casual[0]] if self._casual and (self._gate_open or self._casual[0].urgent) else []
        if self._gate_open and self._kept and self._kept[0].not_before <= now:
            ready.append(self._kept[0])
        return min(ready, key=lambda message: (not message.urgent, message.number), default=None)

    async def _exchange(self, socket: ClientConnection, message: Message) -> dict:
        message_id = str(uuid.uuid4())
        reply = asyncio.get_running_loop().create_future()
        self._pending = (message_id, reply)
        try:
            await socket.send(json.dumps([CALL, message_id, message.action, message.build()]))
            return await asyncio.wait_for(reply, self._call_timeout_s)
        except TimeoutError:
            raise CallFailed("Timeout", f"no answer to {message.action}") from None
        finally:
            self._pending = None

    def _failed(self, message: Message, problem: CallFailed, now: float) -> None:
        self._log.warning("%s failed: %s", message.action, problem)
        if not message.kept:
            _settle(message.reply, error=problem)
            return
        message.attempts += 1
        wait_s = self._retry_after_s(message.attempts)
        if wait_s is None:
            self._log.error("%s given up after %d attempts", message.action, message.attempts)
            self._leave_queue(message)
        else:
            message.not_before = now + wait_s

    def _succeeded(self, message: Message, reply: dict) -> None:
        if message.kept:
            self._leave_queue(message)
        if message.on_reply:
            message.on_reply(reply)
        _settle(message.reply, reply)

    def _leave_queue(self, message: Message) -> None:
        self._kept.remove(message)
        if not self._kept:
            self._drained.set()

    def _receive(self, socket: ClientConnection, frame: str | bytes) -> None:
        try:
            kind, message_id, *rest = json.loads(frame)
        except (ValueError, TypeError):
            self._log.warning("unreadable frame ignored")
            return
        if kind == CALL and len(rest) == 2:
            # In a task of its own: the portal may ask while our own call still waits for its answer.
            task = asyncio.create_task(self._reply(socket, message_id, *rest))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        elif self._pending and self._pending[0] == message_id and kind == CALLRESULT and rest:
            _settle(self._pending[1], rest[0])
        elif self._pending and self._pending[0] == message_id and kind == CALLERROR and rest:
            _settle(self._pending[1], error=CallFailed(str(rest[0]), str(rest[1]) if len(rest) > 1 else ""))
        else:
            self._log.warning("stray frame ignored")

    async def _reply(self, socket: ClientConnection, message_id: str, action: str, payload: dict) -> None:
        then = None
        try:
            answer = await self._answer(action, payload)
            if isinstance(answer, Answer):
                answer, then = answer.payload, answer.then
            frame = [CALLRESULT, message_id, answer]
        except CallRefused as refusal:
            frame = [CALLERROR, message_id, refusal.code, str(refusal)[:255], {}]
        try:
            await socket.send(json.dumps(frame))
        except ConnectionClosed:
            self._log.info("%s: connection lost before the answer", action)
        if then:
            then()


def _settle(future: asyncio.Future | None, result: Any = None, error: Exception | None = None) -> None:
    """Complete a future unless its waiter is gone."""
    if future is None or future.done():
        return
    if error:
        future.set_exception(error)
    else:
        future.set_result(result)
