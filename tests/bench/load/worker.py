"""One process of the load generator, with its share of the charge points."""

from __future__ import annotations

import asyncio
import os
import random
import time
import traceback

import orjson

from tests.bench.load.links import open_picows, open_websockets
from tests.bench.load.station import Station
from tests.bench.load.stats import Stats, now

try:
    import uvloop
except ImportError:
    uvloop = None


class Worker:
    def __init__(self, args, number: int, indices: range, pipe) -> None:
        self.args = args
        self.number = number
        self.pipe = pipe
        self.stats = Stats()
        self.run_id = f"{args.run_id}{number}"
        self.background: set[asyncio.Task] = set()
        self.open_link = open_picows if args.transport == "picows" else open_websockets
        self.ledger_file = open(f"{args.ledger}.{number}", "wb", buffering=1 << 20) if args.ledger else None
        self.stations = [Station(args.prefix + str(i).zfill(args.digits), i, self) for i in indices]
        self.ready: list[Station] = []
        self.charging: list[Station] = []

    def ledger(self, kind: str, station: Station, when: str, wh: int) -> None:
        if self.ledger_file:
            line = {
                "kind": kind,
                "station": station.name,
                "connector": station.connector,
                "tx": station.transaction,
                "ts": when,
                "wh": wh,
                "acked_at": round(time.time(), 4),
            }
            self.ledger_file.write(orjson.dumps(line) + b"\n")

    async def throttled(self, stations, action, concurrency: int) -> list:
        """action(station) for each, at most `concurrency` at once; those that gave True."""
        gate = asyncio.Semaphore(concurrency)
        passed = []

        async def one(station) -> None:
            async with gate:
                if await action(station):
                    passed.append(station)

        await asyncio.gather(*(one(s) for s in stations))
        return passed

    async def phase_connect(self, _) -> dict:
        share = max(1, self.args.connect_concurrency // self.args.procs)
        self.ready = await self.throttled(self.stations, Station.connect_and_boot, share)
        return {"ready": len(self.ready)}

    async def phase_status(self, _) -> dict:
        await self.throttled(self.ready, Station.statuses, self.args.connect_concurrency)
        return {}

    async def phase_start(self, _) -> dict:
        if self.args.no_transaction:
            self.charging = list(self.ready)
        else:
            self.charging = await self.throttled(self.ready, Station.start, self.args.connect_concurrency)
        return {"charging": len(self.charging)}

    async def phase_load(self, plan: dict) -> dict:
        before = self.stats.count["readings_acked"]
        cpu = time.process_time()
        started = now()
        until = started + plan["duration"]
        limit = self.args.max_per_station
        if self.args.mode == "idle":
            await asyncio.sleep(plan["duration"])
        elif self.args.mode == "closed":
            await asyncio.gather(*(s.closed_loop(until, limit) for s in self.charging))
        else:
            await self.open_loop(plan["rate"], started, until)
        return {
            "acked": self.stats.count["readings_acked"] - before,
            "seconds": now() - started,
            "cpu_s": time.process_time() - cpu,
        }

    async def open_loop(self, rate: float, started: float, until: float) -> None:
        if not self.charging or rate <= 0:
            return
        order = list(self.charging)
        random.shuffle(order)
        gap = 1.0 / rate
        n = 0
        while True:
            due = started + n * gap
            if due >= until:
                break
            wait = due - now()
            if wait > 0:
                await asyncio.sleep(max(wait, 0.001))
            t = now()
            while due <= t and due < until:
                order[n % len(order)].fall_due(due)
                n += 1
                due = started + n * gap
        self.stats.count["readings_due"] += n
        if self.background:
            await asyncio.wait(set(self.background), timeout=self.args.timeout)
        left = sum(len(s.backlog) for s in order)
        if left:
            self.stats.count["readings_unsent"] += left
            for s in order:
                s.backlog.clear()

    async def phase_stop(self, _) -> dict:
        if not self.args.no_transaction:
            await self.throttled(self.charging, Station.stop, self.args.connect_concurrency)
        await asyncio.gather(*(s.close() for s in self.stations))
        await asyncio.sleep(0.05)
        return {}

    async def main(self) -> None:
        self.loop = asyncio.get_running_loop()
        while True:
            command, argument = await self.loop.run_in_executor(None, self.pipe.recv)
            if command == "exit":
                break
            reply = await getattr(self, "phase_" + command)(argument)
            self.pipe.send(reply)
        if self.ledger_file:
            self.ledger_file.close()
        cpu = time.process_time()
        self.stats.count["generator_cpu_ms"] += int(cpu * 1000)
        self.pipe.send(self.stats)


def worker_process(args, number, indices, pipe, cpus) -> None:
    if cpus:
        os.sched_setaffinity(0, cpus)
    try:
        if uvloop is not None and not args.no_uvloop:
            uvloop.run(Worker(args, number, indices, pipe).main())
        else:
            asyncio.run(Worker(args, number, indices, pipe).main())
    except BaseException:
        traceback.print_exc()
        raise
