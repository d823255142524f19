"""Forms of the driver's own pages and of finance."""

from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from evportal.accounts.models import Vehicle
from evportal.money import exponent
from stations.models import Connector, IdToken


class VehicleForm(forms.ModelForm):
    connector_standard = forms.ChoiceField(
        label=_("Plug"), choices=Connector.Standard.choices, initial=Connector.Standard.CCS2
    )

    class Meta:
        model = Vehicle
        fields = ["name", "plate", "connector_standard", "battery_kwh", "max_power_kw"]
        labels = {
            "name": _("Name"),
            "plate": _("Number plate"),
            "battery_kwh": _("Battery, kWh"),
            "max_power_kw": _("Most it can take, kW"),
        }
        help_texts = {"battery_kwh": _("With it, estimates and holds fit your car.")}

    def clean_battery_kwh(self):
        return self._above_zero("battery_kwh")

    def clean_max_power_kw(self):
        return self._above_zero("max_power_kw")

    def _above_zero(self, name: str):
        value = self.cleaned_data[name]
        if value is not None and value <= 0:
            raise forms.ValidationError(_("Enter a number above zero, or leave it empty."))
        return value


class IdTokenForm(forms.ModelForm):
    token = forms.RegexField(
        r"^[0-9A-Za-z]{4,20}$",
        label=_("Number on the card"),
        help_text=_("The letters and digits of its UID, without spaces."),
    )

    class Meta:
        model = IdToken
        fields = ["operator", "token", "label"]
        labels = {"operator": _("Operator"), "label": _("What you call it")}

    def __init__(self, *args, operators, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["operator"].queryset = operators


class RefundForm(forms.Form):
    amount = forms.DecimalField(
        label=_("Amount"), min_value=Decimal("0.001"), max_digits=12, decimal_places=3
    )
    reason = forms.CharField(label=_("Reason"), max_length=150, help_text=_("Stands on the credit note."))

    def __init__(self, *args, most: Decimal, currency: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.most, self.currency = most, currency

    def clean_amount(self):
        amount = self.cleaned_data["amount"]
        if amount > self.most:
            raise forms.ValidationError(_("At most %(most)s can be refunded.") % {"most": self.most})
        if -amount.normalize().as_tuple().exponent > exponent(self.currency):
            raise forms.ValidationError(_("That is finer than the smallest coin."))
        return amount
