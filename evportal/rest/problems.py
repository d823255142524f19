"""Errors as `application/problem+json` (RFC 9457): title, status, detail, and the fields at fault."""

from __future__ import annotations

from http import HTTPStatus

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.views import exception_handler


class Refused(exceptions.APIException):
    """A rule of the house said no; `extra` goes into the problem as further members."""

    status_code = status.HTTP_409_CONFLICT

    def __init__(self, detail: str, *, status_code: int = 409, code: str = "refused", **extra):
        super().__init__(detail, code)
        self.status_code = status_code
        self.extra = extra


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
    """What the framework calls with whatever a view raised."""
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
