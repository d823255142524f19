"""The control: a server that answers `{}` to everything must not look like a portal to this suite.

Nor must one that accepts everything and keeps nothing.
"""

import pytest

from tests.stations.conformance.cases import RUNS

pytestmark = pytest.mark.django_db

#: Cases that such a server may pass; none is the best there is.
MAY_PASS: set[str] = set()


async def test_a_server_that_keeps_nothing_fails_every_case(null_bench_of):
    passed = set()
    for case, version in RUNS:
        bench = await null_bench_of(version=version).__aenter__()
        try:
            await case.function(bench)
        except (Exception, pytest.fail.Exception):
            continue
        else:
            passed.add(f"{case.id}-{version}")
        finally:
            await bench.close()
    assert passed == MAY_PASS
