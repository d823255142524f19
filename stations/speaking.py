"""Of which station a log line speaks: set where its frames are handled, read by the log's filter."""

from contextvars import ContextVar

station: ContextVar[str] = ContextVar("station", default="")
