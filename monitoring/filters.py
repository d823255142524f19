"""Filters of operators' lists: forms whose fields are query parameters, and the chips that undo them."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from evportal.widgets import Select
from monitoring import looks
from monitoring.models import Severity
from stations.models import Event, Site


class Filter(forms.Form):
    """Unknown or malformed values filter nothing and are shown as errors beside their field."""

    use_required_attribute = False

    def __init__(self, *args, access, **kwargs):
        super().__init__(*args, **kwargs)
        if "site" in self.fields:
            self.fields["site"].queryset = Site.objects.visible_to(access).only("name")
        for field in self.fields.values():
            field.required = False

    def chosen(self) -> dict:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}

    def chips(self, request) -> list[dict]:
        """What is chosen, in words, each with the address of the list without it."""
        found = []
        for name, value in self.chosen().items():
            if isinstance(self.fields[name].widget, forms.HiddenInput):
                continue
            query = request.GET.copy()
            query.pop(name, None)
            query.pop("page", None)
            found.append(
                {
                    "label": f"{self.fields[name].label}: {self._word(name, value)}",
                    "url": f"?{query.urlencode()}",
                }
            )
        return found

    def _word(self, name, value) -> str:
        choices = getattr(self.fields[name], "choices", None)
        if isinstance(self.fields[name], forms.ChoiceField) and choices:
            return str(dict(choices).get(value, value))
        if hasattr(value, "strftime"):
            return value.strftime("%Y-%m-%d %H:%M")
        return str(value)


ANY = [("", _("Any"))]


class ChargerFilter(Filter):
    q = forms.CharField(label=_("Search"), max_length=80, help_text="")
    state = forms.ChoiceField(
        label=_("State"),
        choices=[
            *ANY,
            *((look, looks.WORDS[look]) for look in looks.ORDER),
            ("silent", _("Offline over 5 min")),
        ],
    )
    site = forms.ModelChoiceField(Site.objects.none(), label=_("Site"), empty_label=_("Any"), widget=Select)
    version = forms.ChoiceField(
        label="OCPP", choices=[*ANY, ("1.6", "1.6"), ("2.0.1", "2.0.1"), ("2.1", "2.1")]
    )


class SessionFilter(Filter):
    tab = forms.CharField(widget=forms.HiddenInput, max_length=10)
    q = forms.CharField(label=_("Search"), max_length=80)
    site = forms.ModelChoiceField(Site.objects.none(), label=_("Site"), empty_label=_("Any"), widget=Select)


class AlertFilter(Filter):
    tab = forms.CharField(widget=forms.HiddenInput, max_length=10)
    severity = forms.ChoiceField(label=_("Severity"), choices=[*ANY, *Severity.choices])
    site = forms.ModelChoiceField(Site.objects.none(), label=_("Site"), empty_label=_("Any"), widget=Select)
    station = forms.IntegerField(label=_("Charger"), min_value=1, max_value=2**62, widget=forms.HiddenInput)


class Span(Filter):
    """From then until then."""

    since = forms.DateTimeField(
        label=_("From"), widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    until = forms.DateTimeField(
        label=_("Until"), widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )

    def clean(self):
        cleaned = super().clean()
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until <= since:
            self.add_error("until", _g("The end must be after the beginning."))
        return cleaned


class MessageFilter(Span):
    action = forms.CharField(label=_("Message"), max_length=50)
    direction = forms.ChoiceField(
        label=_("Direction"), choices=[*ANY, ("in", _("From the charger")), ("out", _("To the charger"))]
    )
    field_order = ["action", "direction", "since", "until"]


class EventFilter(Span):
    site = forms.ModelChoiceField(Site.objects.none(), label=_("Site"), empty_label=_("Any"), widget=Select)
    station = forms.IntegerField(label=_("Charger"), min_value=1, max_value=2**62, widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=_("Kind"), choices=[*ANY, *Event.Kind.choices])
    severity = forms.TypedChoiceField(
        label=_("At least"),
        coerce=int,
        empty_value=None,
        choices=[*ANY, (2, _("Critical (0–2)")), (4, _("Errors (0–4)")), (6, _("Warnings (0–6)"))],
    )
    field_order = ["site", "station", "kind", "severity", "since", "until"]
