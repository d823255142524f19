"""Imports point left: accounts ← stations ← bookings ← billing; monitoring → stations."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

#: What each package may import of ours, beside itself.
ALLOWED = {
    "evportal/accounts": {"evportal.accounts", "evportal.money", "evportal.celery"},
    "evportal/outbox": {"evportal.outbox"},
    "stations": {
        "evportal.accounts",
        "evportal.courtesy",
        "evportal.limits",
        "evportal.money",
        "evportal.outbox",
        "evportal.rest",
        "evportal.sockets",
        "evportal.spreadsheets",
    },
    "bookings": {"evportal.accounts", "evportal.money", "evportal.outbox", "evportal.rest", "stations"},
    "billing": {
        "evportal.accounts",
        "evportal.limits",
        "evportal.money",
        "evportal.outbox",
        "evportal.rest",
        "evportal.spreadsheets",
        "evportal.widgets",
        "stations",
        "bookings",
    },
    "monitoring": {
        "evportal.accounts",
        "evportal.money",
        "evportal.outbox",
        "evportal.rest",
        "evportal.spreadsheets",
        "evportal.widgets",
        "stations",
        "bookings",
        "billing",
    },
}
OURS = ("evportal", "stations", "bookings", "billing", "monitoring")
#: The edges where the whole house meets: the admin's base and the API's helpers.
SHARED = {"evportal.admin", "evportal.admin_actions", "evportal.rest"}


def imports(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_point_left(package):
    allowed = ALLOWED[package] | SHARED | {package.replace("/", ".")}
    wrong = []
    for path in (ROOT / package).rglob("*.py"):
        for name in imports(path):
            if not name.startswith(OURS) or name in ("evportal",):
                continue
            if not any(name == each or name.startswith(f"{each}.") for each in allowed):
                wrong.append(f"{path.relative_to(ROOT)}: {name}")
    assert not wrong, "\n".join(wrong)


def test_pure_modules_know_neither_django_nor_the_clock():
    pure = ["stations/access.py", "stations/meter.py", "stations/ocpp/wire.py", "bookings/rules.py"]
    pure += ["bookings/moving.py", "bookings/failing.py"]
    pure += ["billing/payments.py", "billing/invoicing.py", "monitoring/alerts.py", "evportal/money.py"]
    pure += ["stations/charging_profiles/build.py", "stations/charging_profiles/spelling.py"]
    pure += ["stations/firmware/states.py", "stations/firmware/waves.py", "stations/files/ranges.py"]
    configuration = ("names", "calls", "answers", "drift", "builtin")
    pure += ["stations/ocpp/registering.py", *(f"stations/configuration/{each}.py" for each in configuration)]
    pure += [f"stations/importing/{each}.py" for each in ("tables", "columns", "planning")]
    pure += [f"monitoring/uptime/{each}.py" for each in ("spans", "formulas", "history")]
    pure += [f"monitoring/patterns/{each}.py" for each in ("advice", "buckets", "forecast", "periods")]
    files = [ROOT / name for name in pure] + sorted((ROOT / "billing" / "pricing").glob("*.py"))
    for path in files:
        assert not [name for name in imports(path) if name.startswith("django")], path
        assert ".now(" not in path.read_text(), path
