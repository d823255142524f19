"""What `make run` hands to its children: ports, addresses, keys."""

import socket
from collections.abc import Mapping
from pathlib import Path

from evportal.embedded import environment, secret_key

PAYMENTS_OFFSET, CONTROL_OFFSET = 10, 20


class BadSetting(Exception):
    """A variable or port that can't be used; the message says what to do."""


def port(environ: Mapping[str, str]) -> int:
    said = environ.get("PORT") or "8000"
    if not said.isdigit() or not 1 <= int(said) <= 65535 - CONTROL_OFFSET:
        raise BadSetting(f"PORT must be a number from 1 to {65535 - CONTROL_OFFSET}, not {said!r}.")
    return int(said)


def uses_simulated_payments(environ: Mapping[str, str]) -> bool:
    return is_demo(environ) and not environ.get("STRIPE_SECRET_KEY")


def is_demo(environ: Mapping[str, str]) -> bool:
    return environ.get("DEMO", "1").lower() not in {"0", "false", "no", "off"}


def child_environment(data: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Everything a child needs to know; what the user has set stays as it is."""
    web = port(environ)
    wishes = {
        "PORT": str(web),
        "DATA": str(data),
        **environment(data),
        "SECRET_KEY": "",
        "DEMO": "1",
        "DEBUG": "0",
        "PUBLIC_URL": f"http://127.0.0.1:{web}",
        "SIMULATOR_CONTROL_PORT": str(web + CONTROL_OFFSET),
        "PYTHONUNBUFFERED": "1",
    }
    if uses_simulated_payments(environ):
        wishes |= {
            "PAYMENT_SIMULATOR_PORT": str(web + PAYMENTS_OFFSET),
            "STRIPE_API_BASE": f"http://127.0.0.1:{web + PAYMENTS_OFFSET}",
            "STRIPE_SECRET_KEY": "sk_test_simulator",
            "STRIPE_WEBHOOK_SECRET": "whsec_simulator",
        }
    result = {name: environ.get(name) or value for name, value in wishes.items()} | {"DATA": str(data)}
    result["SECRET_KEY"] = result["SECRET_KEY"] or secret_key(data)
    return result


def check_ports(environ: Mapping[str, str]) -> None:
    """Refuse to start anything while a port that will be needed is taken."""
    web = port(environ)
    needed = {web: "the portal"}
    if uses_simulated_payments(environ):
        needed[int(environ.get("PAYMENT_SIMULATOR_PORT") or web + PAYMENTS_OFFSET)] = "the payment simulator"
    if is_demo(environ):
        needed[int(environ.get("SIMULATOR_CONTROL_PORT") or web + CONTROL_OFFSET)] = "the charger simulator"
    for number, what in needed.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except OSError as problem:
                raise BadSetting(
                    f"Port {number}, which {what} needs, can't be used: {problem.strerror}.\n"
                    f"Choose another, for instance: make run PORT={web + 100 if web < 65000 else 8000}"
                ) from problem
