"""What a worker of the load generator saw, and what the machine did meanwhile."""

from __future__ import annotations

import contextlib
import os
import time
from array import array
from collections import Counter

now = time.perf_counter


class Stats:
    """What one worker saw; workers' stats are merged by the parent."""

    def __init__(self) -> None:
        self.samples: dict[str, array] = {}
        self.count: Counter = Counter()
        self.windows: Counter = Counter()
        self.error_examples: dict[str, str] = {}

    def tick(self) -> None:
        """Count one acknowledged reading in its 100 ms window of wall time."""
        self.windows[int(time.time() * 10)] += 1

    def add(self, name: str, seconds: float) -> None:
        series = self.samples.get(name)
        if series is None:
            series = self.samples[name] = array("d")
        series.append(seconds)

    def error(self, kind: str, detail: str = "") -> None:
        self.count["error:" + kind] += 1
        self.error_examples.setdefault(kind, detail[:300])

    def merge(self, other: Stats) -> None:
        for name, series in other.samples.items():
            self.samples.setdefault(name, array("d")).extend(series)
        self.count.update(other.count)
        self.windows.update(other.windows)
        for kind, detail in other.error_examples.items():
            self.error_examples.setdefault(kind, detail)


def summary_ms(series: array | None) -> dict:
    if not series:
        return {"n": 0}
    ordered = sorted(series)
    last = len(ordered) - 1

    def at(q: float) -> float:
        return round(ordered[min(last, int(q * last + 0.5))] * 1000, 3)

    return {
        "n": len(ordered),
        "mean": round(sum(ordered) / len(ordered) * 1000, 3),
        "p50": at(0.50),
        "p90": at(0.90),
        "p95": at(0.95),
        "p99": at(0.99),
        "p999": at(0.999),
        "max": at(1.0),
    }


class ProcessTree:
    """RSS, PSS and CPU seconds of given processes and all their descendants."""

    TICK = os.sysconf("SC_CLK_TCK")

    def __init__(self, roots: list[int]) -> None:
        self.roots = roots

    def pids(self) -> list[int]:
        children: dict[int, list[int]] = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    with open(f"/proc/{entry}/stat") as f:
                        parent = int(f.read().rpartition(")")[2].split()[1])
                    children.setdefault(parent, []).append(int(entry))
        found: list[int] = []
        todo = list(self.roots)
        while todo:
            pid = todo.pop()
            if pid not in found:
                found.append(pid)
                todo += children.get(pid, [])
        return found

    def read(self) -> dict:
        rss = pss = 0
        cpu = 0.0
        pids = 0
        for pid in self.pids():
            with contextlib.suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{pid}/stat") as f:
                    fields = f.read().rpartition(")")[2].split()
                cpu += (int(fields[11]) + int(fields[12])) / self.TICK
                with open(f"/proc/{pid}/smaps_rollup") as f:
                    for line in f:
                        if line.startswith("Rss:"):
                            rss += int(line.split()[1])
                        elif line.startswith("Pss:"):
                            pss += int(line.split()[1])
                pids += 1
        return {
            "processes": pids,
            "rss_mib": round(rss / 1024, 1),
            "pss_mib": round(pss / 1024, 1),
            "cpu_s": round(cpu, 2),
        }


class Host:
    """How much CPU the whole machine used, so that a run on a shared one can be judged."""

    def __init__(self) -> None:
        self.at = self.read()
        self.clock = now()

    @staticmethod
    def read() -> tuple[float, float]:
        with open("/proc/stat") as f:
            user, nice, system, _idle, _wait, irq, soft, steal = map(int, f.readline().split()[1:9])
        tick = ProcessTree.TICK
        return (user + nice + system + irq + soft) / tick, steal / tick

    def since(self) -> dict:
        busy, steal = self.read()
        return {
            "cpus": os.cpu_count(),
            "seconds": round(now() - self.clock, 2),
            "busy_cpu_s": round(busy - self.at[0], 2),
            "steal_cpu_s": round(steal - self.at[1], 2),
        }
