"""What every API view shares: RFC 9457 errors, cursor pages, and Idempotency-Key on POST."""

import logging
from hashlib import sha256
from http import HTTPStatus

from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from rest_framework import exceptions, pagination, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

log = logging.getLogger(__name__)

KEPT_SECONDS = 24 * 3600


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


def problem_details(error, context):
    """Errors as `application/problem+json` (RFC 9457): title, status, detail, and the fields at fault."""
    if isinstance(error, DjangoValidationError):
        error = exceptions.ValidationError(
            error.message_dict if hasattr(error, "error_dict") else {"detail": error.messages}
        )
    response = exception_handler(error, context)
    if response is None:
        return None
    title = HTTPStatus(response.status_code).phrase
    problem = {"type": "about:blank", "title": title, "status": response.status_code}
    if isinstance(error, exceptions.ValidationError):
        problem |= {"detail": "Some of what was sent can't be used.", "errors": response.data}
    elif isinstance(error, Http404):
        problem["detail"] = "There is no such thing here."
    elif isinstance(error, PermissionDenied):
        problem["detail"] = "You may not do that."
    else:
        problem["detail"] = str(getattr(error, "detail", error))
        problem["code"] = (
            getattr(error, "default_code", "error") if not hasattr(error, "get_codes") else error.get_codes()
        )
    problem |= getattr(error, "extra", {})
    request = context.get("request")
    if request is not None:
        problem["request_id"] = getattr(request, "id", getattr(request._request, "id", ""))
    response.data = problem
    response.content_type = "application/problem+json"
    return response


class IdempotentPost:
    """A view mixin: a POST repeated with the same Idempotency-Key gets the first answer again.

    The key counts per caller and address for a day. A repeat while the first is under way, or with
    another body, is refused.
    """

    def dispatch(self, request, *args, **kwargs):
        key = request.headers.get("Idempotency-Key", "")
        if request.method != "POST" or not key:
            return super().dispatch(request, *args, **kwargs)
        body = sha256(request.body).hexdigest()
        caller = sha256(
            f"{request.headers.get('Authorization', '')}|{request.session.session_key}".encode()
        ).hexdigest()
        slot = "idempotency:" + sha256(f"{caller}|{request.path}|{key}".encode()).hexdigest()
        if not cache.add(slot, {"body": body, "answer": None}, KEPT_SECONDS):
            kept = cache.get(slot) or {}
            if kept.get("body") != body:
                return self._refuse(
                    request, 422, "This Idempotency-Key was used with another request.", *args, **kwargs
                )
            if kept.get("answer") is None:
                return self._refuse(
                    request,
                    409,
                    "The first request with this Idempotency-Key is still under way.",
                    *args,
                    **kwargs,
                )
            return self._replay(request, kept["answer"], *args, **kwargs)
        try:
            response = super().dispatch(request, *args, **kwargs)
        except BaseException:
            cache.delete(slot)
            raise
        if response.status_code >= 500 or response.status_code in (401, 403, 429):
            cache.delete(slot)
        else:
            answer = {"status": response.status_code, "data": response.data}
            cache.set(slot, {"body": body, "answer": answer}, KEPT_SECONDS)
        return response

    def _answer(self, request, response, *args, **kwargs):
        self.args, self.kwargs = args, kwargs
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = {}
        return self.finalize_response(self.request, response, *args, **kwargs)

    def _replay(self, request, answer, *args, **kwargs):
        response = Response(answer["data"], status=answer["status"], headers={"Idempotent-Replayed": "true"})
        return self._answer(request, response, *args, **kwargs)

    def _refuse(self, request, status_code, detail, *args, **kwargs):
        problem = {
            "type": "about:blank",
            "title": HTTPStatus(status_code).phrase,
            "status": status_code,
            "detail": detail,
        }
        response = Response(problem, status=status_code, content_type="application/problem+json")
        return self._answer(request, response, *args, **kwargs)
