"""Pages for what went wrong: what happened, whether money moved, what to do, and a reference to give us."""

from django.http import HttpResponse
from django.shortcuts import render


def page(request, status: int, **context) -> HttpResponse:
    return render(
        request, f"{status}.html", {"reference": getattr(request, "id", ""), **context}, status=status
    )


def bad_request(request, exception=None):
    return page(request, 400)


def forbidden(request, exception=None):
    return page(request, 403)


def not_found(request, exception=None):
    return page(request, 404)


def server_error(request):
    return page(request, 500)


def csrf_failure(request, reason=""):
    return page(request, 403, csrf=True)
