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
    """All that is left, an amount over the whole invoice, or an amount for each of some of its lines."""

    everything = forms.BooleanField(label=_("All that is left"), required=False)
    amount = forms.DecimalField(
        label=_("Amount"),
        min_value=Decimal("0.001"),
        max_digits=12,
        decimal_places=3,
        required=False,
        help_text=_("Goes over all lines."),
    )
    reason = forms.CharField(label=_("Reason"), max_length=150, help_text=_("Stands on the credit note."))

    def __init__(self, *args, most: Decimal, currency: str, lines=(), **kwargs):
        """`lines`: (position, text, what is left of it)."""
        super().__init__(*args, **kwargs)
        self.most, self.currency, self.lines = most, currency, list(lines)
        for position, text, left in self.lines:
            self.fields[f"line_{position}"] = forms.DecimalField(
                label=text,
                min_value=Decimal("0.001"),
                max_value=left,
                max_digits=12,
                decimal_places=3,
                required=False,
            )
        self.fields["reason"] = self.fields.pop("reason")  # Comes last.

    def clean_amount(self):
        amount = self.cleaned_data["amount"]
        if amount is not None and amount > self.most:
            raise forms.ValidationError(_("At most %(most)s can be refunded.") % {"most": self.most})
        return self._coins(amount)

    def _coins(self, amount: Decimal | None) -> Decimal | None:
        if amount is not None and -amount.normalize().as_tuple().exponent > exponent(self.currency):
            raise forms.ValidationError(_("That is finer than the smallest coin."))
        return amount

    def clean(self):
        cleaned = super().clean()
        chosen = {}
        for position, _text, _left in self.lines:
            name = f"line_{position}"
            if amount := cleaned.pop(name, None):
                try:
                    chosen[position] = self._coins(amount)
                except forms.ValidationError as error:
                    self.add_error(name, error)
        together = sum(chosen.values(), Decimal(0))
        everything = cleaned.pop("everything", False)
        if bool(chosen) + bool(cleaned.get("amount")) + everything > 1:
            self.add_error(None, _("Say one of them: all that is left, an amount, or amounts of lines."))
        elif everything:
            cleaned["amount"] = self.most
        elif not chosen and "amount" in cleaned and not cleaned["amount"] and not self.errors:
            self.add_error("amount", _("Say an amount, or which lines."))
        elif together > self.most:
            self.add_error(None, _("At most %(most)s can be refunded.") % {"most": self.most})
        cleaned["lines"] = chosen
        return cleaned

    @property
    def refunded(self) -> Decimal:
        """What the valid form comes to."""
        return self.cleaned_data["amount"] or sum(self.cleaned_data["lines"].values(), Decimal(0))

    def line_rows(self) -> list[dict]:
        """For the page: each line's field beside what is left of it."""
        return [
            {"field": self[f"line_{position}"], "text": text, "left": left}
            for position, text, left in self.lines
        ]
