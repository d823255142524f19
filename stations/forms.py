"""The search on the front page, read from the address."""

from django import forms
from django.utils.translation import gettext_lazy as _

from stations.finding import Wish
from stations.models import Connector


class FindForm(forms.Form):
    q = forms.CharField(label=_("City, postcode or name"), required=False, max_length=100)
    standard = forms.ChoiceField(
        label=_("Connector"), required=False, choices=[("", _("Any")), *Connector.Standard.choices]
    )
    min_kw = forms.TypedChoiceField(
        label=_("Power"),
        required=False,
        coerce=float,
        empty_value=0,
        choices=[
            ("", _("Any")),
            *[(str(kw), _("from %(kw)s kW") % {"kw": kw}) for kw in (11, 22, 50, 150, 300)],
        ],
    )
    free = forms.BooleanField(label=_("Free now"), required=False)
    bookable = forms.BooleanField(label=_("Can be booked"), required=False)
    accessible = forms.BooleanField(label=_("Accessible bay"), required=False)
    lat = forms.FloatField(required=False, min_value=-90, max_value=90, widget=forms.HiddenInput)
    lng = forms.FloatField(required=False, min_value=-180, max_value=180, widget=forms.HiddenInput)

    def wish(self) -> Wish:
        """What can be read of the address; an old link's odd value is as if it weren't there."""
        self.is_valid()
        data = self.cleaned_data
        return Wish(
            text=data.get("q", "").replace("\x00", ""),
            standard=data.get("standard", ""),
            min_kw=data.get("min_kw") or 0,
            free_now=data.get("free", False),
            bookable=data.get("bookable", False),
            accessible=data.get("accessible", False),
            lat=data.get("lat"),
            lng=data.get("lng"),
        )
