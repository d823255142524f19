"""Forms of the operator's plans."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.models import Plan, PlanVersion
from evportal.money import exponent

WHEN = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class PlanForm(forms.ModelForm):
    """What may change while drivers are subscribed."""

    class Meta:
        model = Plan
        fields = [
            "name", "text", "sites", "on_sale_from", "on_sale_until",
            "least_months", "grace_days", "notice_days",
        ]  # fmt: skip
        widgets = {"on_sale_from": WHEN, "on_sale_until": WHEN, "sites": forms.CheckboxSelectMultiple}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["sites"].queryset = self.instance.operator.sites.order_by("name")
        for name in ("on_sale_from", "on_sale_until"):
            self.fields[name].help_text = _("UTC; empty: without a bound.")

    def clean(self):
        cleaned = super().clean()
        begins, ends = cleaned.get("on_sale_from"), cleaned.get("on_sale_until")
        if begins and ends and ends <= begins:
            self.add_error("on_sale_until", _("That is before the sale begins."))
        return cleaned


class NewPlanForm(PlanForm):
    class Meta(PlanForm.Meta):
        fields = ["name", "key", *PlanForm.Meta.fields[1:]]


class VersionForm(forms.ModelForm):
    class Meta:
        model = PlanVersion
        fields = ["fee", "vat_percent", "included_kwh"]

    def __init__(self, *args, currency: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.fields["fee"].label = _("Fee a month in %(currency)s, with VAT") % {"currency": currency}
        self.fields["vat_percent"].max_value = 100

    def clean_fee(self):
        fee = self.cleaned_data["fee"]
        if fee <= 0:
            raise forms.ValidationError(_("A plan costs something."))
        if -fee.normalize().as_tuple().exponent > exponent(self.currency):
            raise forms.ValidationError(_("That is finer than the smallest coin."))
        return fee

    def clean_vat_percent(self):
        if not 0 <= self.cleaned_data["vat_percent"] <= 100:
            raise forms.ValidationError(_("From 0 to 100."))
        return self.cleaned_data["vat_percent"]

    def clean_included_kwh(self):
        if self.cleaned_data["included_kwh"] < 0:
            raise forms.ValidationError(_("Zero or more."))
        return self.cleaned_data["included_kwh"]
