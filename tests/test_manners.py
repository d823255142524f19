"""A worker under `nice` has its database work as nicely; everybody else's database does as ever."""

import os
import subprocess
import sys

import pytest

from evportal.embedded.addresses import CHECKOUT

LOOK = """
import os, django
django.setup()
from django.db import connection
from evportal.celery import be_nice
be_nice()
connection.ensure_connection()
print(os.getpriority(os.PRIO_PROCESS, connection.connection.info.backend_pid))
"""


@pytest.mark.parametrize("nice", [0, 7])
def test_the_backend_is_as_nice_as_its_process(nice):
    before = os.getpriority(os.PRIO_PROCESS, 0)
    done = subprocess.run(
        ["nice", "-n", str(nice), sys.executable, "-c", LOOK],
        cwd=CHECKOUT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "evportal.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == (before + nice if nice else 0)
