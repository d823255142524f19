"""Work that can wait rests for as long as it was kept waiting; never long, and not without cause."""

import subprocess
import sys

import pytest

from evportal import courtesy


@pytest.fixture
def rests(monkeypatch):
    """How long each pause was, without waiting for it."""
    seconds = []
    monkeypatch.setattr(courtesy.time, "sleep", seconds.append)
    return seconds


def waiting(monkeypatch, *values: float) -> None:
    values = iter(values)
    monkeypatch.setattr(courtesy, "waited", lambda: next(values))


def test_as_long_as_it_waited_since_the_last_pause(monkeypatch, rests):
    # At the beginning; then before and after each of two pauses.
    waiting(monkeypatch, 1.0, 1.25, 1.5, 1.5, 1.5)
    polite = courtesy.Courtesy()
    polite.pause()
    polite.pause()
    assert rests == [0.25, 0.0]


def test_never_so_long_that_work_stands_still(monkeypatch, rests):
    waiting(monkeypatch, 0.0, 90.0, 90.0)
    courtesy.Courtesy().pause()
    assert rests == [courtesy.LONGEST]


def test_the_system_says_how_long_a_process_waited():
    """Two processes that want the same processor: each waits for the other."""
    script = """
import os, time
from evportal.courtesy import waited
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
os.fork()
until = time.monotonic() + 0.5
while time.monotonic() < until:
    pass
print(waited(), flush=True)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert all(float(word) > 0.05 for word in done.stdout.split())


def test_where_nobody_counts_there_is_no_pause(monkeypatch, rests, tmp_path):
    monkeypatch.setattr(courtesy, "SCHEDULING", tmp_path / "nothing")
    courtesy.Courtesy().pause()
    assert rests == [0.0]
