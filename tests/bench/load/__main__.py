"""Load generator for OCPP-J charging-station management systems.

It plays N charge points (OCPP 1.6, 2.0.1 or 2.1) against a CSMS and measures
the server from outside. A run has five phases, and every worker process waits
for the others between them:

  connect   open the WebSocket, BootNotification until Accepted   ("boot storm")
  status    StatusNotification for each connector
  start     Authorize + StartTransaction  (2.x: TransactionEvent Started)
  load      MeterValues (2.x: TransactionEvent Updated) in one of three modes:
              closed  one outstanding call per station, as fast as it answers
              open    fixed total rate, whatever the answers do
              idle    no traffic; connections are only held
  stop      StopTransaction (2.x: TransactionEvent Ended), close

OCPP lets a station have one outstanding call. In open mode a reading that falls
due while the station still waits is queued and keeps its due time, so `latency`
(due -> answer) has no coordinated omission; `service` is (sent -> answer).

One JSON report goes to stdout (and --out). With --ledger, every transaction and
reading that the server ACKNOWLEDGED is written as one JSON line, so that a
verifier can compare them with the server's database: acked and absent = lost.

Needs Python 3.11+, orjson, and picows (preferred) or websockets; uvloop if there.

  python -m tests.bench.load --url 'ws://127.0.0.1:9000/ocpp/{id}' --stations 200 \
               --mode closed --duration 15 --ledger acked.jsonl --watch-pid 1234
"""

from __future__ import annotations

import argparse
import multiprocessing as mp
import os
import resource
import sys
import time
import uuid

import orjson

from tests.bench.load.links import picows, websockets
from tests.bench.load.payloads import MEASURANDS, timestamp
from tests.bench.load.station import SUBPROTOCOL
from tests.bench.load.stats import Host, ProcessTree, Stats, now, summary_ms
from tests.bench.load.worker import worker_process


def run(args) -> dict:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    want = args.stations + 1000
    if soft < want:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(want, hard), hard))
    cpus = {int(c) for c in args.cpus.split(",")} if args.cpus else None
    if cpus:
        os.sched_setaffinity(0, cpus)
    watch = ProcessTree(args.watch_pid) if args.watch_pid else None
    context = mp.get_context("spawn")
    pipes, processes = [], []
    edges = [args.first + args.stations * i // args.procs for i in range(args.procs + 1)]
    for i in range(args.procs):
        ours, theirs = context.Pipe()
        process = context.Process(
            target=worker_process, args=(args, i, range(edges[i], edges[i + 1]), theirs, cpus), daemon=True
        )
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)

    report: dict = {
        "target": args.url,
        "label": args.label,
        "ocpp": args.ocpp,
        "stations": args.stations,
        "mode": args.mode,
        "samples_per_reading": args.samples,
        "transport": args.transport,
        "procs": args.procs,
        "started": timestamp(time.time()),
        "phase_seconds": {},
    }
    server: dict = {}

    def watched(name: str) -> None:
        if watch:
            server[name] = watch.read()

    def phase(name: str, argument=None) -> list[dict]:
        began = now()
        for pipe in pipes:
            pipe.send((name, argument))
        replies = [pipe.recv() for pipe in pipes]
        report["phase_seconds"][name] = round(now() - began, 3)
        return replies

    watched("before")
    ready = sum(r["ready"] for r in phase("connect"))
    watched("connected")
    if not args.no_status:
        phase("status")
    started = sum(r["charging"] for r in phase("start"))
    if args.settle:
        time.sleep(args.settle)
    plan = {"duration": args.warmup, "rate": args.rate / args.procs}
    if args.warmup and args.mode != "idle":
        warm = phase("load", plan)
        report["warmup_acked"] = sum(r["acked"] for r in warm)
    watched("load_begin")
    plan["duration"] = args.duration
    began = time.time()
    host = Host()
    loads = phase("load", plan)
    report["host"] = host.since()
    report["load_began_epoch"], report["load_ended_epoch"] = round(began, 3), round(time.time(), 3)
    watched("load_end")
    if args.hold:
        time.sleep(args.hold)
        watched("held")
    phase("stop")

    stats = Stats()
    for pipe in pipes:
        pipe.send(("exit", None))
    for pipe in pipes:
        stats.merge(pipe.recv())
    for process in processes:
        process.join(10)
    if args.ledger:
        with open(args.ledger, "wb") as whole:
            for i in range(args.procs):
                part = f"{args.ledger}.{i}"
                with open(part, "rb") as f:
                    whole.write(f.read())
                os.unlink(part)

    count = stats.count
    acked = sum(r["acked"] for r in loads)
    seconds = max((r["seconds"] for r in loads), default=0.0)
    report["ready"], report["charging"] = ready, started
    report["boot_storm_seconds"] = report["phase_seconds"]["connect"]
    report["load"] = {"acked": acked, "seconds": round(seconds, 3)}
    if args.mode == "open":
        report["load"]["asked_per_s"] = args.rate
        report["load"]["due"] = count["readings_due"]
        report["load"]["unsent"] = count["readings_unsent"]
    report["load"]["messages_per_s"] = round(acked / seconds, 1) if seconds and args.mode != "idle" else None
    inside = range(int(began * 10) + 1, int(report["load_ended_epoch"] * 10))
    rates = sorted(stats.windows[w] * 10 for w in inside)
    if rates and args.mode != "idle":
        # On a busy shared machine the best windows say what the server does undisturbed.
        last = len(rates) - 1
        report["load"]["per_s_in_100ms_windows"] = {
            "p50": rates[last // 2],
            "p90": rates[int(last * 0.9)],
            "max": rates[last],
        }
    report["latency_ms"] = {name: summary_ms(series) for name, series in sorted(stats.samples.items())}
    errors = {k[6:]: v for k, v in sorted(count.items()) if k.startswith("error:")}
    report["errors"] = {"total": sum(errors.values()), **errors}
    report["error_examples"] = stats.error_examples
    report["counts"] = {k: v for k, v in sorted(count.items()) if not k.startswith("error:")}
    generator_cpu = sum(r["cpu_s"] for r in loads)
    report["host"]["generator_cpu_s"] = round(generator_cpu, 2)
    if watch:
        a, b = server["load_begin"]["cpu_s"], server["load_end"]["cpu_s"]
        server["load_cpu_s"] = round(b - a, 2)
        if acked:
            server["cpu_us_per_reading"] = round((b - a) / acked * 1e6, 1)
        report["host"]["others_cpu_s"] = round(report["host"]["busy_cpu_s"] - generator_cpu - (b - a), 2)
        report["server"] = server
    return report


def parse(argv=None):
    p = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    p.add_argument("--url", required=True, help="WebSocket URL; {id} becomes the station's name")
    p.add_argument("--ocpp", choices=list(SUBPROTOCOL), default="1.6")
    p.add_argument("--auth", default="", help="basic auth user:password; {id} becomes the station's name")
    p.add_argument("--stations", type=int, default=50)
    p.add_argument("--first", type=int, default=1, help="number of the first station")
    p.add_argument("--prefix", default="CP", help="station name = prefix + zero-padded number")
    p.add_argument("--digits", type=int, default=5)
    p.add_argument("--connectors", type=int, default=1)
    p.add_argument("--vendor", default="LoadGen")
    p.add_argument("--model", default="Sim-1")
    p.add_argument("--id-tag", default="TAG{n}", help="idTag; {id} and {n} are filled in")
    p.add_argument("--mode", choices=["closed", "open", "idle"], default="closed")
    p.add_argument("--rate", type=float, default=200.0, help="open mode: total readings per second")
    p.add_argument("--duration", type=float, default=10.0, help="seconds of measured load")
    p.add_argument("--warmup", type=float, default=0.0, help="seconds of load before the measured part")
    p.add_argument("--settle", type=float, default=0.0, help="seconds to wait before the load")
    p.add_argument(
        "--hold", type=float, default=0.0, help="seconds to stay connected between load and StopTransaction"
    )
    p.add_argument(
        "--max-per-station", type=int, default=0, help="closed mode: at most this many readings each"
    )
    p.add_argument("--samples", type=int, default=3, help="sampledValue entries per reading (1-8)")
    p.add_argument("--no-status", action="store_true", help="skip StatusNotification")
    p.add_argument("--no-authorize", action="store_true", help="skip Authorize")
    p.add_argument("--no-transaction", action="store_true", help="readings outside a transaction")
    p.add_argument(
        "--meter-values-2x", action="store_true", help="2.x: MeterValues, not TransactionEvent Updated"
    )
    p.add_argument("--timeout", type=float, default=30.0, help="seconds for a handshake or a call")
    p.add_argument("--connect-concurrency", type=int, default=200, help="stations booting at the same time")
    p.add_argument("--connect-retries", type=int, default=3)
    p.add_argument("--boot-retries", type=int, default=3, help="after Pending or Rejected")
    p.add_argument("--boot-wait", type=float, default=2.0, help="longest wait before such a retry")
    p.add_argument(
        "--transport", choices=["picows", "websockets"], default="picows" if picows else "websockets"
    )
    p.add_argument("--no-uvloop", action="store_true")
    p.add_argument("--procs", type=int, default=1, help="generator processes")
    p.add_argument("--cpus", default="", help="pin the generator to these CPUs, e.g. 1")
    p.add_argument(
        "--watch-pid", type=int, action="append", help="server root pid for RSS and CPU (repeatable)"
    )
    p.add_argument(
        "--ledger", default="", help="write acknowledged transactions and readings here (JSON lines)"
    )
    p.add_argument("--out", default="", help="also write the report here")
    p.add_argument("--label", default="")
    p.add_argument("--run-id", default=uuid.uuid4().hex[:6], help="prefix of message ids")
    args = p.parse_args(argv)
    if not 1 <= args.samples <= 1 + len(MEASURANDS):
        p.error(f"--samples must be 1 to {1 + len(MEASURANDS)}")
    if args.transport == "picows" and picows is None or args.transport == "websockets" and websockets is None:
        p.error(f"{args.transport} is not installed")
    args.procs = max(1, min(args.procs, args.stations))
    return args


def main() -> int:
    args = parse()
    report = run(args)
    text = orjson.dumps(report, option=orjson.OPT_INDENT_2)
    if args.out:
        with open(args.out, "wb") as f:
            f.write(text)
    sys.stdout.buffer.write(text + b"\n")
    return 0 if report["ready"] == args.stations and not report["errors"]["total"] else 1


if __name__ == "__main__":
    sys.exit(main())
