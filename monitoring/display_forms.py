"""What an operator puts on a charger's display, and how its changing codes are made."""

from __future__ import annotations

import uuid

from django import forms
from django.utils.translation import gettext_lazy as _

from stations.models import DisplayMessage

LOCAL = "%Y-%m-%dT%H:%M"


class MomentField(forms.DateTimeField):
    """A time on the site's clock; the browser's own picker."""

    def __init__(self, **kwargs):
        picker = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL)
        super().__init__(widget=picker, required=False, input_formats=[LOCAL, f"{LOCAL}:%S"], **kwargs)


class MessageForm(forms.Form):
    once = forms.UUIDField(widget=forms.HiddenInput)
    text = forms.CharField(label=_("Text"), max_length=1024, widget=forms.Textarea(attrs={"rows": 3}))
    language = forms.CharField(
        label=_("Language"), max_length=8, required=False, help_text=_("such as de or en-GB")
    )
    other_text = forms.CharField(
        label=_("Text in another language"),
        max_length=1024,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Only OCPP 2.1 chargers show more than one."),
    )
    other_language = forms.CharField(label=_("Its language"), max_length=8, required=False)
    format = forms.ChoiceField(label=_("Kind"), choices=DisplayMessage.Format)
    priority = forms.ChoiceField(
        label=_("Priority"), choices=DisplayMessage.Priority, initial=DisplayMessage.Priority.NORMAL_CYCLE
    )
    state = forms.ChoiceField(
        label=_("When"), choices=[("", _("Always")), *DisplayMessage.State.choices], required=False
    )
    starts_at = MomentField(label=_("From"))
    ends_at = MomentField(label=_("Until"))
    whole_site = forms.BooleanField(
        label=_("On every charger of this site that has a display for it"), required=False
    )

    def __init__(self, *args, **kwargs):
        kwargs["initial"] = {"once": uuid.uuid4(), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)

    def clean(self):
        data = super().clean()
        starts_at, ends_at = data.get("starts_at"), data.get("ends_at")
        if starts_at and ends_at and ends_at <= starts_at:
            self.add_error("ends_at", _("The end must be after the beginning."))
        if data.get("other_text") and not (data.get("language") and data.get("other_language")):
            self.add_error("other_language", _("With two texts, say in which language each is."))
        return data

    def message(self) -> dict:
        """Arguments of `display.show`."""
        data = self.cleaned_data
        pairs = [(data["text"], data["language"]), (data["other_text"], data["other_language"])]
        return {
            "texts": [
                {"content": text, "language": language, "format": data["format"]}
                for text, language in pairs
                if text
            ],
            "priority": data["priority"],
            "state": data["state"],
            "starts_at": data["starts_at"],
            "ends_at": data["ends_at"],
        }
