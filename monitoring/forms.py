"""The commands that people give most, each as a form that knows what it interrupts."""

from __future__ import annotations

import uuid

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from evportal.accounts.access import Access
from monitoring.overview import Row
from stations import commands
from stations.models import Command, Connector, Evse, IdToken, Session, Site


class ChargerForm(forms.Form):
    """One command to one charger. `verb` is its word in the address."""

    verb = title = submit = question = ""
    danger = False
    once = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args, charger: Row, access: Access, user, **kwargs):
        kwargs["initial"] = {"once": uuid.uuid4(), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.charger, self.access, self.user = charger, access, user
        self.station = charger.station
        if "evse" in self.fields:
            self.fields["evse"].queryset = self.station.evses.order_by("number")

    def consequences(self) -> list[str]:
        return [
            _g("Charger: %(name)s, %(site)s") % {"name": self.station.name, "site": self.station.site.name}
        ]

    def send(self) -> Command:
        raise NotImplementedError


def interrupted(charger: Row) -> list[str]:
    """What ends if the charger is stopped: named, so that nobody is surprised."""
    if not charger.sessions:
        return [_g("Nothing is charging there now.")]
    words = ngettext(
        "%(n)s session will be interrupted:", "%(n)s sessions will be interrupted:", len(charger.sessions)
    ) % {"n": len(charger.sessions)}
    return [f"{words} {'; '.join(name_of(session) for session in charger.sessions)}"]


def name_of(session: Session) -> str:
    return _g("EVSE %(evse)s, since %(at)s, %(kwh)s kWh so far") % {
        "evse": session.evse.number,
        "at": f"{timezone.localtime(session.started_at):%H:%M}",
        "kwh": f"{session.energy_kwh:.1f}",
    }


class EvseField(forms.ModelChoiceField):
    def label_from_instance(self, evse: Evse) -> str:
        return f"{evse.number} ({evse.public_id})"


class Start(ChargerForm):
    verb, title, submit = "start", _("Start charging"), _("Start charging")
    evse = EvseField(Evse.objects.none(), label=_("EVSE"))
    token = forms.CharField(
        label=_("Card or token"),
        required=False,
        max_length=255,
        help_text=_("For whom to start. Empty: your own token, for a test charge."),
    )

    def clean_token(self):
        text = self.cleaned_data["token"].strip()
        if not text:
            return None
        operator_id = self.station.site.operator_id
        token = IdToken.objects.for_token(operator_id, text).first() if "\x00" not in text else None
        if token is None or token.status != IdToken.Status.ACCEPTED:
            raise forms.ValidationError(_g("No such card may charge at this operator."))
        return token

    def send(self) -> Command:
        token = self.cleaned_data["token"] or commands.app_token(self.user, self.station.site.operator)
        return commands.remote_start(evse=self.cleaned_data["evse"], id_token=token, by=self.user)


class SessionField(forms.ModelChoiceField):
    def label_from_instance(self, session: Session) -> str:
        return name_of(session)


class Stop(ChargerForm):
    verb, title, submit, danger = "stop", _("Stop a session"), _("Stop the session"), True
    session = SessionField(Session.objects.none(), label=_("Session"), empty_label=None)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["session"].queryset = self.station.sessions.open().select_related("evse")

    def consequences(self) -> list[str]:
        return [*super().consequences(), _g("The driver pays what the meter says at that moment.")]

    def send(self) -> Command:
        return commands.remote_stop(session=self.cleaned_data["session"], by=self.user)


class Reset(ChargerForm):
    hard = False

    def consequences(self) -> list[str]:
        return [*super().consequences(), *interrupted(self.charger)]

    def send(self) -> Command:
        return commands.reset(station=self.station, hard=self.hard, by=self.user)


class SoftReset(Reset):
    verb, title, submit, danger = "restart", _("Restart the charger"), _("Restart"), True
    question = _("It will end what is charging in an orderly way and restart.")


class HardReset(Reset):
    verb, title, submit, danger, hard = (
        "hard-restart",
        _("Restart the charger at once"),
        _("Restart at once"),
        True,
        True,
    )
    question = _("It will restart without waiting for anything, as if its power were cut.")


class Unlock(ChargerForm):
    verb, title, submit, danger = "unlock", _("Unlock the plug"), _("Unlock"), True
    question = _("A charge on that EVSE ends.")
    evse = EvseField(Evse.objects.none(), label=_("EVSE"), empty_label=None)

    def consequences(self) -> list[str]:
        return [*super().consequences(), *interrupted(self.charger)]

    def send(self) -> Command:
        evse = self.cleaned_data["evse"]
        connector = evse.connectors.order_by("number").first()
        return commands.unlock(evse=evse, connector_number=connector.number if connector else 1, by=self.user)


class Availability(ChargerForm):
    operative = True
    evse = EvseField(Evse.objects.none(), label=_("EVSE"), required=False, empty_label=_("The whole charger"))

    def send(self) -> Command:
        return commands.change_availability(
            station=self.station, evse=self.cleaned_data["evse"], operative=self.operative, by=self.user
        )


class OutOfService(Availability):
    verb, title, submit, danger, operative = (
        "close",
        _("Take out of service"),
        _("Take out of service"),
        True,
        False,
    )
    question = _(
        "Drivers can't start there until it is put back into service. A running charge may finish first."
    )

    def consequences(self) -> list[str]:
        return [*super().consequences(), *interrupted(self.charger)]


class IntoService(Availability):
    verb, title, submit = "open", _("Put into service"), _("Put into service")


VERBS: dict[str, type[ChargerForm]] = {
    form.verb: form for form in (Start, Stop, SoftReset, HardReset, Unlock, OutOfService, IntoService)
}


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


class OrphanForm(forms.Form):
    """Where a report without a session belongs: to one of its charger's, or to none."""

    decision = forms.ChoiceField(
        label=_("What is it?"),
        choices=[("attach", _("It belongs to a session")), ("dismiss", _("It belongs to no session"))],
        widget=forms.RadioSelect,
    )
    session = forms.ChoiceField(label=_("Session"), required=False)

    def __init__(self, *args, sessions: list[Session], **kwargs):
        super().__init__(*args, **kwargs)
        self.sessions = {str(each.pk): each for each in sessions}
        self.fields["session"].choices = [
            ("", _g("Choose a session") if sessions else _g("This charger has none that it could be")),
            *((pk, self._words(each)) for pk, each in self.sessions.items()),
        ]

    @staticmethod
    def _words(session: Session) -> str:
        began = timezone.localtime(session.started_at, session.station.site.zone)
        state = _g("running") if session.is_open else _g("estimated") if session.is_estimated else _g("ended")
        words = _g("EVSE %(evse)s, %(at)s, %(energy)s kWh, %(state)s")
        return words % {
            "evse": session.evse.number,
            "at": began.strftime("%Y-%m-%d %H:%M"),
            "energy": f"{session.energy_kwh:.2f}",
            "state": state,
        }

    def clean(self):
        chosen = self.sessions.get(self.cleaned_data.get("session"))
        if self.cleaned_data.get("decision") == "attach" and chosen is None:
            self.add_error("session", _g("Choose the session that it belongs to."))
        return self.cleaned_data | {"session": chosen}
