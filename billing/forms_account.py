"""Forms of the driver's document centre."""

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.forms_finance import Period, check_vat_id
from billing.models import Account
from billing.vat import EU
from evportal.accounts.models import Vehicle

#: Countries that the form offers: the EU's, and its neighbours'.
COUNTRIES = sorted(EU | {"CH", "GB", "IS", "LI", "NO"})


class AccountForm(forms.ModelForm):
    country = forms.ChoiceField(
        label=_("Country"), required=False, choices=[("", "–"), *((code, code) for code in COUNTRIES)]
    )

    class Meta:
        model = Account
        fields = [
            "kind", "name", "street", "postcode", "city", "country", "vat_id", "reference", "email",
            "language", "invoicing",
        ]  # fmt: skip

    def clean_vat_id(self):
        return check_vat_id(self.cleaned_data["vat_id"])

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("kind") == Account.Kind.PRIVATE:
            if cleaned.get("vat_id"):
                self.add_error("kind", _("A VAT id is for businesses: choose Business, or leave it empty."))
            return cleaned
        for name in ("name", "street", "city", "country"):
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, _("An invoice to a business needs it."))
        return cleaned


class ReportForm(Period):
    since = forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("Until"), widget=forms.DateInput(attrs={"type": "date"}))
    vehicle = forms.ModelChoiceField(
        label=_("Vehicle"), queryset=Vehicle.objects.none(), required=False, empty_label=_("All")
    )

    def __init__(self, *args, user, **kwargs):
        today = timezone.localdate()
        kwargs.setdefault("initial", {"since": today.replace(day=1), "until": today})
        super().__init__(*args, **kwargs)
        self.fields["vehicle"].queryset = user.vehicles.all()
