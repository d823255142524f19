"""What comes in: strict JSON of bounded size, from callers that are counted.

The framework's views have these from their first import on, so nothing of the views is imported here.
"""

from __future__ import annotations

import orjson
from django.conf import settings
from rest_framework import exceptions, negotiation, parsers, status, throttling


class JSONParser(parsers.JSONParser):
    """JSON as the standard has it: no NaN, no half characters, no nesting without end."""

    def parse(self, stream, media_type=None, parser_context=None):
        try:
            return orjson.loads(stream.read())
        except orjson.JSONDecodeError as error:
            raise exceptions.ParseError(f"This is not JSON: {error}.") from None


class CallerThrottle(throttling.UserRateThrottle):
    """Counts a key and a person apart, though both may have the number 5."""

    def get_cache_key(self, request, view):
        if not request.user or not request.user.is_authenticated:
            return super().get_cache_key(request, view)
        ident = f"{type(request.user).__name__}{request.user.pk}"
        return self.cache_format % {"scope": self.scope, "ident": ident}


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = f"At most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024} KiB may be sent."


def limit_body(request) -> None:
    """Refuse what is too large before anything reads it; the framework's own limit is only for forms."""
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    length = request.META.get("CONTENT_LENGTH") or ""
    if length:
        if not length.isdecimal() or int(length) > most:
            raise TooLarge
    elif request.META.get("HTTP_TRANSFER_ENCODING"):
        body = request.read(most + 1)
        if len(body) > most:
            raise TooLarge
        # A body sent in chunks has no length, and without one it would be taken for none.
        request._body = body
        request.META["CONTENT_LENGTH"] = str(len(body))


class OneForm(negotiation.DefaultContentNegotiation):
    """Each address answers in one form, whatever `Accept` would rather have."""

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type
