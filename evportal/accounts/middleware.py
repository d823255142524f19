"""`request.access`, and the second factor that staff must have."""

from urllib.parse import urlencode

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from evportal.accounts import access
from evportal.accounts.audit.acting import acting, of_request

STAFF_PATHS = ("/admin/", "/ops/", "/fin/", "/field/")


class Access:
    """Puts the viewer's `Access` on the request, read from the database once and only when asked for."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.access = SimpleLazyObject(lambda: access.Access.of(request.user))
        return self.get_response(request)


class Acting:
    """Names who made the request in the record of what they change."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        with acting(of_request(request)):
            return self.get_response(request)


class StaffNeedSecondFactor:
    """Sends whoever works for an operator to set up a second factor before any page of the operator's."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if (
            settings.STAFF_MFA_REQUIRED
            and request.path.startswith(STAFF_PATHS)
            and request.user.is_authenticated
            and not is_mfa_enabled(request.user)
        ):
            return redirect(f"{reverse('mfa_index')}?{urlencode({'next': request.path, 'required': 1})}")
        return self.get_response(request)
