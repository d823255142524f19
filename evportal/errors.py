"""What went wrong, as a page or (under /api/) a problem document: what to do, and a reference to give us."""

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render

from evportal.rest.problems import problem

SENTENCES = {
    400: "This request can't be read.",
    403: "You may not do that.",
    404: "There is no such address.",
    500: "Something broke on our side. It is logged under this request's id.",
}


def page(request, status: int, **context) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse(
            problem(status, SENTENCES[status], request),
            status=status,
            content_type="application/problem+json",
        )
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
