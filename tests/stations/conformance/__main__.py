"""`python -m tests.stations.conformance`: the table of docs/conformance.md."""

import sys

from tests.stations.conformance.cases import table

sys.stdout.write(table())
