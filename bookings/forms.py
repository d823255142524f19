"""What a driver chooses in the slot picker: in the address to look, in the form to book."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from bookings import rules
from stations.models import Connector, Evse, Site


def slot_value(evse: Evse, starts_at: datetime) -> str:
    """A slot as a form carries it; UTC, so that a time that the clock shows twice is still one."""
    return f"{evse.pk}@{starts_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


class LookForm(forms.Form):
    """The address of the picker; what it can't read it leaves at the default, as a link may be old."""

    day = forms.DateField(required=False)
    minutes = forms.IntegerField(required=False, min_value=1)
    standard = forms.ChoiceField(required=False, choices=[("", ""), *Connector.Standard.choices])
    min_kw = forms.DecimalField(required=False, min_value=0, max_value=2000)

    def chosen(self, site: Site, policy: rules.Policy, now: datetime) -> dict:
        self.is_valid()
        data = self.cleaned_data
        today = now.astimezone(site.zone).date()
        last = today + timedelta(days=policy.horizon_days)
        lengths = list(rules.durations(policy)) or [policy.min_minutes]
        day: date = data.get("day") or today
        minutes = data.get("minutes")
        return {
            "day": day if today <= day <= last else today,
            "minutes": minutes if minutes in lengths else lengths[min(1, len(lengths) - 1)],
            "standard": data.get("standard", ""),
            "min_kw": data.get("min_kw") or 0,
        }


class RepeatForm(forms.Form):
    """Whether the slot is wanted once, or week after week."""

    weeks = forms.TypedChoiceField(
        label=_("How often"), required=False, coerce=int, empty_value=1, choices=[("1", _("Once"))]
    )
    best_effort = forms.BooleanField(label=_("Book what is free, even if not every week is"), required=False)

    def __init__(self, *args, most: int, **kwargs):
        super().__init__(*args, **kwargs)
        more = [
            (str(weeks), ngettext("Weekly, %(n)s time", "Weekly, %(n)s times", weeks) % {"n": weeks})
            for weeks in range(2, most + 1)
        ]
        self.fields["weeks"].choices = [("1", _("Once")), *more]


class SlotForm(forms.Form):
    """One slot of the site: `evse`, `starts_at` and `ends_at` once it is valid."""

    slot = forms.CharField(max_length=60, error_messages={"required": _("Choose a start time.")})
    minutes = forms.IntegerField(min_value=1, max_value=24 * 60, widget=forms.HiddenInput)

    def __init__(self, *args, site: Site, **kwargs):
        super().__init__(*args, **kwargs)
        self.site = site

    def clean_slot(self):
        evse_id, _at, start = self.cleaned_data["slot"].partition("@")
        try:
            starts_at = parse_datetime(start)
        except ValueError:
            starts_at = None
        evse = None
        if (
            evse_id.isdecimal()
            and len(evse_id) < 18
            and starts_at is not None
            and starts_at.tzinfo is not None
        ):
            evse = Evse.objects.with_station().filter(station__site=self.site, pk=evse_id).first()
        if evse is None:
            raise forms.ValidationError(_("Choose one of the times in the list."))
        self.cleaned_data["evse"], self.cleaned_data["starts_at"] = evse, starts_at
        return self.cleaned_data["slot"]

    def clean(self):
        data = super().clean()
        if "starts_at" in data and "minutes" in data:
            try:
                data["ends_at"] = data["starts_at"] + timedelta(minutes=data["minutes"])
            except OverflowError:
                self.add_error("slot", _("Choose one of the times in the list."))
        return data
