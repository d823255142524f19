"""Forms of those who charge without an account."""

import re
from decimal import Decimal, InvalidOperation

from django import forms
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.finding import Facts
from billing.forms_account import AccountForm


class GuestAccountForm(AccountForm):
    """As a driver's, without the monthly invoice: a guest's charge is one."""

    class Meta(AccountForm.Meta):
        fields = [name for name in AccountForm.Meta.fields if name != "invoicing"]


class FindReceiptForm(forms.Form):
    last4 = forms.CharField(
        label=_("Last four digits of the card"),
        max_length=4,
        validators=[RegexValidator(r"^[0-9]{4}$", _("Enter the last four digits, as on your card."))],
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text=_("Of a wallet: the card that it pays with, as your bank statement names it."),
    )
    day = forms.DateField(label=_("Day of the charge"), widget=forms.DateInput(attrs={"type": "date"}))
    amount = forms.CharField(
        label=_("Amount charged"),
        required=False,
        max_length=12,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=_("As on your bank statement, without the currency."),
    )
    charger = forms.CharField(
        label=_("Charger ID"),
        required=False,
        max_length=48,
        help_text=_("It is printed beside the code that you scanned."),
    )

    def clean_day(self):
        day = self.cleaned_data["day"]
        if day > timezone.localdate() + timezone.timedelta(days=1):
            raise forms.ValidationError(_("This day has not come yet."))
        return day

    def clean_amount(self):
        said = re.sub(r"\s", "", self.cleaned_data["amount"]).replace(",", ".")
        if not said:
            return None
        try:
            amount = Decimal(said)
        except InvalidOperation:
            raise forms.ValidationError(_("Enter the amount in digits, such as 12.34.")) from None
        if not amount.is_finite() or not 0 < amount < 1_000_000_000 or -amount.as_tuple().exponent > 3:
            raise forms.ValidationError(_("Enter the amount in digits, such as 12.34."))
        return amount

    def clean(self):
        cleaned = super().clean()
        known = cleaned.get("amount") is not None or cleaned.get("charger", "").strip()
        if not known and not self.errors:
            self.add_error("amount", _("Enter the amount, or the charger's ID."))
        return cleaned

    @property
    def facts(self) -> Facts:
        said = self.cleaned_data
        return Facts(said["last4"], said["day"], said["amount"], said["charger"].strip())
