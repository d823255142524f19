"""What each message does, in words taken from the code: for docs/ocpp.md, and so that no route goes without.

A message from a station is described by the first line of its handler's docstring, or of the action that the
handler calls. A message to a station is described by the functions that send it; every one of them can be
sent by hand as well.
"""

from __future__ import annotations

import ast
import dis
import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from types import ModuleType

from stations.ocpp import schemas
from stations.ocpp.routing import Route

ROOT = Path(__file__).resolve().parents[2]
RAISES = re.compile(r"[;,] raises .*")
#: Modules whose functions say what happens, and not how a message is read.
ACTIONS = re.compile(r"stations\.(?!ocpp|meter|facts|models|signals)")
#: Where the portal's own features live; pages and the API send by hand.
FEATURES = ("stations", "bookings", "billing")
#: Not features: what plays a charger, and what asks for anything that somebody chose.
NOT_FEATURES = ("simulator", "migrations", "management", "api", "schemas.py", "words.py", "bulk.py")


def does(route: Route) -> str:
    """One sentence; empty where nobody wrote one."""
    handlers = (route.decide, route.together, route.slowly, route.later, route.facts, route.answer)
    for handler in handlers:
        if handler is not None and (words := _of(handler)):
            return words
    return ""


def _of(handler: Callable) -> str:
    while isinstance(handler, partial):
        handler = handler.func
    handler = inspect.unwrap(handler)
    return first_line(handler.__doc__) or _of_action(handler)


def _of_action(handler: Callable) -> str:
    """The docstring of the first of our actions that it calls: `boot.boot(…)`, `sessions.authorize(…)`."""
    if not hasattr(handler, "__code__"):
        return ""
    known, steps = handler.__globals__, list(dis.get_instructions(handler))
    for load, attribute in zip(steps, steps[1:], strict=False):
        module = known.get(load.argval) if load.opname == "LOAD_GLOBAL" else None
        if not isinstance(module, ModuleType) or not ACTIONS.match(module.__name__):
            continue
        action = getattr(module, str(attribute.argval), None)
        if inspect.isfunction(action) and action.__doc__:
            return first_line(action.__doc__)
    return ""


def first_line(text: str | None) -> str:
    """Without the full stop, as a cell of a table."""
    line = (text or "").strip().partition("\n")[0].strip().removesuffix(".")
    return line.replace("|", "\\|")


# --- to the station --------------------------------------------------------------------------------


@cache
def senders() -> dict[str, list[str]]:
    """By action, what the portal's own features send it for."""
    spelt: dict[str, set[str]] = {}
    functions = list(_functions())
    for path, function, constants in functions:
        if path.stem.startswith("spelling"):
            spelt[function.name] = _texts(function, constants) & _actions()
    found: dict[str, list[str]] = {}
    for path, function, constants in functions:
        if path.stem.startswith("spelling") or not _sends(function):
            continue
        said = _texts(function, constants) & _actions()
        for name in _spellings(function):
            said |= spelt.get(name, set())
        words = (
            RAISES.sub("", first_line(ast.get_docstring(function))) or f"`{_module(path)}.{function.name}`"
        )
        for action in said:
            if words not in found.setdefault(action, []):
                found[action].append(words)
    return found


@cache
def _actions() -> frozenset[str]:
    return frozenset(name for version in schemas.VERSIONS for name in schemas.actions_to_station(version))


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _functions() -> Iterator[tuple[Path, ast.FunctionDef, dict[str, str]]]:
    """Each function of the features, with the texts that its module has names for."""
    for app in FEATURES:
        for path in sorted((ROOT / app).rglob("*.py")):
            if set(path.relative_to(ROOT).parts) & set(NOT_FEATURES):
                continue
            tree = ast.parse(path.read_text())
            constants = {
                target.id: node.value.value
                for node in tree.body
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
                for target in node.targets
                if isinstance(target, ast.Name) and isinstance(node.value.value, str)
            }
            for node in tree.body:
                if isinstance(node, ast.FunctionDef):
                    yield path, node, constants


def _texts(function: ast.FunctionDef, constants: dict[str, str]) -> set[str]:
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
        elif isinstance(node, ast.Name) and node.id in constants:
            found.add(constants[node.id])
    return found


def _calls(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """(what it is called on, name) of every call within."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            yield "", node.func.id
        elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            yield node.func.value.id, node.func.attr


def _sends(function: ast.FunctionDef) -> bool:
    return any(on in ("", "commands") and name in ("send", "draft") for on, name in _calls(function))


def _spellings(function: ast.FunctionDef) -> set[str]:
    return {name for on, name in _calls(function) if on.startswith("spelling")}
