"""One charger's socket: frames in, answers out, and our own calls one at a time."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import psycopg
from django.db import DatabaseError

from evportal.sockets import Texts
from stations import speaking
from stations.configuration import masking
from stations.journal import Entry, Journal
from stations.models import Message, Station
from stations.ocpp import frames, registering, schemas, versions
from stations.ocpp.limits import Rate
from stations.ocpp.routing import Incoming, Route
from stations.ocpp.threads import in_thread
from stations.ocpp.together import Crowds

log = logging.getLogger(__name__)

#: Frames a second that one charger may send; beyond it its socket is read more slowly. Far more than any
#: charger has to say, and still a small part of what a process can take, so a flood harms only who sends it.
MAX_RATE = 300
MAX_BAD_FRAMES = 20
CALL = Message.Kind.CALL.value
#: Calls of one charger for which others are being asked; with more its socket waits for them.
MAX_SLOW = 4
#: Close codes (RFC 6455 §7.4.1 and its registry): service restart, policy violation.
RESTART, POLICY = 1012, 1008


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

    def __init__(
        self,
        station: Station,
        version: str,
        send: Callable[[dict], Awaitable],
        journal: Journal,
        crowds: Crowds,
        address: str | None = None,
    ):
        self.id = uuid.uuid4()
        self._id = str(self.id)
        self.station = station
        self._station_id = station.pk
        self.version = version
        self.address = address
        self.registered = station.registration == Station.Registration.ACCEPTED
        self.last_seen = datetime.now(UTC)
        self.is_open = True
        #: Called when the station has booted and is accepted.
        self.on_accepted: Callable[[], None] = lambda: None
        self._send = send
        self._journal = journal
        self._crowds = crowds
        self._routes = versions.ROUTES[version]
        #: Held by whoever calls the station: OCPP-J §4.1.1 allows one call at a time.
        self.turn = asyncio.Lock()
        #: What may be sent before the station is accepted, because we asked for it, and until when.
        self._asked_for: dict[str, float] = {}
        self._answers: dict[str, asyncio.Future] = {}
        self._actions: dict[str, str] = {}
        self._busy = self._draining = False
        #: Reports may be answered through it without a task in between.
        self._texts: Texts | None = None
        #: Set while `run` waits until a report that `_take` took is answered.
        self._after_report: asyncio.Future | None = None
        self._slow: set[asyncio.Task] = set()
        self._bad_frames = 0
        self._rate = Rate(MAX_RATE)

    # Reading

    async def run(self, receive: Callable[[], Awaitable[dict]]) -> None:
        """Read until the socket closes."""
        speaking.station.set(self.station.identity)
        while self.is_open:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                break
            if event["type"] != "websocket.receive":
                continue
            if self._busy:
                self._after_report = asyncio.get_running_loop().create_future()
                await self._after_report
            if self._draining:
                # Not answered, so the charger will send it again, to the process that comes after us.
                continue
            self._busy = True
            try:
                await self._throttle()
                await self._frame(event.get("text"), event.get("bytes"))
            finally:
                self._busy = False
        self.is_open = False
        for waiting in (*self._answers.values(), *self._slow):
            waiting.cancel()

    def take_through(self, texts: Texts) -> None:
        """Take reports at once as the server reads them, and answer them without a task in between."""
        self._texts = texts
        texts.take = self._take

    def _take(self, text: str) -> bool:
        """Treat a text at once if it is a report as it should be; anything else goes through `run`.

        Nearly all that a charger sends are reports, and what they are answered depends on nothing but that
        they are kept.
        """
        if not self._is_free() or not self._texts.is_writable:
            return False
        try:
            call = frames.decode(text, self.version)
        except (frames.BadFrame, frames.CallError):
            return False
        route = self._routes.get(call.action) if type(call) is frames.Call and self.registered else None
        if route is None or not route.is_report(call.payload):
            return False
        if not schemas.is_valid(self.version, call.action, call.payload):
            return False
        received_at = datetime.now(UTC)
        incoming = Incoming(self.station, self.version, call.payload, received_at, call.message_id)
        try:
            answer = route.answer(incoming)
        except Exception:
            # `run` gets the same error and says so.
            return False
        self.last_seen = received_at
        self._rate.add(time.monotonic())
        if not route.durable:
            self._texts.write(frames.encode([frames.RESULT, call.message_id, answer]))
            return True
        self._busy = True
        kept = self._report(call, text, received_at, answer)
        self._journal.put(kept, route.for_workers, functools.partial(self._reported, call, answer))
        return True

    def _is_free(self) -> bool:
        """Whether a report may be treated before the socket's own task is asked."""
        is_idle = self.is_open and not self._busy and not self._draining
        return is_idle and not self._rate.is_reached(time.monotonic())

    def _reported(self, call: frames.Call, answer: dict, error: Exception | None) -> None:
        """A report that `_take` took is on disk, or could not be stored."""
        if error is None:
            self._texts.write(frames.encode([frames.RESULT, call.message_id, answer]))
        else:
            # Called by whoever committed: the log must name this station all the same.
            said_of = speaking.station.set(self.station.identity)
            self._texts.write(self._not_stored(call, error))
            speaking.station.reset(said_of)
        if self._after_report is None:
            self._busy = False
            return
        # The one that `run` holds is next, before whatever the server reads now.
        if not self._after_report.done():
            self._after_report.set_result(None)
        self._after_report = None

    async def drain(self) -> None:
        """Take no new frame; returns when the one that is being treated has its answer."""
        self._draining = True
        while self._busy and self.is_open:
            await asyncio.sleep(0.002)

    async def _throttle(self) -> None:
        if wait := self._rate.add(time.monotonic()):
            await asyncio.sleep(wait)

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
        elif isinstance(message, frames.Sent):
            await self._sent(message, text, received_at)
        elif isinstance(message, frames.Error) and message.is_about_answer:
            self._note(received_at, True, Message.Kind.ERROR, message.message_id, "", text)
            log.warning("Station %s could not use our answer: %s", self.station.pk, message.code)
        else:
            await self._answered(message, text, received_at)

    async def _bad(self, received_at: datetime, text: str, why: str) -> None:
        """No message: keep it for the operator; a charger that sends only this is cut off."""
        self._note(received_at, True, Message.Kind.BAD, "", "", text[:2000])
        log.warning("Station %s sent %s", self.station.pk, why)
        if refusal := frames.unreadable(self.version, why):
            await self._answer(refusal, Message.Kind.ERROR, frames.NO_ID, "")
        self._bad_frames += 1
        if self._bad_frames > MAX_BAD_FRAMES:
            await self.close(POLICY)

    async def _call(self, call: frames.Call, text: str, received_at: datetime) -> None:
        route = self._routes.get(call.action)
        answering = self._respond(route, call, text, received_at)
        if route is None or not route.is_slow(call.payload) or len(self._slow) >= MAX_SLOW:
            await answering
            return
        task = asyncio.create_task(answering)
        self._slow.add(task)
        task.add_done_callback(self._slow.discard)

    async def _respond(
        self, route: Route | None, call: frames.Call, text: str, received_at: datetime
    ) -> None:
        try:
            if route is not None and route.unanswered:
                raise frames.CallError(call.message_id, "NotSupported", f"{call.action} comes as a SEND.")
            payload = frames.checked(
                call, self.version, *((route.free_texts, route.identifiers) if route else ())
            )
            if not self.registered and not route.before_boot and not self._was_asked_for(call.action):
                raise frames.CallError(
                    call.message_id, "SecurityError", "This station has not been accepted yet."
                )
            answer = await self._treat(route, call, payload, text, received_at)
        except frames.CallError as error:
            self._note(received_at, True, Message.Kind.CALL, call.message_id, call.action, text)
            await self._answer(error.frame(), Message.Kind.ERROR, call.message_id, call.action)
            return
        except (psycopg.Error, DatabaseError) as error:
            await self._send_text(self._not_stored(call, error))
            return
        except Exception:
            log.exception("Station %s: %s failed", self.station.pk, call.action)
            refusal = frames.CallError(
                call.message_id, "InternalError", "The portal could not treat this message."
            )
            await self._answer(refusal.frame(), Message.Kind.ERROR, call.message_id, call.action)
            return
        frame = frames.encode([frames.RESULT, call.message_id, answer])
        await self._send_text(frame)
        if route.durable and route.is_decision(payload):
            self._note(datetime.now(UTC), False, Message.Kind.RESULT, call.message_id, call.action, frame)

    def _not_stored(self, call: frames.Call, error: Exception) -> str:
        """Nothing was stored, so nothing is acknowledged: the charger will repeat it."""
        log.error("Station %s: %s was not stored: %s", self.station.pk, call.action, error)
        return frames.CallError(call.message_id, "InternalError", "Not stored; please repeat.").frame()

    def _was_asked_for(self, action: str) -> bool:
        return self._asked_for.get(action, 0.0) > time.monotonic()

    async def _sent(self, message: frames.Sent, text: str, received_at: datetime) -> None:
        """2.1's SEND: kept like a report and never answered, so one that is wrong is only logged."""
        route = self._routes.get(message.action)
        entry = self._entry(received_at, True, Message.Kind.CALL, message.message_id, message.action, text)
        try:
            frames.checked(message, self.version)
            if route is None or not route.unanswered or not self.registered:
                raise frames.CallError(message.message_id, "", "It isn't one to be sent like this.")
            await self._journal.write(entry, ingest=True)
        except frames.CallError as error:
            log.warning("Station %s sent a message in vain: %s", self.station.pk, error)
            self._journal.note(entry)
        except (psycopg.Error, DatabaseError) as error:
            log.error("Station %s: %s was not stored: %s", self.station.pk, message.action, error)

    async def _treat(
        self, route: Route, call: frames.Call, payload: dict, text: str, received_at: datetime
    ) -> dict:
        """Decide and store; whatever this returns may be told to the charger."""
        incoming = Incoming(self.station, self.version, payload, received_at, call.message_id)
        if route.is_slow(payload):
            answer = await route.slowly(incoming)
        elif route.is_decision(payload):
            if route.together is not None:
                answer = await self._crowds.ask(route.together, incoming)
            else:
                answer = await in_thread(route.decide, incoming)
            if call.action == "BootNotification":
                self.follow(answer["status"])
        else:
            answer = route.answer(incoming)
        if not route.durable:
            return answer
        text = masking.masked_frame(text, 3) if route.is_secret else text
        if route.is_decision(payload):
            entry = self._entry(received_at, True, CALL, call.message_id, call.action, text)
            if route.for_workers:
                await self._journal.write(entry, ingest=True)
            else:
                self._journal.note(entry)
            return answer
        await self._journal.write(self._report(call, text, received_at, answer), ingest=route.for_workers)
        return answer

    def _report(self, call: frames.Call, text: str, received_at: datetime, answer: dict) -> Entry:
        """What is answered is known before the commit that makes it true, so it is kept with the frame."""
        return self._entry(
            received_at, True, CALL, call.message_id, call.action, text, frames.payload_text(answer)
        )

    def follow(self, registration: str) -> None:
        """The station's registration is this now, whoever changed it."""
        self.registered = registration == Station.Registration.ACCEPTED
        if self.registered:
            self.on_accepted()

    # Calling

    async def call(
        self,
        action: str,
        payload: dict,
        *,
        timeout: float,
        command: uuid.UUID | None = None,
        shown: dict | None = None,
    ) -> dict:
        """Send one call and return the station's answer; the caller holds `turn`.

        `shown` is what the message log may show of a payload that holds a secret.

        Raises `CallRefused` for a CALLERROR, `TimeoutError` for no answer, `ConnectionError` when it closed.
        """
        if not self.is_open:
            raise ConnectionError("the socket is closed")
        message_id = str(uuid.uuid4())
        answer = asyncio.get_running_loop().create_future()
        self._answers[message_id] = answer
        self._actions[message_id] = action
        frame = self._encoded(message_id, action, payload)
        logged = frame if shown is None else self._encoded(message_id, action, shown)
        message, seconds = registering.allowed_by(action, payload)
        if message and not self.registered:
            self._asked_for[message] = time.monotonic() + seconds
        try:
            self._note(datetime.now(UTC), False, Message.Kind.CALL, message_id, action, logged, command)
            await self._send_text(frame)
            return await asyncio.wait_for(answer, timeout)
        except asyncio.CancelledError:
            if answer.cancelled() and not self.is_open:
                raise ConnectionError("the socket closed before the answer") from None
            raise
        finally:
            self._answers.pop(message_id, None)
            self._actions.pop(message_id, None)

    def _encoded(self, message_id: str, action: str, payload: dict) -> str:
        """A call of ours; the database keeps no order of members, and some chargers want the schema's."""
        ordered = schemas.in_order(self.version, action, payload)
        return frames.encode([frames.CALL, message_id, action, ordered])

    async def _answered(
        self, message: frames.Result | frames.Error, text: str, received_at: datetime
    ) -> None:
        kind = Message.Kind.RESULT if isinstance(message, frames.Result) else Message.Kind.ERROR
        action = self._actions.get(message.message_id, "")
        self._note(received_at, True, kind, message.message_id, action, masking.masked_frame(text, 2))
        answer = self._answers.get(message.message_id)
        if answer is None or answer.done():
            # Late, repeated or never asked for.
            return
        if isinstance(message, frames.Error):
            answer.set_exception(CallRefused(message.code, message.description))
            return
        payload = schemas.mend(self.version, action, message.payload, answer=True)
        if refusal := frames.bad_answer(self.version, action, frames.Result(message.message_id, payload)):
            await self._answer(refusal, Message.Kind.ERROR, message.message_id, action)
        answer.set_result(payload)

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
        self._journal.note(self._entry(at, from_station, kind, message_id, action, frame, command=command))

    def _entry(self, at, from_station, kind, message_id, action, frame, answer=None, command=None) -> Entry:
        return Entry(
            at,
            self._station_id,
            self._id,
            from_station,
            kind,
            message_id,
            action,
            self.version,
            frame,
            answer,
            command,
        )
