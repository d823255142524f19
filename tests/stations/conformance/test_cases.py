"""Every case of the table, against the portal."""

from pathlib import Path

import pytest
from django.conf import settings

from tests.stations.conformance.cases import CASES, functions, table

#: For the test database's sake only; the cases commit through threads of their own (conftest.py).
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
async def test_case(case, bench_of):
    async with bench_of(version=case.version) as bench:
        await case.function(bench)


def test_every_case_is_written_once():
    ids = [case.id for case in CASES]
    assert len(ids) == len(set(ids))
    assert {case.name for case in CASES} == set(functions())


def test_no_case_of_1_6_is_missing():
    assert len([case for case in CASES if case.version == "1.6"]) == 77


def test_the_document_lists_what_is_tested():
    """`python -m tests.stations.conformance` prints the table anew."""
    document = (Path(settings.BASE_DIR) / "docs/conformance.md").read_text()
    assert document.partition("## The cases\n\n")[2] == table()
