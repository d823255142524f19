"""CPU of the web process per report, from the frame to its committed acknowledgement; prints µs, the smallest
of many short batches, because what a shared machine adds is never less than nothing.

Run by `tests.bench` with the bench portal's environment: `python -m tests.bench.web_path [--profile]`.
"""

from __future__ import annotations

import asyncio
import cProfile
import gc
import os
import pstats
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evportal.settings")

STATIONS, EACH, BATCHES = 200, 10, 40


def frames(number: int, count: int, begin: datetime) -> list[str]:
    """MeterValues with three sampled values, as the load generator sends them."""
    made = []
    for n in range(count):
        at = (begin + timedelta(milliseconds=n)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        values = [
            ("Energy.Active.Import.Register", "Wh", number + n),
            ("Power.Active.Import", "W", 11000 + n % 10),
            ("Current.Import", "A", 16),
        ]
        sampled = ",".join(
            f'{{"value":"{value}","context":"Sample.Periodic","measurand":"{name}","unit":"{unit}"}}'
            for name, unit, value in values
        )
        made.append(
            f'[2,"{uuid.uuid4().hex[:12]}-{n}","MeterValues",{{"connectorId":1,'
            f'"meterValue":[{{"timestamp":"{at}","sampledValue":[{sampled}]}}]}}]'
        )
    return made


class Socket:
    """The ASGI side of one charger that sends its next frame when the last one was answered."""

    def __init__(self, texts: list[str], done: asyncio.Event):
        self.texts = iter(texts)
        self.answered = asyncio.Event()
        self.answered.set()
        self.done = done

    async def receive(self) -> dict:
        await self.answered.wait()
        self.answered.clear()
        text = next(self.texts, None)
        if text is None:
            self.done.set()
            return {"type": "websocket.disconnect"}
        return {"type": "websocket.receive", "text": text}

    async def send(self, event: dict) -> None:
        assert event["text"].startswith("[3,"), event["text"]
        self.answered.set()


async def batch(stations, journal, begin: datetime) -> float:
    from stations.ocpp.connection import Connection
    from stations.ocpp.together import Crowds

    sockets, tasks = [], []
    for station in stations:
        done = asyncio.Event()
        socket = Socket(frames(station.pk, EACH, begin), done)
        connection = Connection(station, "1.6", socket.send, journal, Crowds())
        sockets.append((connection, socket, done))
    started = time.process_time()
    for connection, socket, _done in sockets:
        tasks.append(asyncio.create_task(connection.run(socket.receive)))
    await asyncio.gather(*(done.wait() for _c, _s, done in sockets))
    spent = time.process_time() - started
    await asyncio.gather(*tasks)
    return spent / (len(stations) * EACH) * 1e6


async def main(stations) -> list[float]:
    from stations.journal import Journal

    journal = Journal(lambda _batch: None)
    figures = []
    begin = datetime.now(UTC)
    for n in range(BATCHES):
        gc.collect()
        figures.append(await batch(stations, journal, begin + timedelta(seconds=n)))
    await journal.close()
    return figures


if __name__ == "__main__":
    import django

    django.setup()
    import uvloop

    from stations.models import Station

    rows = list(Station.objects.select_related("site").filter(identity__startswith="CP")[:STATIONS])
    profile = cProfile.Profile() if "--profile" in sys.argv else None
    if profile:
        profile.enable()
    found = sorted(uvloop.run(main(rows)))
    if profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)
    sys.stdout.write(f"{found[0]:.1f} {found[len(found) // 2]:.1f}\n")
