"""How allauth behaves here."""

from allauth.account.adapter import DefaultAccountAdapter
from django.urls import reverse

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
