"""`make bench`: the portal's figures beside bare servers, on the same cores in the same minutes.

    make bench                         # all of them
    make bench ARGS="storm memory"     # some

Ratios count, not absolutes: each figure is taken in turns with the server it is compared with, several times,
and the median of the turns is printed. `FIGURES` has the bounds; the exit status is 1 where one is missed.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from evportal.embedded.addresses import CHECKOUT
from tests.bench import ledger
from tests.bench.portal import PASSWORD, WEB_CORE, WORKER_CORE, Portal, end, free_port, pinned

TURNS = 3
ECHO = ["uvicorn", "tests.bench.bare_echo:application", "--ws", "websockets-sansio", "--loop", "uvloop"]
ECHO += ["--ws-per-message-deflate", "false", "--backlog", "4096", "--no-access-log", "--log-level", "error"]


@dataclass
class Figure:
    """One line of the table: what was measured, and whether it is good enough."""

    name: str
    value: float
    unit: str
    bound: float
    at_least: bool = False
    note: str = ""

    @property
    def is_met(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def line(self) -> str:
        sign = "≥" if self.at_least else "≤"
        mark = "ok  " if self.is_met else "MISS"
        return f"{mark} {self.name:<52} {self.value:>10.2f} {self.unit:<4} {sign} {self.bound:g}  {self.note}"


# --- the servers and the load ------------------------------------------------------------------------


@contextlib.contextmanager
def bare(*argv: str, port_option: str = "--port") -> Iterator[tuple[str, int]]:
    """A bare server on the web's core: (address, process id)."""
    port = free_port()
    command = [sys.executable, "-m", *argv, *([port_option] if port_option else []), str(port)]
    with tempfile.TemporaryDirectory() as folder:
        process = pinned(command, WEB_CORE, dict(os.environ), Path(folder, "log"))
        try:
            time.sleep(1.5)
            yield f"ws://127.0.0.1:{port}/ocpp/{{id}}", process.pid
        finally:
            end(process)


def echo():
    return bare(*ECHO)


def bare_ocpp():
    return bare("tests.bench.bare_ocpp", port_option="")


def start_load(url: str, **options) -> subprocess.Popen:
    argv = [sys.executable, "-m", "tests.bench.load", "--url", url, "--auth", f"{{id}}:{PASSWORD}"]
    for name, value in ({"cpus": WORKER_CORE} | options).items():
        argv += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    # A group of its own: who ends it before its time ends its children with it.
    return subprocess.Popen(
        argv,
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def report(process: subprocess.Popen) -> dict:
    out, problems = process.communicate()
    if not out:
        raise RuntimeError(problems[-2000:])
    return json.loads(out)


def load(url: str, pid: int, **options) -> dict:
    return report(start_load(url, watch_pid=pid, **options))


def drain(portal: Portal, seconds: float = 120) -> float:
    """Wait until nothing waits to be ingested; returns how long that took."""
    began = time.monotonic()
    with psycopg.connect(portal.env["DATABASE_URL"], autocommit=True) as database:
        while database.execute("SELECT count(*) FROM stations_batch WHERE done_at IS NULL").fetchone()[0]:
            if time.monotonic() - began > seconds:
                raise RuntimeError("the journal is not worked off")
            time.sleep(0.1)
    return time.monotonic() - began


# --- the figures -------------------------------------------------------------------------------------


def cpu(portal: Portal) -> list[Figure]:
    """CPU a message costs, by short batches in one process each."""
    web, ingest = (_script(portal, name) for name in ("web_path", "ingest_path"))
    return [
        Figure("web: frame → acknowledged and committed", web, "µs", 60, note="smallest of 40 batches"),
        Figure("worker: three values → readings", ingest, "µs", 120, note="smallest of 12 rounds"),
    ]


def _script(portal: Portal, name: str) -> float:
    return _numbers(portal, name)[0]


def _numbers(portal: Portal, name: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-m", f"tests.bench.{name}"],
        cwd=CHECKOUT,
        env=portal.env,
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(word) for word in done.stdout.split() if word[0].isdigit()]


def availability(portal: Portal) -> list[Figure]:
    """Free slots through the API, in one process: a large site's fortnight, and the first of 500 sites."""
    site, first = _numbers(portal, "availability")
    return [
        Figure("availability: 20 EVSEs, 14 days, 5,000 bookings, p95", site, "ms", 50),
        Figure("availability: first free of 500 sites, p95", first, "ms", 300),
    ]


def throughput(portal: Portal) -> list[Figure]:
    """Closed loop: 200 stations, each with its next MeterValues as soon as the last one is answered."""
    # What follows from two hundred starts in the same second is over by then: readings are measured.
    options = {"stations": 200, "mode": "closed", "duration": 6, "warmup": 4}
    against_ocpp, against_echo, rates = [], [], []
    for _turn in range(TURNS):
        with bare_ocpp() as (url, pid):
            ocpp = load(url, pid, **options)["load"]["messages_per_s"]
        with echo() as (url, pid):
            floor = load(url, pid, **options)["load"]["messages_per_s"]
        with running(portal, worker=True):
            ours = load(portal.url, portal.web.pid, **options)["load"]["messages_per_s"]
            drain(portal)
        against_ocpp.append(ours / ocpp)
        against_echo.append(ours / floor)
        rates.append(ours)
    note = f"{statistics.median(rates):,.0f} messages/s"
    return [
        Figure(
            "throughput ÷ bare `ocpp` + `websockets`", statistics.median(against_ocpp), "×", 5, True, note
        ),
        Figure("throughput ÷ bare ASGI echo", statistics.median(against_echo), "×", 1 / 3, True, note),
    ]


def latency(portal: Portal) -> list[Figure]:
    """Open loop: 200 messages/s from 1,000 connected; the clock runs from when a reading is due."""
    options = {"stations": 1000, "mode": "open", "rate": 200, "duration": 10, "warmup": 2}
    ratios, notes = [], []
    for _turn in range(TURNS):
        with echo() as (url, pid):
            floor = load(url, pid, **options)["latency_ms"]["latency"]["p99"]
        with running(portal, worker=True):
            ours = load(portal.url, portal.web.pid, **options)["latency_ms"]["latency"]["p99"]
        ratios.append(ours / floor)
        notes.append(ours)
    lag, backlog = ingest_lag(portal)
    note = f"{statistics.median(notes):.1f} ms"
    return [
        Figure(
            "p99 at 200 messages/s ÷ bare ASGI echo",
            statistics.median(ratios),
            "×",
            5,
            note=note,
        ),
        Figure("ingest lag p95 at 1,000 messages/s", lag, "s", 2),
        Figure(
            "batches waiting, last third ÷ first third + 5", backlog, "×", 1.5, note="at 1,000 messages/s"
        ),
    ]


def ingest_lag(portal: Portal) -> tuple[float, float]:
    """(p95 of committed → in `readings`, growth of the backlog) at 1,000 messages/s for 15 s."""
    with (
        running(portal, worker=True),
        psycopg.connect(portal.env["DATABASE_URL"], autocommit=True) as database,
    ):
        began = database.execute("SELECT now()").fetchone()[0]
        process = start_load(portal.url, stations=1000, mode="open", rate=1000, duration=15, warmup=1)
        seen = []
        while process.poll() is None:
            sql = "SELECT count(*) FROM stations_batch WHERE done_at IS NULL AND received_at > %s"
            seen.append((time.time(), database.execute(sql, [began]).fetchone()[0]))
            time.sleep(0.25)
        found = report(process)
        drain(portal)
        sql = (
            "SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - received_at)) "
            "FROM stations_batch WHERE received_at > %s"
        )
        lag = float(database.execute(sql, [began]).fetchone()[0])
    # Before the readings come the starts, of which few leave anything to a worker.
    waiting = [count for at, count in seen if found["load_began_epoch"] <= at <= found["load_ended_epoch"]]
    third = max(1, len(waiting) // 3)
    first, last = statistics.mean(waiting[:third]), statistics.mean(waiting[-third:])
    return lag, last / (first + 5)


def storm(portal: Portal) -> list[Figure]:
    """2,000 stations connect, boot and report their state at once."""
    options = {"stations": 2000, "connect_concurrency": 2000, "mode": "idle", "duration": 0.5}
    options |= {"no_transaction": True, "timeout": 60}
    ratios, errors, memory = [], 0, []
    for _turn in range(TURNS):
        with echo() as (url, pid):
            floor = _stormed(load(url, pid, **options))
        with running(portal, worker=True):
            found = load(portal.url, portal.web.pid, **options)
            drain(portal)
        ratios.append(_stormed(found) / floor)
        errors += found["errors"]["total"] + (found["ready"] != 2000)
        server = found["server"]
        memory.append((server["load_end"]["rss_mib"] - server["before"]["rss_mib"]) * 1024 / 2000)
    return [
        Figure("storm of 2,000 ÷ bare ASGI echo", statistics.median(ratios), "×", 2),
        Figure("storm: errors, time-outs, refusals", errors, "", 0),
        Figure("memory of an idle connection, at 2,000", statistics.median(memory), "KiB", 60),
    ]


def _stormed(found: dict) -> float:
    return found["phase_seconds"]["connect"] + found["phase_seconds"]["status"]


def durability(portal: Portal) -> list[Figure]:
    """Kill web and worker in mid-load; then once more a load that ends by itself and is stopped at once."""
    totals = {"acknowledged": 0, "missing": 0, "doubled": 0}
    for victim in ("web", "worker", "neither"):
        for version in ("1.6", "2.0.1"):
            for name, count in _survived(portal, victim, version).items():
                totals[name] += count
    note = f"of {totals['acknowledged']:,} acknowledged starts, readings and stops"
    return [
        Figure("acknowledged and missing", totals["missing"], "", 0, note=note),
        Figure("acknowledged and doubled", totals["doubled"], "", 0, note=note),
    ]


def _survived(portal: Portal, victim: str, version: str) -> dict[str, int]:
    book = portal.data / f"ledger-{victim}-{version}.jsonl"
    with running(portal, worker=True):
        process = start_load(
            portal.url,
            stations=200,
            mode="closed",
            duration=6,
            ocpp=version,
            timeout=5,
            ledger=book,
            run_id=f"{victim[0]}{version[0]}",
        )
        # Two hundred starts take about four seconds; then come six of readings.
        time.sleep(8)
        if victim != "neither":
            getattr(portal, victim).kill()
            time.sleep(1)
        if victim == "worker":
            portal.start_worker()
        report(process)
        # Stopped at once: nothing had time to be ingested that wasn't stored.
        end(portal.web)
        end(portal.worker)
        if victim == "web":
            portal.start_web()
        portal.start_worker()
        portal.start_beat()
        try:
            drain(portal)
        finally:
            end(portal.beat)
    return ledger.verify(book, portal.env["DATABASE_URL"])


@contextlib.contextmanager
def running(portal: Portal, *, worker: bool) -> Iterator[None]:
    portal.start_web()
    if worker:
        portal.start_worker()
    try:
        yield
    finally:
        end(portal.web)
        end(portal.worker)


def reports(portal: Portal) -> list[Figure]:
    """A year of 1,000 EVSEs out of the rollups, a session's chart out of millions of readings."""
    argv = [sys.executable, "-m", "tests.bench.reports", "--json"]
    done = subprocess.run(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    if not done.stdout:
        raise RuntimeError("the reports' bench failed")
    return [Figure(**each) for each in json.loads(done.stdout)]


def fleet(portal: Portal) -> list[Figure]:
    """The wallboard and the list of chargers over a large fleet, in Chromium."""
    from tests.bench import fleet

    with running(portal, worker=False):
        # Pushes that come a moment later are the other queue's.
        portal.start_worker("telemetry,default")
        found = fleet.measure(portal, start_load)
    return [
        Figure("wallboard of 2,000 chargers, 300 charging: first paint", found["paint_ms"], "ms", 1000),
        Figure("… a charger's fault → on screen, p95", found["event_s"], "s", 2),
        Figure("list of 10,000 chargers, filtered, p95", found["list_ms"], "ms", 150),
    ]


def documents(portal: Portal) -> list[Figure]:
    """A month priced, invoiced and booked by one process; tables; PDFs. BENCH_CHARGES scales it."""
    charges = int(os.environ.get("BENCH_CHARGES", "100000"))
    out = subprocess.run(
        [sys.executable, "-m", "tests.bench.documents", str(charges)],
        cwd=CHECKOUT,
        env=portal.env,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    found = json.loads(out)
    share, note = charges / 100_000, f"{charges} charges"
    return [
        Figure("a month priced, invoiced and booked", found["month_s"], "s", 600 * share, note=note),
        Figure("… memory", found["month_mb"], "MB", 300, note=f"{found['before_mb']:.0f} before"),
        Figure("CSV of the lines", found["csv_s"], "s", 60 * share, note=note),
        Figure("… memory", found["csv_mb"], "MB", 300),
        Figure("XLSX of the lines", found["xlsx_s"], "s", 60 * share, note=note),
        Figure("… memory", found["xlsx_mb"], "MB", 300),
        Figure("PDFs of one worker", found["pdf_per_s"], "/s", 5, at_least=True),
    ]


FIGURES = {
    "cpu": cpu,
    "availability": availability,
    "throughput": throughput,
    "latency": latency,
    "storm": storm,
    "durability": durability,
    "fleet": fleet,
    "reports": reports,
    "documents": documents,
}


def main(wanted: list[str]) -> int:
    unknown = [name for name in wanted if name not in FIGURES]
    if unknown:
        print(f"There is no {', '.join(unknown)}; there are {', '.join(FIGURES)}.")
        return 2
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    missed = 0
    with tempfile.TemporaryDirectory(prefix="evportal-bench-") as folder, Portal(Path(folder)) as portal:
        portal.enter_stations(2000)
        for name in wanted or FIGURES:
            print(f"-- {name}: {FIGURES[name].__doc__}", flush=True)
            for figure in FIGURES[name](portal):
                print(figure.line(), flush=True)
                missed += not figure.is_met
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
