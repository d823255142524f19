"""Tells the database who is at work, with each statement that writes to a recorded table.

Told with the statement itself and for its transaction only: a pooled connection carries nobody's name over to
the next request, and no roll-back takes it away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import contextmanager
from functools import cache

import pgtrigger
from django.db import connection

from evportal.accounts.audit.triggers import SETTING, Recorded

WRITES = re.compile(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM) "(\w+)"')
#: Rows of these are part of what another table's row says.
LINKS = frozenset({"stations_site_members", "bookings_siterules_walk_in_only"})

Actor = Callable[[], dict | None]


@cache
def tables() -> frozenset[str]:
    models = {model for model, trigger in pgtrigger.registered() if isinstance(trigger, Recorded)}
    return LINKS | {model._meta.db_table for model in models}


def _teller(actor: Actor):
    def tell(execute, sql, params, many, context):
        written = WRITES.match(sql) if isinstance(sql, str) and not many else None
        who = actor() if written and written[1] in tables() else None
        if who is None:
            return execute(sql, params, many, context)
        first = f"SELECT set_config('{SETTING}', %s, true); "
        result = execute(first + sql, (json.dumps(who), *(params or ())), many, context)
        # The first answer is the setting's: what was asked for is in the second.
        context["cursor"].nextset()
        return result

    return tell


@contextmanager
def acting(actor: Actor):
    """`actor` is asked at each write: who a request is from is known only when its view runs."""
    with connection.execute_wrapper(_teller(actor)):
        yield


def of_request(request) -> Actor:
    def actor() -> dict | None:
        user = request.user
        if not user.is_authenticated:
            return None
        # A machine's key stands where a person would.
        who = {"user": user.pk} if hasattr(user, "email") else {"key": user.pk}
        return who | {"via": request.path, "request": getattr(request, "id", "")}

    return actor


def command(name: str) -> Actor:
    return lambda: {"via": f"manage.py {name}"}
