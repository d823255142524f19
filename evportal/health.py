"""`/healthz`: the process lives. `/readyz`: every part it needs, and its state."""

import time

from celery.exceptions import OperationalError
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse, JsonResponse

from evportal.celery import app

UP = "up"


def alive(request):
    return HttpResponse("ok\n", content_type="text/plain")


def ready(request):
    parts = {"database": _database(), "migrations": _migrations(), "redis": _redis(), "workers": _workers()}
    ok = all(state == UP for state in parts.values())
    return JsonResponse({"status": UP if ok else "down", "parts": parts}, status=200 if ok else 503)


def _state(check) -> str:
    try:
        return check() or UP
    except Exception as error:
        # The reason for people goes to the log; this page is public and tells only the kind.
        return type(error).__name__


def _database() -> str:
    return _state(lambda: connection.cursor().execute("SELECT 1") and None)


def _migrations() -> str:
    def check():
        executor = MigrationExecutor(connection)
        return "pending" if executor.migration_plan(executor.loader.graph.leaf_nodes()) else None

    return _state(check)


def _redis() -> str:
    def check():
        token = str(time.time_ns())
        cache.set("readyz", token, 10)
        return None if cache.get("readyz") else "down"

    return _state(check)


def _workers() -> str:
    """Whether a worker answers; asked at most every five seconds, because asking waits for all of them."""

    def check():
        state = cache.get("readyz:workers")
        if state is None:
            try:
                state = UP if app.control.inspect(timeout=0.7, limit=1).ping() else "none"
            except OperationalError:
                state = "down"
            cache.set("readyz:workers", state, 5)
        return None if state == UP else state

    return _state(check)
