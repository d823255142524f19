"""What the portal must know of a charger that has already called."""

from __future__ import annotations

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from stations.models import Connector, Site


class AdoptForm(forms.Form):
    """What the portal must know of a charger that has already called."""

    site = forms.ModelChoiceField(Site.objects.none(), label=_("Site"))
    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What drivers read on the charger."))
    evses = forms.IntegerField(
        label=_("Number of EVSEs"),
        initial=1,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text=_("How many cars it charges at a time."),
    )
    standard = forms.ChoiceField(label=_("Plug"), choices=Connector.Standard.choices)
    power_kw = forms.IntegerField(
        label=_("Power of each EVSE in kW"),
        initial=22,
        validators=[MinValueValidator(1), MaxValueValidator(4000)],
    )

    def __init__(self, *args, access: Access, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = Site.objects.visible_to(access, "manage_sites")
