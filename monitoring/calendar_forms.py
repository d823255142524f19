"""What is filled in on the operator's calendar: close, book, move, cancel."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from bookings import closing
from bookings.models import Closure
from evportal.accounts.access import Access
from evportal.accounts.models import User
from monitoring.display_forms import MomentField
from stations import commands
from stations.models import Evse, IdToken, Site
from stations.naming import evse_name, plugs


def evses_of(site: Site):
    return Evse.objects.filter(station__site=site).with_station().order_by("station__name", "number")


class EvseChoice(forms.ModelChoiceField):
    def label_from_instance(self, evse: Evse) -> str:
        return f"{evse_name(evse)} ({plugs(evse)})"


class EvseChoices(forms.ModelMultipleChoiceField):
    def label_from_instance(self, evse: Evse) -> str:
        return f"{evse_name(evse)} ({plugs(evse)})"


class OnceForm(forms.Form):
    """Sent twice (a double click, a reload), it does its work once."""

    once = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args, site: Site, **kwargs):
        kwargs["initial"] = {"once": uuid.uuid4(), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.site = site


class CloseForm(OnceForm):
    """`evses`, `starts_at` (now where it was left empty), `ends_at`, `reason`."""

    evses = EvseChoices(
        queryset=Evse.objects.none(),
        label=_("Chargers"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one charger.")},
    )
    starts_at = MomentField(label=_("From"), help_text=_("Empty: now. In the site's time."))
    ends_at = MomentField(label=_("Until"))
    kind = forms.ChoiceField(label=_("Kind"), choices=Closure.Kind)
    reason = forms.CharField(
        label=_("Reason"), max_length=120, help_text=_("Drivers whose booking moves or is cancelled read it.")
    )
    out_of_service = forms.BooleanField(
        label=_("Take the chargers out of service too, so that nobody can plug in"), required=False
    )

    def __init__(self, *args, access: Access, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["evses"].queryset = evses_of(self.site)
        self.fields["ends_at"].required = True
        if not access.may_at("command", self.site):
            del self.fields["out_of_service"]

    def clean(self):
        data = super().clean()
        now = timezone.now()
        data["starts_at"] = data.get("starts_at") or now
        if "ends_at" in data and not self.errors.get("starts_at"):
            try:
                closing.check(data["starts_at"], data["ends_at"], now)
            except closing.ClosureOver as refused:
                self.add_error("starts_at", str(refused))
            except closing.ClosureRefused as refused:
                self.add_error("ends_at", str(refused))
        return data


class DecideForm(forms.Form):
    """The second page: what becomes of who is affected."""

    seen = forms.CharField(widget=forms.HiddenInput, max_length=16)
    choice = forms.ChoiceField(
        label=_("The bookings"),
        choices=closing.Choice,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what becomes of the bookings.")},
    )
    stop_sessions = forms.BooleanField(
        label=_("Stop what is charging there now"),
        required=False,
        help_text=_("Else it goes on until the driver ends it."),
    )

    def __init__(self, *args, found: closing.Preview, may_stop: bool, **kwargs):
        super().__init__(*args, **kwargs)
        if not found.affected and not found.is_closed_already:
            del self.fields["choice"]
        elif not found.affected and not self.is_bound:
            self.fields["choice"].choices = [
                (closing.Choice.AROUND, _g("Close only the time that is still open"))
            ]
        if not (found.sessions and may_stop):
            del self.fields["stop_sessions"]


class WhenForm(OnceForm):
    evse = EvseChoice(queryset=Evse.objects.none(), label=_("Charger"), empty_label=None)
    starts_at = MomentField(label=_("From"), help_text=_("In the site's time."))
    minutes = forms.IntegerField(label=_("Minutes"), min_value=5, max_value=24 * 60)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["evse"].queryset = evses_of(self.site)
        self.fields["starts_at"].required = True

    @property
    def slot(self) -> dict:
        data = self.cleaned_data
        return {
            "evse": data["evse"],
            "starts_at": data["starts_at"],
            "ends_at": data["starts_at"] + timedelta(minutes=data["minutes"]),
        }


class MoveForm(WhenForm):
    why = forms.CharField(label=_("Reason"), max_length=120, help_text=_("The driver reads it."))


class CancelForm(OnceForm):
    why = forms.CharField(label=_("Reason"), max_length=120, help_text=_("The driver reads it."))


class BookForm(WhenForm):
    """For a card, a driver, or nobody in particular; `id_token` once it is valid."""

    card = forms.CharField(
        label=_("Charging card"),
        required=False,
        max_length=255,
        help_text=_("Its number, for whom it lets in."),
    )
    email = forms.EmailField(label=_("Or a driver's e-mail address"), required=False)

    def __init__(self, *args, access: Access, **kwargs):
        super().__init__(*args, **kwargs)
        if not access.may_at("view_drivers", self.site):
            del self.fields["email"]

    def clean(self):
        data = super().clean()
        data["id_token"] = None
        card, email = data.get("card", "").strip(), data.get("email", "")
        if card and email:
            self.add_error("card", _g("Give a card or a driver, not both."))
        elif card:
            data["id_token"] = IdToken.objects.filter(operator=self.site.operator, token__iexact=card).first()
            if data["id_token"] is None:
                self.add_error("card", _g("There is no such card among yours."))
        elif email:
            driver = User.objects.filter(email__iexact=email, is_active=True).first()
            if driver is None:
                self.add_error("email", _g("Nobody has signed up with this e-mail address."))
            else:
                data["id_token"] = commands.app_token(driver, self.site.operator)
        return data
