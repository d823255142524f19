"""pytest plugin: each fault is planted in a copy of this process, which runs the tests that come past it.

The tests are collected once. A copy first runs them all as they are and notes which functions each test
calls, and how long it takes; then one copy for each fault runs those of its function, the quickest first, for
`ENOUGH` seconds. A fault is noticed when a test fails, when the process ends in another way, or when it is
still busy after `PATIENCE`.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
import types
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

from tests.mutants.mutations import Fault, faults, planted

ENOUGH, PATIENCE = 60, 150
#: What a copy ends with when the fault could not be planted: it says nothing about the tests.
NOT_PLANTED = 77


@dataclass
class Trial:
    """Of these modules, so many faults drawn with this seed, for so many seconds."""

    modules: list[Path]
    sample: int
    seed: int
    seconds: float
    say: Callable[[str], None]
    tried: int = 0
    noticed: int = 0
    possible: int = 0

    @property
    def share(self) -> float:
        return self.noticed / self.tried if self.tried else 0.0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if session.testsfailed:
            return None
        # An example that fails is enough; a simpler one isn't looked for.
        quick = settings(phases=[Phase.explicit, Phase.generate], database=None)
        settings.register_profile("mutants", parent=quick)
        settings.load_profile("mutants")
        began = time.monotonic()
        ends = began + self.seconds
        with tempfile.TemporaryDirectory() as folder:
            notes = Path(folder) / "calls.json"
            if self._copied(lambda: self._note(session, notes)) != 0:
                failed = json.loads(notes.read_text())["failed"] if notes.exists() else []
                raise pytest.UsageError(f"the tests fail without any fault in the code: {', '.join(failed)}")
            noted = json.loads(notes.read_text())
        calls = {key: set(tests) for key, tests in noted["calls"].items()}
        quickest = sorted(
            session.items, key=lambda item: (commits(item), noted["seconds"].get(item.nodeid, 0))
        )
        self.say(f"{len(session.items)} tests, {time.monotonic() - began:.0f} s as they are")
        for module, fault in self._drawn():
            if time.monotonic() > ends:
                self.say(f"time is up after {self.tried} faults")
                break
            tests = calls.get(f"{module}:{fault.function}", set()) if fault.function else None
            items = [item for item in quickest if tests is None or item.nodeid in tests]
            before = time.monotonic()
            status = self._copied(lambda: self._try(session, items, module, fault)) if items else 0  # noqa: B023
            if status == NOT_PLANTED:
                continue
            self.tried += 1
            self.noticed += status != 0
            if not status:
                spent = f"{len(items)} tests, {time.monotonic() - before:.0f} s"
                self.say(f"lived: {module}:{fault.line} {fault.function} {fault.what} ({spent})")
        return True

    def _drawn(self) -> Iterator[tuple[Path, Fault]]:
        all_of_them = [(module, fault) for module in self.modules for fault in faults(module.read_text())]
        self.possible = len(all_of_them)
        return iter(random.Random(self.seed).sample(all_of_them, min(self.sample, len(all_of_them))))  # noqa: S311

    def _copied(self, run: Callable[[], int]) -> int:
        """Run it in a copy of this process; its exit status, or minus the signal that ended it."""
        sys.stdout.flush()
        child = os.fork()
        if child:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        status = 1
        try:
            signal.alarm(PATIENCE)
            with open(os.devnull, "w") as nowhere:  # noqa: PTH123
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
            status = run()
        finally:
            os._exit(status)

    def _try(self, session: pytest.Session, items: list[pytest.Item], module: Path, fault: Fault) -> int:
        try:
            plant(module, fault)
        except (SyntaxError, ValueError, LookupError, AttributeError):
            return NOT_PLANTED
        except Exception:
            # A table that can't even be made any more.
            return 1
        return run(session, items, seconds=ENOUGH)

    def _note(self, session: pytest.Session, notes: Path) -> int:
        signal.alarm(0)
        names = {str(path.resolve()): str(path) for path in self.modules}
        calls: dict[str, set[str]] = defaultdict(set)
        seconds: dict[str, float] = {}
        failed: list[str] = []
        now = [""]

        def profile(frame: types.FrameType, event: str, _: Any) -> None:
            if event == "call" and (path := names.get(frame.f_code.co_filename)):
                # The outermost function: what is defined inside it changes with it.
                calls[f"{path}:{frame.f_code.co_qualname.partition('.<locals>')[0]}"].add(now[0])

        class Watch:
            @pytest.hookimpl(wrapper=True)
            def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
                now[0], began = item.nodeid, time.monotonic()
                done = yield
                seconds[item.nodeid] = time.monotonic() - began
                return done

            def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
                if report.failed:
                    failed.append(report.nodeid)

        session.config.pluginmanager.register(Watch())
        sys.setprofile(profile)
        threading.setprofile(profile)
        status = run(session, session.items, seconds=None)
        sys.setprofile(None)
        by_function = {key: sorted(tests) for key, tests in calls.items()}
        notes.write_text(json.dumps({"calls": by_function, "seconds": seconds, "failed": failed}))
        return status


def commits(item: pytest.Item) -> bool:
    """Whether the database is emptied after the test: those come last, as pytest-django has them."""
    marker = item.get_closest_marker("django_db")
    return marker is not None and bool(marker.kwargs.get("transaction"))


def run(session: pytest.Session, items: list[pytest.Item], *, seconds: float | None) -> int:
    """pytest's own loop, to the first failure, with the fixtures ended as after any run."""
    began = time.monotonic()
    for index, item in enumerate(items):
        following = items[index + 1] if index + 1 < len(items) else None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed or (seconds is not None and time.monotonic() - began > seconds):
            # The test database of this copy is dropped all the same.
            session._setupstate.teardown_exact(None)
            break
    return 1 if session.testsfailed else 0


def plant(path: Path, fault: Fault) -> None:
    """Put the fault into the module that is imported already, wherever it is known by then."""
    module = importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
    tree = planted(path.read_text(), fault)
    if fault.function:
        function = found(module, fault.function)
        code = compiled(tree, str(path.resolve()), fault.function, function.__code__.co_firstlineno)
        function.__code__ = code
        _plant_defaults(function, tree, fault, module)
    else:
        _plant_table(module, tree, fault, path)


def found(module: types.ModuleType, qualname: str) -> types.FunctionType:
    """The function itself, under what decorates it."""
    *classes, name = qualname.split(".")
    holder: Any = module
    for each in classes:
        holder = getattr(holder, each)
    thing = vars(holder)[name]
    for attribute in ("fget", "__func__", "func", "run"):
        if not inspect.isfunction(thing) and (inner := getattr(thing, attribute, None)):
            thing = inner
    thing = inspect.unwrap(thing)
    if not inspect.isfunction(thing):
        raise LookupError(qualname)
    return thing


def compiled(tree: ast.Module, filename: str, qualname: str, line: int) -> types.CodeType:
    code = compile(tree, filename, "exec", dont_inherit=True)
    for name in qualname.split("."):
        inner = [each for each in code.co_consts if inspect.iscode(each) and each.co_name == name]
        code = next((each for each in inner if each.co_firstlineno == line), inner[0])
    return code


def _plant_defaults(
    function: types.FunctionType, tree: ast.Module, fault: Fault, module: types.ModuleType
) -> None:
    for node in ast.walk(tree.body[fault.statement]):
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__:
            arguments = node.args

            def value(default: ast.expr) -> Any:
                return eval(compile(ast.Expression(default), "<default>", "eval"), vars(module))

            function.__defaults__ = tuple(value(each) for each in arguments.defaults) or None
            function.__kwdefaults__ = {
                argument.arg: value(default)
                for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
                if default is not None
            } or None
            return


def _plant_table(module: types.ModuleType, tree: ast.Module, fault: Fault, path: Path) -> None:
    statement = tree.body[fault.statement]
    before = dict(vars(module))
    exec(compile(ast.Module([statement], []), str(path), "exec", dont_inherit=True), vars(module))
    for name, old in before.items():
        new = vars(module)[name]
        if new is old:
            continue
        for other in list(sys.modules.values()):
            if other is not module and getattr(other, "__dict__", {}).get(name) is old:
                setattr(other, name, new)
