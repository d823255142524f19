"""`/status/` and `/status/<operator>/`: for everybody, without a sign-in."""

from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _

from evportal.accounts.models import Operator
from monitoring import status


def statuses(request):
    """Every operator's, or the only one's at once."""
    now = timezone.now()
    found = [(operator, status.page(operator, now)) for operator in status.operators()]
    response = render(
        request, "monitoring/status.html", {"title": _("Status"), "pages": found, "alone": len(found) == 1}
    )
    return _public(request, response)


def operator_status(request, slug):
    operator = get_object_or_404(Operator.objects.filter(sites__is_public=True).distinct(), slug=slug)
    page = status.page(operator, timezone.now())
    title = _("%s: status") % operator.name
    response = render(
        request, "monitoring/status.html", {"title": title, "pages": [(operator, page)], "alone": True}
    )
    return _public(request, response)


def _public(request, response):
    """The frame around it says who is signed in: a shared cache may keep only what nobody's is."""
    whose = "private" if request.user.is_authenticated else "public"
    response["Cache-Control"] = f"{whose}, max-age={status.KEEP_SECONDS}"
    return response
