"""CPU of the worker per report of three values, from the journal to the readings; prints µs, the smallest of
several rounds and the median. `python -m tests.bench.ingest_path [--profile]`, with the bench portal's
environment and no worker running.
"""

from __future__ import annotations

import asyncio
import cProfile
import os
import pstats
import sys
import time
from datetime import UTC, datetime, timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evportal.settings")

ROUNDS = 12


def main() -> list[float]:
    from stations import ingest
    from stations.models import Batch, Station
    from tests.bench import web_path

    stations = list(Station.objects.select_related("site").filter(identity__startswith="CP")[:200])

    async def fill(n: int) -> None:
        from stations.journal import Journal

        journal = Journal(lambda _batch: None)
        await web_path.batch(stations, journal, datetime.now(UTC) - timedelta(seconds=2 * (ROUNDS - n)))
        await journal.close()

    while ingest.ingest_waiting():
        pass
    figures = []
    for n in range(ROUNDS):
        asyncio.run(fill(n))
        messages = sum(Batch.objects.filter(done_at=None).values_list("messages", flat=True))
        started = time.process_time()
        while ingest.ingest_waiting():
            pass
        figures.append((time.process_time() - started) / messages * 1e6)
    return figures


if __name__ == "__main__":
    import django

    django.setup()
    profile = cProfile.Profile() if "--profile" in sys.argv else None
    if profile:
        profile.enable()
    found = sorted(main())
    if profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)
    sys.stdout.write(f"{found[0]:.1f} {found[len(found) // 2]:.1f}\n")
