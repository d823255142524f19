"""Log lines with the request's id and the station's identity: one line of text, or one JSON object."""

from __future__ import annotations

import json
import logging
import uuid
from datetime import UTC, datetime

from celery.signals import before_task_publish, task_postrun, task_prerun

from evportal.middleware import request_id
from stations import speaking

#: What every record has; anything beside it was given with `extra=` and is told too.
USUAL = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "request_id",
    "station",
    "taskName",
}


class ContextFilter(logging.Filter):
    def filter(self, record):
        record.request_id = request_id.get()
        record.station = speaking.station.get() or "-"
        return True


class JsonFormatter(logging.Formatter):
    """time, level, logger, message; request_id and station where there is one; the exception as text."""

    def format(self, record):
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name in ("request_id", "station"):
            value = getattr(record, name, "-")
            if value != "-":
                entry[name] = value
        entry |= {name: value for name, value in vars(record).items() if name not in USUAL}
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


# A task's lines carry the id of the request that asked for it.
HEADER = "x_request_id"


@before_task_publish.connect
def _send_on(headers=None, **kwargs):
    if headers is not None and request_id.get() != "-":
        headers[HEADER] = request_id.get()


@task_prerun.connect
def _take_over(task=None, **kwargs):
    given = (getattr(task.request, "headers", None) or {}).get(HEADER) or getattr(task.request, HEADER, None)
    request_id.set(given or f"task-{uuid.uuid4().hex[:11]}")


@task_postrun.connect
def _let_go(**kwargs):
    request_id.set("-")
