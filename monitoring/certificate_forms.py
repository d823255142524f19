"""Certificates that are revoked, and roots that operators bring."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import Operator
from stations.certificates import roots
from stations.exceptions import Refused
from stations.models import RootCertificate, RootKind

REASON_WORDS = {
    "superseded": _("It was replaced by a newer one"),
    "keyCompromise": _("Somebody else may have its key"),
    "cessationOfOperation": _("The charger was taken away"),
    "affiliationChanged": _("The charger belongs to somebody else now"),
    "unspecified": _("Another reason"),
}


class RevokeForm(forms.Form):
    reason = forms.ChoiceField(label=_("Reason"), choices=list(REASON_WORDS.items()))


class RootForm(forms.Form):
    operator = forms.ModelChoiceField(Operator.objects.none(), label=_("Operator"), empty_label=None)
    kind = forms.ChoiceField(label=_("Kind"), choices=RootKind.choices)
    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What your people call it."))
    certificate = forms.CharField(
        label=_("Certificate"),
        max_length=20_000,
        widget=forms.Textarea({"rows": 8, "spellcheck": "false", "class": "mono"}),
        help_text=_("In PEM, beginning with -----BEGIN CERTIFICATE-----"),
    )
    admits_stations = forms.BooleanField(
        label=_("Chargers may sign in with certificates that it signed and that name them"), required=False
    )

    def __init__(self, *args, access: Access, **kwargs):
        super().__init__(*args, **kwargs)
        own = Operator.objects.filter(access.operators("manage_sites", ""))
        self.fields["operator"].queryset = own
        if own.count() == 1:
            self.fields["operator"].initial = own.get()
            self.fields["operator"].widget = forms.HiddenInput()

    def save(self) -> RootCertificate | None:
        """The new row; None where it is refused, with the reason in the form."""
        try:
            return roots.add(**self.cleaned_data)
        except Refused as refusal:
            self.add_error("certificate", str(refusal))
            return None
