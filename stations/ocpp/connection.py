"""One charger's socket: frames in, answers out, and our own calls one at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import psycopg
from django.db import DatabaseError

from stations.journal import Entry, Journal
from stations.models import Message, Station
from stations.ocpp import frames, schemas, versions
from stations.ocpp.routing import Incoming, Route
from stations.ocpp.threads import in_thread

log = logging.getLogger(__name__)

#: Frames a second that one charger may send for long; beyond it its socket is read more slowly.
MAX_RATE = 50
MAX_BAD_FRAMES = 20
SHUTDOWN, TOO_BIG, POLICY = 1001, 1009, 1008


class CallRefused(Exception):
    """The station answered a call of ours with CALLERROR."""

    def __init__(self, code: str, description: str):
        super().__init__(description)
        self.code, self.description = code, description


class Connection:
    """Speaks for one station over one socket until it closes or a newer socket takes over.

    Frames are read one after another, so a charger that floods slows down only itself. Our calls wait for
    their answers in tasks of their own, never in the reading loop that must bring the answer.
    """

    def __init__(self, station: Station, version: str, send: Callable[[dict], Awaitable], journal: Journal):
        self.id = uuid.uuid4()
        self.station = station
        self.version = version
        self.registered = station.registration == Station.Registration.ACCEPTED
        self.last_seen = datetime.now(UTC)
        self.is_open = True
        #: Called when the station has booted and is accepted.
        self.on_accepted: Callable[[], None] = lambda: None
        self._send = send
        self._journal = journal
        self._routes = versions.ROUTES[version]
        #: Held by whoever calls the station: OCPP-J §4.1.1 allows one call at a time.
        self.turn = asyncio.Lock()
        self._answers: dict[str, asyncio.Future] = {}
        self._actions: dict[str, str] = {}
        self._bad_frames = 0
        self._window, self._in_window = 0.0, 0

    # Reading

    async def run(self, receive: Callable[[], Awaitable[dict]]) -> None:
        """Read until the socket closes."""
        while self.is_open:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                break
            if event["type"] != "websocket.receive":
                continue
            text = event.get("text")
            await self._throttle()
            await self._frame(text, event.get("bytes"))
        self.is_open = False
        for answer in self._answers.values():
            answer.cancel()

    async def _throttle(self) -> None:
        now = time.monotonic()
        if now - self._window >= 1:
            self._window, self._in_window = now, 0
        self._in_window += 1
        if self._in_window > MAX_RATE:
            await asyncio.sleep(max(0.0, self._window + 1 - now))

    async def _frame(self, text: str | None, raw: bytes | None) -> None:
        received_at = self.last_seen = datetime.now(UTC)
        if text is None:
            await self._bad(received_at, f"({len(raw or b'')} bytes, binary)", "a binary frame")
            return
        try:
            message = frames.decode(text, self.version)
        except frames.BadFrame as error:
            await self._bad(received_at, text, str(error))
            return
        except frames.CallError as error:
            self._note(received_at, True, Message.Kind.BAD, error.message_id, "", text)
            await self._answer(error.frame(), Message.Kind.ERROR, error.message_id, "")
            return
        if isinstance(message, frames.Call):
            await self._call(message, text, received_at)
        else:
            self._answered(message, text, received_at)

    async def _bad(self, received_at: datetime, text: str, why: str) -> None:
        """Nothing to answer to: keep it for the operator; a charger that sends only this is cut off."""
        self._note(received_at, True, Message.Kind.BAD, "", "", text[:2000])
        log.warning("Station %s sent %s", self.station.pk, why)
        self._bad_frames += 1
        if self._bad_frames > MAX_BAD_FRAMES:
            await self.close(POLICY)

    async def _call(self, call: frames.Call, text: str, received_at: datetime) -> None:
        route = self._routes.get(call.action)
        try:
            payload = frames.checked(call, self.version, route.free_texts if route else ())
            if not self.registered and not route.before_boot:
                raise frames.CallError(
                    call.message_id,
                    "SecurityError" if self.version != "1.6" else "GenericError",
                    "This station has not been accepted yet.",
                )
            answer = await self._treat(route, call, payload, text, received_at)
        except frames.CallError as error:
            self._note(received_at, True, Message.Kind.CALL, call.message_id, call.action, text)
            await self._answer(error.frame(), Message.Kind.ERROR, call.message_id, call.action)
            return
        except (psycopg.Error, DatabaseError) as error:
            # Nothing was stored, so nothing is acknowledged: the charger will repeat it.
            log.error("Station %s: %s was not stored: %s", self.station.pk, call.action, error)
            refusal = frames.CallError(call.message_id, "InternalError", "Not stored; please repeat.")
            await self._send_text(refusal.frame())
            return
        except Exception:
            log.exception("Station %s: %s failed", self.station.pk, call.action)
            refusal = frames.CallError(
                call.message_id, "InternalError", "The portal could not treat this message."
            )
            await self._answer(refusal.frame(), Message.Kind.ERROR, call.message_id, call.action)
            return
        frame = frames.encode([frames.RESULT, call.message_id, answer])
        if route.durable:
            await self._answer(frame, Message.Kind.RESULT, call.message_id, call.action)
        else:
            await self._send_text(frame)

    async def _treat(
        self, route: Route, call: frames.Call, payload: dict, text: str, received_at: datetime
    ) -> dict:
        """Decide and store; whatever this returns may be told to the charger."""
        incoming = Incoming(self.station, self.version, payload, received_at, call.message_id)
        if route.is_decision(payload):
            answer = await in_thread(route.decide, incoming)
            if call.action == "BootNotification":
                self.registered = answer["status"] == Station.Registration.ACCEPTED
                if self.registered:
                    self.on_accepted()
        else:
            answer = route.answer(incoming)
        if not route.durable:
            return answer
        entry = self._entry(received_at, True, Message.Kind.CALL, call.message_id, call.action, text)
        if route.for_workers or not route.is_decision(payload):
            await self._journal.write(entry, ingest=route.for_workers)
        else:
            self._journal.note(entry)
        return answer

    # Calling

    async def call(
        self, action: str, payload: dict, *, timeout: float, command: uuid.UUID | None = None
    ) -> dict:
        """Send one call and return the station's answer; the caller holds `turn`.

        Raises `CallRefused` for a CALLERROR, `TimeoutError` for no answer, `ConnectionError` when it closed.
        """
        if not self.is_open:
            raise ConnectionError("the socket is closed")
        message_id = str(uuid.uuid4())
        answer = asyncio.get_running_loop().create_future()
        self._answers[message_id] = answer
        self._actions[message_id] = action
        ordered = schemas.in_order(self.version, action, payload)
        frame = frames.encode([frames.CALL, message_id, action, ordered])
        try:
            self._note(datetime.now(UTC), False, Message.Kind.CALL, message_id, action, frame, command)
            await self._send_text(frame)
            return await asyncio.wait_for(answer, timeout)
        except asyncio.CancelledError:
            if answer.cancelled() and not self.is_open:
                raise ConnectionError("the socket closed before the answer") from None
            raise
        finally:
            self._answers.pop(message_id, None)
            self._actions.pop(message_id, None)

    def _answered(self, message: frames.Result | frames.Error, text: str, received_at: datetime) -> None:
        kind = Message.Kind.RESULT if isinstance(message, frames.Result) else Message.Kind.ERROR
        action = self._actions.get(message.message_id, "")
        self._note(received_at, True, kind, message.message_id, action, text)
        answer = self._answers.get(message.message_id)
        if answer is None or answer.done():
            # Late, repeated or never asked for.
            return
        if isinstance(message, frames.Error):
            answer.set_exception(CallRefused(message.code, message.description))
            return
        answer.set_result(schemas.mend(self.version, action, message.payload, answer=True))

    # Writing

    async def _answer(self, frame: str, kind: str, message_id: str, action: str) -> None:
        await self._send_text(frame)
        self._note(datetime.now(UTC), False, kind, message_id, action, frame)

    async def _send_text(self, text: str) -> None:
        if self.is_open:
            with contextlib.suppress(OSError, RuntimeError):
                await self._send({"type": "websocket.send", "text": text})

    async def close(self, code: int) -> None:
        if self.is_open:
            self.is_open = False
            with contextlib.suppress(OSError, RuntimeError):
                await self._send({"type": "websocket.close", "code": code})

    def _note(self, at, from_station, kind, message_id, action, frame, command=None) -> None:
        self._journal.note(self._entry(at, from_station, kind, message_id, action, frame, command))

    def _entry(self, at, from_station, kind, message_id, action, frame, command=None) -> Entry:
        return Entry(
            at=at,
            station_id=self.station.pk,
            connection=self.id,
            from_station=from_station,
            kind=str(kind),
            message_id=message_id,
            action=action,
            version=self.version,
            # PostgreSQL's text holds no NUL; JSON may carry one only in this spelling.
            frame=frame.replace("\x00", ""),
            command=command,
        )
