#!/usr/bin/env python3
"""Makes `.venv` with the pinned requirements, then becomes the command given after `--`.

    python3 deploy/bootstrap.py [--dev] -- python -m evportal.run

Standard library only, and readable to old Pythons, which get a message instead of a traceback. When
the requirements have not changed since the last time it does nothing but start the command.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed.json"
OLDEST = (3, 11)
NEWER = ("python3.14", "python3.13", "python3.12", "python3.11")


def main():
    dev, command = parse(sys.argv[1:])
    need_python()
    requirements = "requirements-dev.txt" if dev else "requirements.txt"
    if not is_current(requirements):
        # One at a time: `make run` and `make test` may be started together.
        # A folder can be locked itself, which leaves no lock file behind.
        lock = os.open(ROOT, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_current(requirements):
            install(requirements)
        os.close(lock)
    if command:
        become(command)


def parse(arguments):
    before, command = arguments, []
    if "--" in arguments:
        at = arguments.index("--")
        before, command = arguments[:at], arguments[at + 1 :]
    if set(before) - {"--dev"}:
        sys.exit("usage: bootstrap.py [--dev] [-- command …]")
    return "--dev" in before, command


def need_python():
    if sys.version_info >= OLDEST:
        return
    for name in NEWER:
        if shutil.which(name):
            os.execvp(name, [name, *sys.argv])
    sys.exit(
        "This needs Python %d.%d or newer, and %s is %d.%d.\n"
        "Install a newer one (`apt install python3.11 python3.11-venv`, `dnf install python3.11`,\n"
        "`brew install python`), or name the one to use: make run PYTHON=/path/to/python3.12"
        % (OLDEST + (sys.executable,) + tuple(sys.version_info[:2]))
    )


def fingerprint(requirements):
    """What an installation depends on. The place too: scripts in a venv name it."""
    content = (ROOT / requirements).read_bytes()
    return [hashlib.sha256(content).hexdigest(), sys.version.split()[0], str(ROOT)]


def is_current(requirements):
    try:
        installed = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return False
    return installed.get(requirements) == fingerprint(requirements) and python().exists()


def install(requirements):
    print("Setting up .venv (once; later starts skip this)", flush=True)
    STAMP.unlink(missing_ok=True)
    make_venv()
    place_checkout_on_path()
    pins = ["--require-hashes", "--requirement", str(ROOT / requirements)]
    pip = [str(python()), "-m", "pip"]
    quiet = ["--quiet", "--disable-pip-version-check"]
    with_uv = step("uv", [*pip, "install", *quiet, "uv"], may_fail=True) and step(
        requirements,
        [str(python()), "-m", "uv", "pip", "install", "--quiet", "--python", str(python()), *pins],
        may_fail=True,
    )
    if not with_uv:
        print("  uv could not do it; pip takes over, which takes some minutes", flush=True)
        step(requirements + " with pip", [*pip, "install", *quiet, *pins])
    done = {requirements: fingerprint(requirements)}
    if requirements == "requirements-dev.txt":  # holds all of the other, at the same versions
        done["requirements.txt"] = fingerprint("requirements.txt")
    STAMP.write_text(json.dumps(done))


def make_venv():
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        sys.exit(
            "%s lacks the module that makes virtual environments.\n"
            "On Debian and Ubuntu: apt install python3-venv (or python%d.%d-venv), then start again."
            % ((sys.executable,) + tuple(sys.version_info[:2]))
        )
    if VENV.is_symlink():
        sys.exit("`.venv` is a link, and what it leads to would be emptied. Remove it, then start again.")
    if not same_python():
        # Made by another Python or moved here from elsewhere: nothing in it would be found.
        step("virtual environment", [sys.executable, "-m", "venv", "--clear", str(VENV)])


def same_python():
    try:
        config = dict(
            line.split(" = ", 1) for line in (VENV / "pyvenv.cfg").read_text().splitlines() if " = " in line
        )
    except OSError:
        return False
    version = config.get("version", "")
    made_here = str(VENV) in config.get("command", str(VENV))
    return python().exists() and version == sys.version.split()[0] and made_here


def place_checkout_on_path():
    """Lets `pytest` and `python -m evportal.run` find the portal from whichever folder they start in."""
    name = "python%d.%d" % sys.version_info[:2]
    (VENV / "lib" / name / "site-packages" / "evportal-checkout.pth").write_text(str(ROOT) + "\n")


def step(title, argv, may_fail=False):
    started = time.monotonic()
    done = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    ok = done.returncode == 0
    print("  %s %s %.1f s" % ("ok" if ok else "--", title, time.monotonic() - started), flush=True)
    if not ok:
        print(done.stdout.strip()[-3000:], flush=True)
        if not may_fail:
            sys.exit("Setting up .venv failed at this step: " + title)
    return ok


def become(command):
    bin_folder = python().parent
    os.environ["VIRTUAL_ENV"] = str(VENV)
    os.environ["PATH"] = str(bin_folder) + os.pathsep + os.environ.get("PATH", os.defpath)
    program = bin_folder / command[0]
    os.execvp(str(program) if program.exists() else command[0], command)


def python():
    return VENV / "bin" / "python"


if __name__ == "__main__":
    main()
