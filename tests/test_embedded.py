"""The embedded servers: started, shared, found again after a crash, private to their folder."""

import contextlib
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from evportal.embedded import (
    Embedded,
    EmbeddedError,
    broker_url,
    database_settings,
    database_url,
    redis_url,
    running,
    runtime_dir,
)
from evportal.embedded.addresses import CHECKOUT
from evportal.embedded.binaries import reachable
from evportal.embedded.postgres import Postgres
from evportal.embedded.valkey import Valkey


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data folder of its own, whose servers are gone after the test."""
    yield tmp_path / "data"
    with contextlib.suppress(EmbeddedError):
        Embedded(tmp_path / "data", for_tests=True).start().stop()


def query(data: Path, sql: str) -> object:
    with psycopg.connect(database_url(data), autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


def pid_of(data: Path, name: str) -> int:
    return int((data / name).read_text().split("\n")[0])


def lives(pid: int) -> bool:
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def wait_until(condition, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def python(code: str, data: Path, **popen) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "DATABASE_URL": "", "REDIS_URL": ""},
        **popen,
    )


HOLD = """
    import sys, time
    from evportal.embedded import Embedded
    with Embedded(sys.argv[1], for_tests=True, tied={tied}):
        print("up", flush=True)
        time.sleep(60)
"""


def test_both_answer_with_the_portals_role_and_extensions(data):
    with Embedded(data, for_tests=True) as services:
        assert services.started == {"PostgreSQL", "Valkey"}
        assert query(data, "SELECT current_user || '@' || current_database()") == "evportal@evportal"
        extensions = "SELECT count(*) FROM pg_extension WHERE extname IN ('btree_gist', 'pg_trgm', 'citext')"
        assert query(data, extensions) == 3
        query(data, "CREATE DATABASE another")  # as Django's test runner does
        assert redis.Redis.from_url(redis_url(data)).ping()
    with pytest.raises(psycopg.OperationalError):
        query(data, "SELECT 1")
    assert not runtime_dir(data).exists()


def test_the_role_is_no_superuser(data):
    with Embedded(data, for_tests=True, valkey=False):
        assert query(data, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


def test_a_second_user_attaches_at_once_and_the_last_one_out_stops(data):
    first = Embedded(data, for_tests=True, tied=False).start()
    second = Embedded(data, for_tests=True, tied=False).start()
    assert second.started == set()
    assert first.stop() == ["Valkey", "PostgreSQL"]  # who started them goes; the other still works
    assert query(data, "SELECT 1") == 1
    assert second.stop() == []
    with pytest.raises(psycopg.OperationalError):
        query(data, "SELECT 1")


def test_data_survives_kill_minus_nine(data):
    with Embedded(data):
        query(data, "CREATE TABLE kept AS SELECT 42 AS answer")
        for name in ("postgres/postmaster.pid", "valkey/valkey.pid"):
            os.kill(pid_of(data, name), signal.SIGKILL)
        with Embedded(data) as again:
            assert again.started == {"PostgreSQL", "Valkey"}
            assert query(data, "SELECT answer FROM kept") == 42


def test_the_demos_queue_survives_a_restart(data):
    with Embedded(data, postgres=False):
        redis.Redis.from_url(redis_url(data)).set("queued", "yes")
    with Embedded(data, postgres=False):
        assert redis.Redis.from_url(redis_url(data)).get("queued") == b"yes"


def test_the_demos_database_is_durable(data):
    with Embedded(data, valkey=False):
        assert (
            query(data, "SELECT current_setting('fsync') || current_setting('synchronous_commit')") == "onon"
        )
        assert query(data, "SELECT current_setting('max_connections')") == "200"


def test_a_stale_note_with_somebody_elses_pid_is_no_obstacle(data):
    with Embedded(data, for_tests=True, valkey=False):
        query(data, "CREATE TABLE kept AS SELECT 1")
        note = (data / "postgres/postmaster.pid").read_text()
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        (data / "postgres/postmaster.pid").write_text(note.replace(note.split("\n")[0], str(sleeper.pid), 1))
        with Embedded(data, for_tests=True, valkey=False):
            assert query(data, "SELECT count(*) FROM kept") == 1
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def test_an_interrupted_first_start_leaves_nothing_half_done(data):
    (data / "postgres.new" / "base").mkdir(parents=True)
    (data / "postgres.new" / "PG_VERSION").write_text("18\n")
    with Embedded(data, for_tests=True, valkey=False):
        assert query(data, "SELECT 1") == 1


def test_a_cluster_of_another_version_is_named(data):
    with Embedded(data, for_tests=True, valkey=False):
        pass
    (data / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 12"):
        Embedded(data, for_tests=True, valkey=False).start()
    (data / "postgres" / "PG_VERSION").write_text("18\n")


def test_two_folders_never_meet(data, tmp_path):
    with Embedded(data, for_tests=True), Embedded(tmp_path / "other", for_tests=True):
        query(data, "CREATE TABLE mine (id int)")
        redis.Redis.from_url(redis_url(data)).set("mine", 1)
        assert query(tmp_path / "other", "SELECT to_regclass('mine')") is None
        assert redis.Redis.from_url(redis_url(tmp_path / "other")).get("mine") is None


def test_racing_starts_make_one_server(data):
    racers = [python(HOLD.format(tied=False), data) for _ in range(3)]
    try:
        for racer in racers:
            assert racer.stdout.readline() == "up\n"
        assert query(data, "SELECT 1") == 1
        servers = [pid_of(data, "postgres/postmaster.pid"), pid_of(data, "valkey/valkey.pid")]
        assert len(list((data / "logs").glob("postgresql*.log"))) == 1
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()
    # Killed, they could not stop the servers: the next one takes these over and stops them.
    with Embedded(data, for_tests=True) as services:
        assert services.started == set()
    assert not any(map(lives, servers))


def test_tied_servers_end_with_a_killed_owner(data):
    owner = python(HOLD.format(tied=True), data)
    assert owner.stdout.readline() == "up\n"
    servers = [pid_of(data, "postgres/postmaster.pid"), pid_of(data, "valkey/valkey.pid")]
    owner.kill()
    owner.communicate()
    wait_until(lambda: not any(map(lives, servers)))


def test_sigterm_leaves_in_order(data):
    command = python(
        """
        import os, sys, time
        from evportal.embedded import running
        with running(sys.argv[1]):
            print(os.environ["DATABASE_URL"], flush=True)
            time.sleep(60)
        """,
        data,
    )
    assert command.stdout.readline().strip() == database_url(data)
    server = pid_of(data, "postgres/postmaster.pid")
    command.terminate()
    command.communicate(timeout=20)
    assert command.returncode == 128 + signal.SIGTERM
    assert not lives(server)


def test_running_starts_only_what_the_environment_does_not_name(data):
    environ = {"DATABASE_URL": "postgresql://db.example/portal"}
    with running(data, environ) as services:
        assert services.started == {"Valkey"}
        assert environ == {"DATABASE_URL": "postgresql://db.example/portal", "REDIS_URL": redis_url(data)}
    assert "REDIS_URL" not in environ
    assert not (data / "postgres").exists()


def test_a_socket_folder_that_is_not_ours_is_refused(data):
    runtime_dir(data).mkdir(mode=0o755)
    try:
        with pytest.raises(EmbeddedError, match="private folder"):
            Embedded(data, for_tests=True).start()
    finally:
        runtime_dir(data).rmdir()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(data, monkeypatch):
    monkeypatch.setattr(Postgres, "argv", lambda self: ["sh", "-c", "echo no room on this disk >&2; exit 1"])
    with pytest.raises(EmbeddedError, match="no room on this disk"):
        Embedded(data, for_tests=True, valkey=False).start()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_can_too(tmp_path):
    nobody = pwd.getpwnam("nobody")
    if not all(reachable(path, nobody.pw_uid) for path in (CHECKOUT, Path(psycopg.__file__).parent)):
        pytest.skip("this checkout is closed to ordinary users")
    with tempfile.TemporaryDirectory(prefix="evportal-nobody-") as home:
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        # Python itself may live where nobody can't go, so it starts as root and then changes.
        done = python(
            """
            import os, pwd, sys, psycopg, encodings.idna
            from evportal.embedded import Embedded, database_url
            nobody = pwd.getpwnam("nobody")
            os.setgroups([]); os.setgid(nobody.pw_gid); os.setuid(nobody.pw_uid)
            os.chdir("/")
            with Embedded(sys.argv[1], for_tests=True):
                with psycopg.connect(database_url(sys.argv[1])) as connection:
                    print(connection.execute("SELECT current_user").fetchone()[0])
            """,
            Path(home) / "data",
        )
        said, _ = done.communicate(timeout=60)
        assert said == "evportal\n"


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives up its rights")
def test_root_gives_up_its_rights_even_below_a_private_folder(data):
    data.parent.chmod(0o700)
    with Embedded(data, for_tests=True):
        for name in ("postgres/postmaster.pid", "valkey/valkey.pid"):
            assert Path(f"/proc/{pid_of(data, name)}").stat().st_uid != 0
        assert (data / "postgres").stat().st_uid == Path(f"/proc/{pid_of(data, name)}").stat().st_uid


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_data_that_root_restored_from_a_backup_is_readable(data):
    with Embedded(data, for_tests=True):
        query(data, "CREATE TABLE kept AS SELECT 42 AS answer")
    for path in (data, *data.rglob("*")):
        os.chown(path, 0, 0)
    with Embedded(data, for_tests=True):
        assert query(data, "SELECT answer FROM kept") == 42


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://evportal@/evportal?host=/tmp/evp-1", ("evportal", "evportal", "", "/tmp/evp-1", "")),
        ("postgres://u:p%40ss@db.example:6432/portal", ("portal", "u", "p@ss", "db.example", "6432")),
        ("postgresql://u@%2Fvar%2Frun/portal", ("portal", "u", "", "/var/run", "")),
    ],
)
def test_database_settings(url, expected):
    settings = database_settings(url)
    assert tuple(settings[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")) == expected
    assert settings["OPTIONS"] == {}


def test_other_parameters_of_the_url_become_options():
    assert database_settings("postgresql://db/x?sslmode=require")["OPTIONS"] == {"sslmode": "require"}


def test_celery_spells_a_socket_differently():
    assert (
        broker_url("unix:///tmp/evp-1/redis.sock?db=3")
        == "redis+socket:///tmp/evp-1/redis.sock?virtual_host=3"
    )
    assert broker_url("redis://cache.example:6379/1") == "redis://cache.example:6379/1"


def test_paths_fit_a_socket_address_however_deep_the_folder():
    for kind in (Postgres, Valkey):
        server = kind(Path("/x"), runtime_dir("/deep" * 100), 0, 0, for_tests=True)
        assert len(os.fsencode(server.socket_path)) < 100
