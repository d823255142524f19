"""Who calls the API: a machine by `Authorization: Bearer <key>`, or a person by the portal's session."""

from datetime import timedelta

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.utils import timezone
from rest_framework import authentication, exceptions

from evportal.accounts.access import Access
from evportal.accounts.models import ApiKey

USED_EVERY = timedelta(minutes=1)


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """Finds the key by its hash; `request.user` is then the key itself."""

    keyword = b"bearer"

    def authenticate(self, request):
        parts = authentication.get_authorization_header(request).split()
        if not parts or parts[0].lower() != self.keyword:
            return None
        if len(parts) != 2:
            raise exceptions.AuthenticationFailed("The Authorization header must read: Bearer <key>.")
        try:
            key_hash = ApiKey.hash(parts[1].decode("ascii"))
        except UnicodeDecodeError:
            raise exceptions.AuthenticationFailed("This API key is not valid.") from None
        key = ApiKey.objects.select_related("operator").filter(key_hash=key_hash, revoked_at=None).first()
        if key is None:
            raise exceptions.AuthenticationFailed("This API key is not valid.")
        now = timezone.now()
        if key.last_used_at is None or now - key.last_used_at > USED_EVERY:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        request._request.access = key.access()
        return key, key

    def authenticate_header(self, request):
        return "Bearer"


class PersonAuthentication(authentication.SessionAuthentication):
    """A signed-in person. As on the pages, what a role grants takes a second factor; without one, only
    what is the person's own is left."""

    def authenticate(self, request):
        found = super().authenticate(request)
        if found is not None and settings.STAFF_MFA_REQUIRED:
            access = request._request.access
            if (access.grants or access.everything) and not is_mfa_enabled(found[0]):
                request._request.access = Access(user_id=found[0].pk)
        return found
