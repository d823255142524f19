"""Forms of finance: filters, exports, books, hosts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from billing import calendar, vat
from billing.exports import making
from billing.models import Books, Host, HostShare, Invoice, RevenueAccount
from evportal.accounts.models import Operator
from evportal.widgets import Select
from stations.models import Site
from stations.paying.vat import is_well_formed

NAMES = {
    "invoices": _("Invoices"),
    "journal": _("Journal"),
    "vat": _("VAT by country and rate"),
    "revenue": _("Revenue by site"),
    "datev": _("DATEV"),
    "pdf": _("All documents as PDF"),
    "ubl": _("All documents as XML (UBL)"),
}
WHATS = [
    (f"{kind}.{format}", f"{NAMES[kind]} ({format.upper()})")
    for kind, formats in making.KINDS.items()
    for format in formats
]
STATUSES = [
    ("", _("All")),
    ("paid", _("Paid")),
    ("unpaid", _("Unpaid")),
    ("refunded", _("Refunded")),
    ("unmatched", _("Unmatched: paid differs from billed")),
]
VATS = [
    ("", _("All")),
    ("S:25.5", "25.5 %"), ("S:25", "25 %"), ("S:24", "24 %"), ("S:23", "23 %"), ("S:22", "22 %"),
    ("S:21", "21 %"), ("S:20", "20 %"), ("S:19", "19 %"), ("S:8.1", "8.1 %"), ("S:7", "7 %"),
    ("AE:0", _("Reverse charge")), ("Z:0", _("Zero rate")), ("O:0", _("Not subject to VAT")),
]  # fmt: skip


def _day(label):
    return forms.DateField(label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}))


class Period(forms.Form):
    """Two days, the first not after the last, and not further apart than anybody needs."""

    def clean(self):
        cleaned = super().clean()
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until:
            try:
                calendar.check_period(since, until)
            except ValueError as error:
                self.add_error("until", str(error))
        return cleaned


class InvoiceFilter(forms.Form):
    """What the list is narrowed to; everything is in the address."""

    since = _day(_("Booked from"))
    until = _day(_("Until"))
    site = forms.ModelChoiceField(
        label=_("Site"), queryset=Site.objects.none(), required=False, empty_label=_("All"), widget=Select
    )
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All")), *Invoice.Kind.choices])
    status = forms.ChoiceField(label=_("Status"), required=False, choices=STATUSES)
    vat = forms.ChoiceField(label=_("VAT"), required=False, choices=VATS)
    least = forms.DecimalField(label=_("Gross from"), required=False, max_digits=12, decimal_places=3)
    most = forms.DecimalField(label=_("Gross up to"), required=False, max_digits=12, decimal_places=3)
    q = forms.CharField(label=_("Number, name or e-mail"), required=False, max_length=80)

    def __init__(self, *args, sites, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = sites

    def clean_until(self):
        since, until = self.cleaned_data.get("since"), self.cleaned_data["until"]
        if since and until and until < since:
            raise forms.ValidationError(_("The last day is before the first."))
        return until


class ExportForm(Period):
    operator = forms.ModelChoiceField(
        label=_("Operator"), queryset=Operator.objects.none(), to_field_name="slug", empty_label=None
    )
    what = forms.ChoiceField(label=_("What"), choices=WHATS)
    since = _day(_("Booked from"))
    until = _day(_("Until"))
    site = forms.ModelChoiceField(queryset=Site.objects.all(), required=False, widget=forms.HiddenInput)
    kind = forms.ChoiceField(
        required=False, choices=[("", ""), *Invoice.Kind.choices], widget=forms.HiddenInput
    )
    status = forms.ChoiceField(required=False, choices=STATUSES, widget=forms.HiddenInput)
    vat = forms.ChoiceField(required=False, choices=VATS, widget=forms.HiddenInput)
    least = forms.DecimalField(required=False, widget=forms.HiddenInput)
    most = forms.DecimalField(required=False, widget=forms.HiddenInput)
    q = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)

    def __init__(self, *args, operators, **kwargs):
        super().__init__(*args, **kwargs)
        ids = [each.pk for each in operators]
        self.fields["operator"].queryset = Operator.objects.filter(pk__in=ids)
        self.fields["site"].queryset = Site.objects.filter(operator__in=ids)
        if len(operators) == 1:
            self.fields["operator"].widget = forms.HiddenInput()
            self.fields["operator"].initial = operators[0].slug

    def params(self) -> dict:
        """The filters in words that JSON can carry."""
        return {
            name: _word(value)
            for name, value in self.cleaned_data.items()
            if name not in ("operator", "what") and value not in (None, "")
        }


def _word(value):
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.pk if isinstance(value, Site) else value


class BooksForm(forms.ModelForm):
    class Meta:
        model = Books
        fields = [
            "time_zone", "iban", "bic", "consultant", "client", "fiscal_year_month", "account_length",
            "receivables",
        ]  # fmt: skip

    def clean_iban(self):
        return iban(self.cleaned_data["iban"])


def iban(text: str) -> str:
    """Without spaces, and with a check number that is right (ISO 13616)."""
    plain = "".join(text.split()).upper()
    if plain:
        moved = plain[4:] + plain[:4]
        good = plain.isalnum() and plain.isascii() and 15 <= len(plain) <= 34
        if not good or int("".join(str(int(sign, 36)) for sign in moved)) % 97 != 1:
            raise forms.ValidationError(_("This is not an IBAN: a letter or digit is wrong."))
    return plain


RevenueAccounts = forms.inlineformset_factory(
    Books,
    RevenueAccount,
    fields=["country", "category", "vat_percent", "account", "bu_key"],
    extra=3,
    can_delete=True,
)


def check_vat_id(text: str) -> str:
    plain = vat.clean_vat_id(text)
    if plain and not is_well_formed(plain):
        raise forms.ValidationError(_("This is not formed as a VAT id of its country is."))
    return plain


class HostForm(forms.ModelForm):
    class Meta:
        model = Host
        fields = [
            "name", "street", "postcode", "city", "country", "vat_id", "tax_number", "vat_percent", "email",
            "language", "iban",
        ]  # fmt: skip

    def clean_iban(self):
        return iban(self.cleaned_data["iban"])

    def clean_vat_id(self):
        return check_vat_id(self.cleaned_data["vat_id"])

    def clean_country(self):
        return self.cleaned_data["country"].upper()


class HostShareForm(forms.ModelForm):
    class Meta:
        model = HostShare
        fields = ["site", "valid_from", "percent", "per_kwh"]
        widgets = {"valid_from": forms.DateInput(attrs={"type": "date"})}

    def __init__(self, *args, operator, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = Site.objects.filter(operator=operator)

    def clean(self):
        cleaned = super().clean()
        percent, per_kwh = cleaned.get("percent"), cleaned.get("per_kwh")
        if percent is not None and not 0 <= percent <= 100:
            self.add_error("percent", _("Between 0 and 100."))
        if per_kwh is not None and per_kwh < 0:
            self.add_error("per_kwh", _("Not below zero."))
        if percent == 0 and per_kwh == 0:
            self.add_error("percent", _("Say a share, or an amount for each kWh."))
        return cleaned


class ReopenForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=200, help_text=_("Stays in the books."))
