"""How allauth behaves here."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language

from evportal.accounts.access import Access


class AccountAdapter(DefaultAccountAdapter):
    def get_login_redirect_url(self, request):
        """Operators' people start at their own desk, drivers at theirs."""
        access = Access.of(request.user)
        if access.may("view_alerts"):
            return reverse("ops:wallboard")
        if access.may("view_money"):
            return reverse("fin:invoices")
        return super().get_login_redirect_url(request)

    def save_user(self, request, user, form, commit=True):
        """Mails speak the language in which somebody signed up."""
        language = get_language()
        if language in dict(settings.LANGUAGES):
            user.language = language
        return super().save_user(request, user, form, commit)
