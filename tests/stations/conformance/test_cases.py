"""Every case of the table, against the portal."""

import os
from pathlib import Path

import pytest
from django.conf import settings

from tests.stations.conformance.cases import CASES, DIFFERENCES, MODULES, RUNS, functions, sample, table

#: For the test database's sake only; the cases commit through threads of their own (conftest.py).
pytestmark = pytest.mark.django_db


#: `make conformance` runs them all.
CHOSEN = RUNS if os.environ.get("CONFORMANCE") == "all" else sample()


@pytest.mark.parametrize(
    ("case", "version"),
    [pytest.param(case, version, id=f"{case.id}-{version}") for case, version in CHOSEN],
)
async def test_case(case, version, bench_of):
    async with bench_of(version=version) as bench:
        await case.function(bench)


def test_every_case_is_written_once():
    ids = [case.id for case in CASES]
    assert len(ids) == len(set(ids))
    assert {case.name for case in CASES} == set(functions())


def test_no_case_of_1_6_is_missing():
    assert len([case for case in CASES if case.version == "1.6"]) == 77


def test_what_differs_under_2_1_is_said_of_cases_that_there_are():
    """Said in one table, and each module that asks for 2.1 has a case in it."""
    said = {each for *_what, ids in DIFFERENCES for each in ids}
    assert said <= {case.id.removesuffix("_CSMS") for case in CASES if case.version == "2.0.1"}
    asking = [name for name in MODULES if name.startswith("v201.") and "is_21" in _text_of(name)]
    blocks = {functions()[each.lower()].__module__.partition("conformance.")[2] for each in said}
    # `entry` asks for the cases of v201.security.
    assert blocks == {*asking, "v201.security"}


def _text_of(module: str) -> str:
    return (Path(__file__).parent / f"{module.replace('.', '/')}.py").read_text()


def test_the_document_lists_what_is_tested():
    """`python -m tests.stations.conformance` prints the table anew."""
    document = (Path(settings.BASE_DIR) / "docs/conformance.md").read_text()
    assert document.partition("## The cases\n\n")[2] == table()
