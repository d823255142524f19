"""The driver's wallet: what is in it, how it came and went, and topping it up."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from billing import actions, showing
from billing.actions.top_ups import bounds
from billing.exceptions import ProviderDown
from billing.models import Entry, LedgerAccount, TopUp
from billing.views.me import tabs
from evportal.accounts.models import Operator
from evportal.money import exponent
from stations.exceptions import Refused


class TopUpForm(forms.Form):
    operator = forms.ModelChoiceField(
        label=_lazy("Operator"),
        queryset=Operator.objects.none(),
        empty_label=None,
        help_text=_lazy("What you pay in is spent at this operator's chargers."),
    )
    amount = forms.DecimalField(label=_lazy("Amount"), max_digits=9, decimal_places=3)

    def __init__(self, *args, operators, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["operator"].queryset = operators
        first = operators.first()
        if first is not None:
            least, most = bounds(first.currency)
            self.fields["amount"].help_text = _("From %(least)s to %(most)s.") % {
                "least": showing.money(least, first.currency),
                "most": showing.money(most, first.currency),
            }

    def clean(self):
        cleaned = super().clean()
        operator, amount = cleaned.get("operator"), cleaned.get("amount")
        if operator is None or amount is None:
            return cleaned
        least, most = bounds(operator.currency)
        if not least <= amount <= most:
            self.add_error(
                "amount",
                _("Enter an amount from %(least)s to %(most)s.")
                % {
                    "least": showing.money(least, operator.currency),
                    "most": showing.money(most, operator.currency),
                },
            )
        elif -amount.normalize().as_tuple().exponent > exponent(operator.currency):
            self.add_error("amount", _("That is finer than the smallest coin."))
        return cleaned


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def wallet(request):
    form = TopUpForm(
        request.POST or None,
        operators=Operator.objects.order_by("name"),
        initial={"amount": request.GET.get("amount", "")},
    )
    if request.method == "POST" and form.is_valid():
        try:
            _row, url = actions.top_up(user=request.user, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            # The provider's own page.
            return HttpResponseRedirect(url)
    wallets = list(LedgerAccount.objects.wallets_of(request.user))
    entries = (
        Entry.objects.filter(account__in=wallets)
        .select_related("journal__operator")
        .order_by("-journal__at", "-pk")
    )
    context = {
        "title": _("Wallet"),
        "tabs": tabs("me:wallet"),
        "wallets": [
            {
                "operator": account.operator,
                "figures": _figures(account, reserved),
                "reserved": reserved,
            }
            for account in wallets
            for reserved in [_reserved(account)]
        ],
        "page": Paginator(entries, 20).get_page(request.GET.get("page")),
        "waiting": TopUp.objects.of_driver(request.user)
        .filter(state=TopUp.State.NEW)
        .exclude(stripe_checkout="")[:1],
        "form": form,
    }
    return render(request, "me/wallet.html", context, status=422 if form.errors else 200)


def _figures(account: LedgerAccount, reserved: str) -> list[dict]:
    balance = showing.money(account.balance, account.currency)
    figures = [{"label": _("To spend"), "value": balance, "hero": True}]
    return figures + ([{"label": _("Reserved"), "value": reserved}] if reserved else [])


def _reserved(account: LedgerAccount) -> str:
    reserved = LedgerAccount.objects.filter(
        user=account.user_id,
        operator=account.operator_id,
        currency=account.currency,
        code=LedgerAccount.Code.WALLET_RESERVED,
        balance__gt=0,
    ).first()
    return showing.money(reserved.balance, reserved.currency) if reserved is not None else ""


@login_required
@never_cache
@require_safe
def topped_up(request, top_up_id):
    """Back from the provider's page; the webhook may have been here before, or not yet."""
    row = get_object_or_404(TopUp.objects.of_driver(request.user), pk=top_up_id)
    try:
        actions.look_at_top_up(row=row)
    except ProviderDown:
        pass
    amount = showing.money(row.amount, row.currency)
    if row.state == TopUp.State.PAID:
        messages.success(request, _("%(amount)s is in your wallet.") % {"amount": amount})
    elif row.state == TopUp.State.EXPIRED:
        messages.error(request, _("The %(amount)s were not paid. Nothing was charged.") % {"amount": amount})
    else:
        messages.warning(
            request,
            _("The %(amount)s are not here yet. They appear as soon as the payment service confirms them.")
            % {"amount": amount},
        )
    return redirect("me:wallet")
