"""Own-written conformance cases, each named after the Open Charge Alliance test case that it traces to.

The Alliance's texts are not ours to copy: every case is written from the standard's own requirements, and
only the identifiers are the Alliance's. `cases.py` lists them; `v16/`, `v201/` and `v21/` hold one async
function a case (`tc_001` is TC_001_CSMS; `own_c_01` is a case of ours for what 2.1 adds); `bench.py` is what
a case works with; `test_cases.py` runs them against the portal and `test_null_server.py` against a server
that answers `{}` to everything, as a control.
"""

import pytest

# The cases are no test modules by name, but their asserts should explain themselves like those of tests.
pytest.register_assert_rewrite(
    "tests.stations.conformance.v16",
    "tests.stations.conformance.v201",
    "tests.stations.conformance.v21",
    "tests.stations.conformance.bench",
)
