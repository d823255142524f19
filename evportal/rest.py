"""What every API view shares: RFC 9457 errors, pages by cursor, strict JSON, and who is counted as whom."""

from __future__ import annotations

from http import HTTPStatus

import orjson
from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from rest_framework import exceptions, pagination, parsers, serializers, status, throttling


class Refused(exceptions.APIException):
    """A rule of the house said no; `extra` goes into the problem as further members."""

    status_code = status.HTTP_409_CONFLICT

    def __init__(self, detail: str, *, status_code: int = 409, code: str = "refused", **extra):
        super().__init__(detail, code)
        self.status_code = status_code
        self.extra = extra


class CursorPagination(pagination.CursorPagination):
    """`results`, `next`, `previous`; newest first unless the view says otherwise."""

    page_size_query_param = "limit"
    max_page_size = 500
    ordering = "-pk"

    def get_ordering(self, request, queryset, view):
        ordering = getattr(view, "page_ordering", self.ordering)
        return (ordering,) if isinstance(ordering, str) else tuple(ordering)


def problem(status_code: int, detail: str, request=None, **members) -> dict:
    """The body of an error (RFC 9457); the request's id leads to the log lines."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status_code).phrase,
        "status": status_code,
        "detail": detail,
        **members,
    }
    if request is not None:
        body["request_id"] = getattr(request, "id", "")
    return body


def problem_details(error, context):
    """Errors as `application/problem+json`: title, status, detail, and the fields at fault."""
    # Every view has this module's parser and throttle, so it can't be the views that are imported first.
    from rest_framework.views import exception_handler

    if isinstance(error, DjangoValidationError):
        error = exceptions.ValidationError(
            error.message_dict if hasattr(error, "error_dict") else {"detail": error.messages}
        )
    response = exception_handler(error, context)
    if response is None:
        return None
    members = {}
    if isinstance(error, exceptions.ValidationError):
        detail = "Some of what was sent can't be used."
        members["errors"] = response.data
    elif isinstance(error, Http404):
        detail = "There is no such thing here."
    elif isinstance(error, PermissionDenied):
        detail = "You may not do that."
    else:
        detail = str(error.detail)
        members["code"] = error.get_codes()
    members |= getattr(error, "extra", {})
    response.data = problem(response.status_code, detail, context.get("request"), **members)
    response.content_type = "application/problem+json"
    return response


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


class JSONField(serializers.JSONField):
    """An object that PostgreSQL can store: its jsonb has no NUL character."""

    default_error_messages = {
        "not_object": "Send a JSON object.",
        "nul": "There is a NUL character in it.",
    }

    def to_internal_value(self, data):
        data = super().to_internal_value(data)
        if not isinstance(data, dict):
            self.fail("not_object")
        if _has_nul(data):
            self.fail("nul")
        return data


def _has_nul(value) -> bool:
    # The parser has bounded the depth, but not below what recursion could take.
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, str):
            if "\x00" in item:
                return True
        elif isinstance(item, dict):
            left.extend(item)
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)
    return False


def by_id_or(queryset, value, field: str):
    """The row with this number or, for people, with this name; None where there is neither."""
    text = str(value)
    if "\x00" in text:
        return None
    if text.isascii() and text.isdecimal():
        found = queryset.filter(pk=text).first()
        if found is not None:
            return found
    return queryset.filter(**{field: text}).first()
