"""`python -m evportal.run`: the steps of a start, and the end."""

import fcntl
import json
import os
import sys
import time
from pathlib import Path
from typing import IO

from evportal.embedded import Embedded, EmbeddedError, data_dir
from evportal.embedded.addresses import CHECKOUT
from evportal.embedded.postgres import Postgres

from . import plan, settings
from .prepare import Prepared
from .supervisor import ChildFailed, StopAsked, Supervisor
from .terminal import Terminal


def main() -> int:
    terminal = Terminal()
    data = data_dir()
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = claim(data)
        settings.check_ports(os.environ)
        with lock:
            return run(terminal, data)
    except OSError as problem:
        terminal.warn(f"The data folder {data} can't be used: {problem}")
    except settings.BadSetting as problem:
        terminal.warn(str(problem))
    return 1


def run(terminal: Terminal, data: Path) -> int:
    began = time.monotonic()
    supervisor = Supervisor(terminal, data=data, cwd=CHECKOUT)
    services = Embedded(
        data,
        tied=True,
        postgres=not os.environ.get("DATABASE_URL"),
        valkey=not os.environ.get("REDIS_URL"),
    )
    code = 0
    with supervisor.listening():
        try:
            if supervisor.leftovers.end():
                terminal.line("  Ended what an earlier start had left running")
            env = settings.child_environment(data, os.environ)
            start(terminal, supervisor, services, env)
            show(terminal, data, env, time.monotonic() - began)
            supervisor.watch()
        except StopAsked:
            pass
        except (ChildFailed, EmbeddedError) as problem:
            terminal.warn(str(problem))
            code = 1
        finally:
            terminal.line()
            with terminal.step("stopped"):
                supervisor.stop()
                for name in services.stop():
                    terminal.line(f"  {name} goes on: another command uses it")
    return code


def start(terminal: Terminal, supervisor: Supervisor, services: Embedded, env: dict[str, str]) -> None:
    for kind in services.wanted:
        with terminal.step(kind.name):
            services.start_one(kind)
        supervisor.check()
    supervisor.every_second = lambda: revive(terminal, services)
    demo = settings.is_demo(os.environ)
    own = any(kind is Postgres for kind in services.wanted)
    # A database of our own that was prepared by this very code needs no second look; a foreign one does.
    prepared = Prepared(supervisor.data, f"{env['DATABASE_URL']} {env['PUBLIC_URL']} {demo}")
    early = prepared.is_current()
    if settings.uses_simulated_payments(os.environ):
        supervisor.start([plan.payments(env, behind=0 if early else plan.BEHIND_DAYS)])
        if not early:
            supervisor.wait_ready()  # the demo's first bills are paid there
    if early:
        # No migration is due, so everything may read its code while the data is looked over.
        start_portal(supervisor, env)
    if not (early and own):
        with terminal.step("database schema, demo data" if demo else "database schema"):
            supervisor.run_to_end(plan.prepare(env, demo=demo))
        prepared.remember()
    if not early:
        start_portal(supervisor, env)
    with terminal.step("web, workers, beat"):
        supervisor.wait_ready()
    if demo:
        with terminal.step("simulated chargers"):
            supervisor.start([plan.chargers(env)])
            supervisor.wait_ready()
    port = int(env["PORT"])
    with terminal.step("every part ready"):
        all_up = supervisor.wait(lambda: plan.not_ready(port) is None, within=30)
    if not all_up:
        terminal.warn(f"Not every part is ready yet: {plan.not_ready(port)}")


def start_portal(supervisor: Supervisor, env: dict[str, str]) -> None:
    for group in plan.groups(env):
        supervisor.start(group)


def revive(terminal: Terminal, services: Embedded) -> None:
    for name in services.revive():
        terminal.warn(f"{name} had died and was started again")


def show(terminal: Terminal, data: Path, env: dict[str, str], took: float) -> None:
    """Where it is and who may sign in; the seed of the demo writes both."""
    try:
        demo = json.loads((data / "demo.json").read_text())
    except (OSError, ValueError):
        demo = {}
    terminal.line()
    terminal.line(f"The portal is up after {took:.1f} s")
    terminal.line()
    terminal.table("Addresses", demo.get("addresses") or [["Portal", env["PUBLIC_URL"] + "/"]])
    if demo.get("sign_ins") and settings.is_demo(os.environ):
        terminal.table("Sign in as", demo["sign_ins"])
    logs = data / "logs"
    terminal.line(
        f"Ctrl-C stops everything. Logs: {os.path.relpath(logs) if logs.is_relative_to(CHECKOUT) else logs}"
    )
    terminal.line()


def claim(data: Path) -> IO[str]:
    """One supervisor per data folder; the kernel frees the claim however it ends."""
    lock = (data / "supervisor.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise settings.BadSetting(
            f"The portal already runs from {data} ({lock.read().strip() or 'just starting'}).\n"
            "Stop it first, or start a second one beside it: make run DATA=.data2 PORT=8100"
        ) from None
    lock.truncate(0)
    lock.write(f"process {os.getpid()}, http://127.0.0.1:{settings.port(os.environ)}/")
    lock.flush()
    return lock


if __name__ == "__main__":
    sys.exit(main())
