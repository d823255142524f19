"""The supervisor of `make run`, with small programs in the places of the portal's."""

import contextlib
import io
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from evportal.embedded import runtime_dir
from evportal.embedded.addresses import CHECKOUT
from evportal.embedded.server import KEPT_LOGS
from evportal.run import __main__ as command
from evportal.run import plan, settings
from evportal.run.child import Child, Process
from evportal.run.leftovers import Leftovers, birth
from evportal.run.prepare import Prepared
from evportal.run.supervisor import ChildFailed, StopAsked, Supervisor
from evportal.run.terminal import Terminal

# Says its name and port, answers one request after the other, and has a child of its own.
SERVER = """
    import http.server, os, subprocess, sys
    port, pids = int(sys.argv[1]), sys.argv[2]
    inner = subprocess.Popen(["sleep", "30"])
    with open(pids, "a") as out:
        print(os.getpid(), inner.pid, file=out)
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/die":
                os._exit(3)
            self.send_response(200)
            self.end_headers()
        def log_message(self, *args): print("asked for", self.path, flush=True)
    http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def script(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-u", "-c", textwrap.dedent(code), *map(str, arguments)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def lives(pid: int) -> bool:
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def wait_until(condition, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def pids_in(file: Path) -> list[int]:
    return [int(word) for word in file.read_text().split()] if file.exists() else []


@pytest.fixture
def screen():
    return io.StringIO()


@pytest.fixture
def supervisor(tmp_path, screen):
    supervisor = Supervisor(Terminal(screen), data=tmp_path, cwd=tmp_path)
    yield supervisor
    supervisor.asked = 2
    supervisor.stop()


def server(tmp_path, port: int, name: str = "web") -> Process:
    argv = script(SERVER, port, tmp_path / f"{name}.pids")
    return Process(name, argv, ready=plan.answers(port), grace=2)


def until(supervisor, condition) -> None:
    """Let it watch until something holds."""

    def look() -> None:
        if condition() or time.monotonic() > deadline:
            supervisor.asked = 1

    deadline = time.monotonic() + 15
    supervisor.every_second = look
    supervisor.asked = 0
    supervisor.watch()
    assert condition()
    supervisor.asked = 0


def test_start_waits_until_it_answers_and_stop_leaves_nothing(supervisor, tmp_path):
    port = free_port()
    supervisor.start([server(tmp_path, port)])
    supervisor.wait_ready()
    assert plan.get(port, "/healthz")[0] == 200
    supervisor.stop()
    pids = pids_in(tmp_path / "web.pids")
    assert len(pids) == 2  # the server and the child it had not ended itself
    wait_until(lambda: not any(map(lives, pids)))
    assert not (tmp_path / "children.json").exists()


def test_groups_stop_in_the_opposite_order(supervisor, tmp_path):
    code = """
        import signal, sys, time
        def leave(*_):
            open(sys.argv[2], "a").write(sys.argv[1] + " ")
            sys.exit()
        signal.signal(signal.SIGTERM, leave)
        open(sys.argv[1], "w")
        time.sleep(60)
    """
    for name in ("workers", "web", "chargers"):
        up = tmp_path / name
        supervisor.start([Process(name, script(code, name, tmp_path / "order"), ready=up.exists)])
        supervisor.wait_ready()
    supervisor.stop()
    assert (tmp_path / "order").read_text() == "chargers web workers "


def test_what_does_not_stop_is_killed_after_its_grace(supervisor, tmp_path):
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(60)"
    supervisor.start([Process("deaf", script(code), ready=lambda: has(tmp_path, "deaf", "deaf"), grace=0.3)])
    supervisor.wait_ready()
    deaf = supervisor.groups[0][0].popen
    supervisor.stop()
    assert deaf.returncode == -signal.SIGKILL


def has(data: Path, name: str, text: str) -> bool:
    log = data / "logs" / f"{name}.log"
    return log.exists() and text in log.read_text()


def test_who_dies_is_started_again_and_it_is_said(supervisor, tmp_path, screen):
    port = free_port()
    supervisor.start([server(tmp_path, port)])
    supervisor.wait_ready()
    plan.get(port, "/die")
    until(supervisor, lambda: plan.get(port, "/healthz")[0] == 200)
    assert "web ended with exit code 3; it starts again in 1 s" in screen.getvalue()
    first_server, its_child, *_second = pids_in(tmp_path / "web.pids")
    assert not lives(first_server)
    assert not lives(its_child)


def test_pauses_grow_while_it_keeps_dying(tmp_path):
    (tmp_path / "logs").mkdir()
    child = Child(Process("x", script("pass")), logs=tmp_path / "logs", cwd=tmp_path)
    pauses = []
    for _ in range(7):
        child.start()
        child.popen.wait()
        assert child.ended() == 0
        pauses.append(child.plan_restart())
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_output_goes_to_its_log_and_with_its_name_to_the_terminal(supervisor, tmp_path, screen):
    supervisor.start([Process("talker", script("print('one'); print('two')"))])
    until(supervisor, lambda: "two" in screen.getvalue())
    assert (tmp_path / "logs" / "talker.log").read_text().startswith("one\ntwo")
    assert "talker     | one\n" in screen.getvalue()
    assert "talker     | two" in screen.getvalue()


def test_routine_lines_stay_off_the_terminal(supervisor, tmp_path, screen):
    argv = script("print('INFO celery.beat tick'); print('news', flush=True); import time; time.sleep(9)")
    supervisor.start([Process("beat", argv, hush=("celery.beat",))])
    until(supervisor, lambda: "news" in screen.getvalue())
    assert "tick" not in screen.getvalue()
    assert has(tmp_path, "beat", "tick")


def test_earlier_logs_are_kept_up_to_a_number(tmp_path):
    for n in range(KEPT_LOGS + 3):
        child = Child(Process("x", script(f"print('run {n}')")), logs=tmp_path, cwd=tmp_path)
        child.start()
        child.popen.wait()
        child.close()
    logs = sorted(tmp_path.iterdir())
    assert len(logs) == KEPT_LOGS
    assert (tmp_path / "x.log").read_text() == f"run {KEPT_LOGS + 2}\n"
    assert (tmp_path / "x.1.log").read_text() == f"run {KEPT_LOGS + 1}\n"


def test_a_step_that_fails_shows_the_end_of_its_log(supervisor):
    with pytest.raises(ChildFailed, match="(?s)migrate failed with exit code 5.*no such column"):
        supervisor.run_to_end(Process("migrate", script("import sys; print('no such column'); sys.exit(5)")))


def test_who_dies_before_it_is_ready_ends_the_start(supervisor):
    broken = Process("web", script("raise SystemExit('cannot import settings')"), ready=lambda: False)
    with pytest.raises(ChildFailed, match="(?s)ended with exit code 1 before it was ready.*cannot import"):
        supervisor.start([broken])
        supervisor.wait_ready()


def test_who_never_gets_ready_ends_the_start(supervisor):
    silent = Process("web", script("import time; time.sleep(60)"), ready=lambda: False, ready_within=0.3)
    with pytest.raises(ChildFailed, match="was not ready within 0 s"):
        supervisor.start([silent])
        supervisor.wait_ready()


def test_a_request_to_stop_ends_a_step_under_way(supervisor):
    supervisor.asked = 1
    with pytest.raises(StopAsked):
        supervisor.run_to_end(Process("migrate", script("import time; time.sleep(60)")))


# The whole command, in a process of its own, with stand-ins for the portal's programs.

WHOLE = """
    import sys
    from evportal.run import __main__ as command, plan
    from evportal.run.child import Process

    def stand_in(name, port):
        argv = [sys.executable, "-u", "-c", SERVER, str(port), PIDS]
        return Process(name, argv, ready=plan.listens(int(port)))

    SERVER, PIDS = sys.argv[1:3]
    ok = [sys.executable, "-c", "print('done')"]
    plan.prepare = lambda env, demo: Process("prepare", ok, env)
    plan.payments = lambda env, behind: stand_in("payments", env["PAYMENT_SIMULATOR_PORT"])
    plan.groups = lambda env: [[stand_in("web", env["PORT"])]]
    plan.chargers = lambda env: stand_in("chargers", env["SIMULATOR_CONTROL_PORT"])
    sys.exit(command.main())
"""


@pytest.fixture
def start_whole(tmp_path):
    started = []

    def start(data: Path, port: int) -> subprocess.Popen:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("STRIPE", "DEMO"))}
        env |= {
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "SECRET_KEY": "",
            "PORT": str(port),
            "DATA": str(data),
            "PYTHONPATH": str(CHECKOUT),
        }
        argv = script(WHOLE, textwrap.dedent(SERVER), data / "pids")
        out = (tmp_path / f"out-{len(started)}").open("w+")
        process = subprocess.Popen(argv, env=env, stdout=out, stderr=subprocess.STDOUT, text=True)
        process.output = lambda: Path(out.name).read_text()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
    wait_until(lambda: not any(map(lives, servers_of(tmp_path / "data"))))
    shutil.rmtree(runtime_dir(tmp_path / "data"), ignore_errors=True)


def ports() -> int:
    """A port with room for its companions."""
    while True:
        port = free_port()
        with contextlib.suppress(settings.BadSetting):
            settings.check_ports({"PORT": str(port)})
            return port


def servers_of(data: Path) -> list[int]:
    notes = [data / file for file in ("postgres/postmaster.pid", "valkey/valkey.pid")]
    return [int(note.read_text().split("\n")[0]) for note in notes if note.exists()]


def up(process) -> bool:
    assert process.poll() is None, process.output()
    return "The portal is up" in process.output()


def test_the_whole_command_starts_shows_and_stops(start_whole, tmp_path):
    data, port = tmp_path / "data", ports()
    data.mkdir()
    (data / "demo.json").write_text(
        json.dumps(
            {
                "addresses": [["Find a charger", f"http://127.0.0.1:{port}/"]],
                "sign_ins": [
                    ["driver", "dana@example.com", "let-me-in"],
                    ["operator", "olga@example.com", "secret"],
                ],
            }
        )
    )
    process = start_whole(data, port)
    wait_until(lambda: up(process), 60)
    said = process.output()
    for step in (
        "PostgreSQL",
        "Valkey",
        "database schema, demo data",
        "web, workers, beat",
        "simulated chargers",
    ):
        assert step in said
    assert "driver    dana@example.com  let-me-in" in said
    assert f"http://127.0.0.1:{port}/" in said

    pids, services = pids_in(data / "pids"), servers_of(data)
    assert len(pids) == 6
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert not any(map(lives, pids + services))
    for name in ("prepare", "web", "payments", "chargers", "postgresql", "valkey"):
        assert (data / "logs" / f"{name}.log").exists()

    # Started again it keeps its key.
    key = (data / "secret-key").read_text()
    again = start_whole(data, port)
    wait_until(lambda: up(again))
    assert (data / "secret-key").read_text() == key
    assert stat.S_IMODE((data / "secret-key").stat().st_mode) == 0o600
    again.send_signal(signal.SIGTERM)
    assert again.wait(20) == 0


def test_kill_minus_nine_leaves_nothing_behind_and_the_next_start_works(start_whole, tmp_path):
    data, port = tmp_path / "data", ports()
    process = start_whole(data, port)
    wait_until(lambda: up(process), 60)
    leaders = pids_in(data / "pids")[::2]
    services = servers_of(data)
    process.kill()
    process.wait()
    wait_until(lambda: not any(map(lives, leaders + services)))
    again = start_whole(data, port)
    wait_until(lambda: up(again), 60)
    again.terminate()
    assert again.wait(20) == 0


def test_a_killed_database_is_started_again(start_whole, tmp_path):
    data, port = tmp_path / "data", ports()
    process = start_whole(data, port)
    wait_until(lambda: up(process), 60)
    os.kill(servers_of(data)[0], signal.SIGKILL)
    wait_until(lambda: "PostgreSQL had died and was started again" in process.output())
    process.terminate()
    assert process.wait(20) == 0


def test_a_second_start_on_the_same_data_says_where_the_first_is(start_whole, tmp_path):
    data, port = tmp_path / "data", ports()
    first = start_whole(data, port)
    wait_until(lambda: up(first), 60)
    second = start_whole(data, port)
    assert second.wait(20) == 1
    assert f"already runs from {data} (process {first.pid}, http://127.0.0.1:{port}/)" in second.output()


def test_a_taken_port_is_named_before_anything_starts(start_whole, tmp_path):
    data, port = tmp_path / "data", ports()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        process = start_whole(data, port)
        assert process.wait(20) == 1
    assert f"Port {port}, which the portal needs, can't be used: Address already in use" in process.output()
    assert f"make run PORT={port + 100}" in process.output()
    assert not (data / "postgres").exists()


def test_a_new_migration_makes_the_others_wait_for_it(tmp_path):
    (tmp_path / "app/migrations").mkdir(parents=True)
    (tmp_path / "app/migrations/0001_first.py").write_text("operations = []")
    before = Prepared(tmp_path, "postgresql://db/x", code=tmp_path)
    assert not before.is_current()
    before.remember()
    assert Prepared(tmp_path, "postgresql://db/x", code=tmp_path).is_current()
    assert not Prepared(tmp_path, "postgresql://db/another", code=tmp_path).is_current()
    (tmp_path / "app/migrations/0002_second.py").write_text("operations = [1]")
    assert not Prepared(tmp_path, "postgresql://db/x", code=tmp_path).is_current()


def test_leftovers_are_ended_but_never_strangers(tmp_path):
    leftover = subprocess.Popen(["sleep", "300"], start_new_session=True)
    stranger = subprocess.Popen(["sleep", "300"], start_new_session=True)
    try:
        notes = Leftovers(tmp_path / "children.json")
        notes.note([leftover.pid])
        marks = json.loads(notes.file.read_text())
        notes.file.write_text(json.dumps(marks | {str(stranger.pid): birth(stranger.pid) + "0"}))
        assert notes.end() == 1
        assert leftover.wait(5) == -signal.SIGKILL
        assert stranger.poll() is None
        assert notes.end() == 0
    finally:
        for process in (leftover, stranger):
            process.kill()
            process.wait()


def test_children_learn_everything_by_their_environment(tmp_path):
    env = settings.child_environment(tmp_path, {"PORT": "9000"})
    assert env["PUBLIC_URL"] == "http://127.0.0.1:9000"
    assert env["STRIPE_API_BASE"] == "http://127.0.0.1:9010"
    assert env["PAYMENT_SIMULATOR_PORT"] == "9010"
    assert env["SIMULATOR_CONTROL_PORT"] == "9020"
    assert env["STRIPE_SECRET_KEY"] == "sk_test_simulator"
    assert env["DATABASE_URL"].startswith("postgresql://evportal@/evportal?host=/tmp/evp-")
    assert len(env["SECRET_KEY"]) > 50


def test_what_the_user_has_set_stays(tmp_path):
    said = {
        "DATABASE_URL": "postgresql://db/x",
        "STRIPE_SECRET_KEY": "sk_test_mine",
        "SECRET_KEY": "k",
        "DEBUG": "0",
    }
    env = settings.child_environment(tmp_path, said)
    assert {name: env.get(name) for name in said} == said | {"STRIPE_SECRET_KEY": None}  # inherited as it is
    assert "STRIPE_API_BASE" not in env


@pytest.mark.parametrize("port", ["http", "-1", "0", "70000", "65530"])
def test_a_port_that_is_none(port):
    with pytest.raises(settings.BadSetting, match="PORT must be a number from 1 to"):
        settings.port({"PORT": port})


def test_the_plan_starts_web_after_the_workers():
    env = {"PORT": "8000", "DATA": "/d"}
    names = [[process.name for process in group] for group in plan.groups(env)]
    assert names == [["beat"], ["telemetry", "worker"], ["web"]]


def test_plain_letters_where_the_terminal_has_no_others():
    raw = io.BytesIO()
    terminal = Terminal(io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    with terminal.step("PostgreSQL"):
        terminal.child("web", "Grüße")
    assert raw.getvalue().startswith(b"web        | Gr??e\n  ok PostgreSQL 0.")


class Tty(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colour_only_where_wanted(monkeypatch, no_color, coloured):
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    tty = Tty()
    Terminal(tty).child("web", "started")
    assert ("\033[36m" in tty.getvalue()) is coloured


def test_a_step_under_way_stays_below_what_is_said_meanwhile():
    tty = Tty()
    terminal = Terminal(tty)
    with terminal.step("web"):
        terminal.line("hello")
    assert tty.getvalue().startswith("  … web\r\033[Khello\n  … web\r\033[K  ")


def test_show_without_a_seed_gives_the_address(tmp_path, screen):
    command.show(Terminal(screen), tmp_path, {"PUBLIC_URL": "http://127.0.0.1:9000"}, 3.21)
    assert "up after 3.2 s" in screen.getvalue()
    assert "http://127.0.0.1:9000/" in screen.getvalue()
