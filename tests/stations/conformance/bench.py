"""What a case works with: a scripted charger, the portal's own actions, and questions to its database.

    async def tc_013(bench):
        charger = await bench.boot()
        await bench.portal(charger, "Reset", ACCEPTED, commands.reset, station=bench.station, hard=True)

Each bench has a site, a station and tokens of its own, so cases share one door and one database. Nothing here
knows what answers the charger: the portal, or the null server of the control.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from itertools import count
from ssl import SSLContext

from stations.models import Command, Event, Evse, Message, Reading, Reservation, Session, Station
from stations.tasks import ingest
from tests import make
from tests.api import Caller, station_path
from tests.charger import CallError, Charger
from tests.stations.conformance import keys, wire

PASSWORD = "a-long-charger-password"
ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}

_numbers = count(1)


class Bench:
    """One case's own corner of the portal. `patience` is how long anything may take."""

    def __init__(
        self,
        *,
        version: str,
        url: str,
        tls_url: str,
        operator,
        api: Caller,
        threads: Executor,
        patience: float = 5,
    ):
        self.version, self.patience = version, patience
        self.url, self.tls_url = url, tls_url
        self.operator, self.api = operator, api
        self._threads = threads
        self._chargers: list[Charger] = []

    async def __aenter__(self) -> Bench:
        number = next(_numbers)
        self.identity = f"OCTT-{number}"
        # Whoever is refused is answered more slowly the next time, so each case has its own address.
        self.address = f"127.1.{number // 250}.{number % 250 + 1}"
        self.token, self.other_token = f"CARD{number:06d}", f"OTHER{number:06d}"
        await self.database(self._furnish)
        return self

    async def close(self) -> None:
        for charger in self._chargers:
            await charger.close()

    async def __aexit__(self, kind, *_rest) -> None:
        await self.close()
        if kind is None:
            for charger in self._chargers:
                wire.check(self.version, charger)

    def _furnish(self) -> None:
        site = make.site(operator=self.operator)
        self.station = make.station(site=site, identity=self.identity, password=PASSWORD)
        self.evse = make.evse(station=self.station)
        self.id_token = make.id_token(operator=self.operator, token=self.token)

    # The charger's side

    @property
    def is_16(self) -> bool:
        return self.version == "1.6"

    @property
    def is_21(self) -> bool:
        """Where a case of 2.0.1 differs under 2.1, as `cases.DIFFERENCES` says."""
        return self.version == "2.1"

    async def connect(self, *, password: str | None = PASSWORD, **more) -> Charger:
        """A charger on the line that has said nothing yet; closed when the case ends."""
        options = {
            "url": self.url,
            "version": self.version,
            "timeout": self.patience,
            "address": self.address,
        }
        options |= more
        charger = Charger(identity=self.identity, password=password, **options)
        await charger.__aenter__()
        self._chargers.append(charger)
        return charger

    def over_tls(self, context: SSLContext | None = None) -> dict:
        """How to `connect` to the same portal over TLS, as a station that trusts its certificate."""
        return {"url": self.tls_url, "ssl": context or keys.trusting()}

    async def boot(self, charger: Charger | None = None, **more) -> Charger:
        """A charger that was switched on: accepted, and all of it available."""
        charger = charger or await self.connect()
        answer = await charger.boot(**more)
        assert answer["status"] == "Accepted"
        assert answer["interval"] > 0
        if self.is_16:
            await self.status(charger, "Available", evse=0)
        await self.status(charger, "Available")
        return charger

    async def status(self, charger: Charger, status: str, evse: int = 1, **more) -> None:
        """The station reports a state; the standard's answer has no members."""
        assert await charger.status(status, evse=evse, **more) == {}

    # The portal's side

    async def send(self, charger: Charger, action: str, payload: dict, answer=ACCEPTED) -> Command:
        """Somebody has the portal send this call; it arrives as it was asked for, and its answer is kept.

        `answer` is the charger's: a payload, or a `CallError`.
        """
        charger.on(action, _answering(answer))
        reply = await self.database(
            self.api.post,
            station_path(self.identity, "commands/"),
            {"action": action, "payload": payload},
        )
        assert reply.status_code == 201, reply.data
        assert reply.data["status"] in ("queued", "sent", "answered"), reply.data["status"]
        # The portal's features may have something to say to a new charger, too.
        while await charger.expect(action, self.patience) != payload:
            pass
        command = await self._ended(reply.data["id"])
        self._keeps(command, answer)
        return command

    async def portal(self, charger: Charger, action: str, answer, act: Callable, **facts) -> dict:
        """The portal does something by itself; the payload of the call that comes of it."""
        charger.on(action, _answering(answer))
        await self.database(act, **facts)
        payload = await charger.expect(action, self.patience)
        command = await self.until(
            lambda: Command.objects.filter(station=self.station, action=action, payload=payload).latest(
                "created_at"
            ),
            lambda row: row.is_final,
        )
        self._keeps(command, answer)
        return payload

    async def _ended(self, command_id) -> Command:
        return await self.until(lambda: Command.objects.get(pk=command_id), lambda row: row.is_final)

    @staticmethod
    def _keeps(command: Command, answer) -> None:
        if isinstance(answer, CallError):
            assert (command.status, command.error_code) == (Command.Status.ERROR, answer.code)
        else:
            assert (command.status, command.response) == (Command.Status.ANSWERED, answer)

    # Questions

    def database(self, function: Callable, *args, **kwargs):
        """`await bench.database(f)`: the ORM, in the thread that keeps this suite's connection."""
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._threads, partial(function, *args, **kwargs))

    async def until(self, question: Callable, suits: Callable = bool):
        """The database's first answer that suits; what is true a moment later is waited for, never slept."""
        end = time.monotonic() + self.patience
        while not suits(found := await self.database(question)):
            assert time.monotonic() < end, f"still {found!r} after {self.patience} s"
            await asyncio.sleep(0.005)
        return found

    async def ingest(self) -> None:
        """What a worker would do with everything that waits."""

        def run():
            from stations.models import Batch

            for batch in Batch.objects.filter(done_at=None):
                ingest(str(batch.pk))
                batch.refresh_from_db()
                assert batch.done_at is not None, batch.error

        await self.database(run)

    async def row(self) -> Station:
        """What is known of the station."""
        return await self.database(Station.objects.get, pk=self.station.pk)

    async def is_offline(self) -> None:
        """No socket of the station counts; one that it closed itself is noticed a moment later."""
        await self.until(lambda: Station.objects.get(pk=self.station.pk), lambda row: not row.is_online)

    async def sessions(self) -> list[Session]:
        await self.ingest()
        return await self.database(
            lambda: list(Session.objects.filter(station=self.station).order_by("start_received_at"))
        )

    async def session(self) -> Session:
        """The one session of this station."""
        found = await self.sessions()
        assert len(found) == 1, found
        return found[0]

    async def evse_row(self, number: int = 1) -> Evse:
        await self.ingest()
        return await self.database(Evse.objects.get, station=self.station, number=number)

    async def state(self, number: int = 1) -> str:
        return (await self.evse_row(number)).state

    async def readings(self, **filters) -> list[Reading]:
        await self.ingest()
        return await self.database(
            lambda: list(Reading.objects.filter(evse__station=self.station, **filters).order_by("at"))
        )

    async def events(self, kind: str) -> list[str]:
        """The codes of what the station told of itself, in their order."""
        await self.ingest()
        return await self.database(
            lambda: list(
                Event.objects.filter(station=self.station, kind=kind)
                .order_by("received_at", "pk")
                .values_list("code", flat=True)
            )
        )

    async def firmware_steps(self) -> list[str]:
        """What the station told of its update, in OCPP's words."""
        return [code.rpartition(".")[2] for code in await self.events("firmware")]

    async def reservation(self) -> Reservation:
        return await self.database(Reservation.objects.get, evse__station=self.station)

    async def logged(self, action: str, times: int = 1) -> list[str]:
        """The station's calls of this action in the message log: so many, as they came over the wire."""
        calls = Message.objects.filter(
            station=self.station, from_station=True, kind=Message.Kind.CALL, action=action
        ).order_by("at")
        return await self.until(
            lambda: list(calls.values_list("frame", flat=True)), lambda found: len(found) == times
        )


def _answering(answer):
    if not isinstance(answer, CallError):
        return answer

    def refuse(_payload):
        raise answer

    return refuse
