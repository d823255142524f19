"""`make mutants` by itself: each fault changes what a module does, and only that."""

import ast
import sys
import types

import pytest

from tests.mutants import mutations, trial

SOURCE = '''
"""A module with 1 table."""
RATES = {"low": 7, "high": 19}
HIGH = [rate for rate in RATES.values() if rate]


def between(low: int, value: int, *, high: int = 10) -> bool:
    """Not 3 of these words."""
    if value is None:
        raise ValueError(f"{value:>3} is nothing")
    return low <= value and value < high


class Till:
    total: int = 0

    @property
    def is_empty(self):
        return not self.total

    def add(self, *amounts):
        for amount in amounts:
            self.total += amount
        return [amount for amount in amounts if amount]
'''


def test_each_fault_is_another_module():
    found = mutations.faults(SOURCE)
    changed = {ast.unparse(mutations.planted(SOURCE, fault)) for fault in found}
    assert len(changed) == len(found)
    assert ast.unparse(ast.parse(SOURCE)) not in changed
    assert all(compile(source, "planted", "exec") for source in changed)


def test_what_is_changed_and_what_is_not():
    found = {(fault.function, fault.what) for fault in mutations.faults(SOURCE)}
    assert {
        ("", "19 → 20"),
        ("", "filter gone"),
        ("between", "10 → 11"),
        ("between", "Lt → LtE"),
        ("between", "And → Or"),
        ("between", "left out: raise ValueError(f'{value:>3} is nothing')"),
        ("Till.is_empty", "no not"),
        ("Till.is_empty", "return None"),
        ("Till.add", "left out: self.total += amount"),
        ("Till.add", "filter gone"),
    } <= found
    assert not any("3 → 4" in what or "1 → 2" in what for _, what in found), "words are left alone"


@pytest.fixture
def planting(tmp_path, monkeypatch):
    """Plants the fault of that function and description into the module, as imported from a file."""
    path = tmp_path / "shop.py"
    path.write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("shop")
    exec(compile(SOURCE, str(path), "exec"), vars(module))
    monkeypatch.setitem(sys.modules, "shop", module)

    def plant(function, what):
        name = path.relative_to(tmp_path)
        trial.plant(
            name, next(f for f in mutations.faults(SOURCE) if (f.function, f.what) == (function, what))
        )
        return module

    return plant


def test_a_fault_is_planted_in_a_function_that_others_have_already(planting):
    module = sys.modules["shop"]
    between = module.between
    assert not between(1, 10)
    planting("between", "Lt → LtE")
    assert between(1, 10)
    planting("between", "10 → 11")
    assert between(1, 10) and not between(1, 11)


def test_a_fault_is_planted_under_a_decorator_and_in_a_method(planting):
    till = sys.modules["shop"].Till()
    planting("Till.is_empty", "no not")
    assert not till.is_empty
    planting("Till.add", "left out: self.total += amount")
    till.add(5)
    assert till.total == 0


def test_a_fault_in_a_table_is_seen_by_who_imported_it(planting, monkeypatch):
    other = types.ModuleType("other")
    other.RATES = sys.modules["shop"].RATES
    monkeypatch.setitem(sys.modules, "other", other)
    planting("", "19 → 20")
    assert other.RATES == {"low": 7, "high": 20}


def test_drawing_the_same_seed_twice_draws_the_same(tmp_path):
    path = tmp_path / "shop.py"
    path.write_text(SOURCE)
    drawn = [[fault.index for _, fault in trial.Trial([path], 5, 1, 60, print)._drawn()] for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 5
