"""The language that people chose: kept with the account, so that mails speak it too."""

from django.conf import settings
from django.utils import translation
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from evportal.accounts.middleware import STAFF_PATHS


class Restored:
    """A thread's language ends with the request: what it does next (push, tell) speaks nobody's."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        try:
            return self.get_response(request)
        finally:
            translation.deactivate()


class OwnLanguage:
    """Signed in, one's own; at the operators' desks English, until all of their pages are translated."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path.startswith(STAFF_PATHS):
            translation.activate("en")
        elif request.user.is_authenticated:
            translation.activate(request.user.language)
        request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)


@require_POST
def choose(request):
    """Django's own view, and the account's language with it."""
    response = set_language(request)
    code = request.POST.get("language", "")
    if request.user.is_authenticated and code in dict(settings.LANGUAGES):
        request.user.language = code
        request.user.save(update_fields=["language"])
    return response
