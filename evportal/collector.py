"""Python's collector of circular garbage, for processes that keep much and make little of it."""

import gc


def seldom_collect() -> None:
    """What is loaded by now stays, so the collector need not look at it again and again.

    Without this it takes a seventh of the time of a process that answers chargers as fast as it can, and a
    quarter of a worker's that ingests: what waits for a commit looks like garbage in the making.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
