"""Start, stop and ask about a charge."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from monitoring.verbs.base import ChargerForm, EvseField, name_of
from stations import commands, profiles
from stations.models import ChargingProfile, Command, Evse, IdToken, Session


class Start(ChargerForm):
    verb, title, submit = "start", _("Start charging"), _("Start charging")
    evse = EvseField(Evse.objects.none(), label=_("EVSE"))
    token = forms.CharField(
        label=_("Card or token"),
        required=False,
        max_length=255,
        help_text=_("For whom to start. Empty: your own token, for a test charge."),
    )
    profile = forms.ModelChoiceField(
        ChargingProfile.objects.none(),
        label=_("Charging profile"),
        required=False,
        empty_label=_("None"),
        help_text=_("Limits this session only."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        fitting = [
            each.pk
            for each in ChargingProfile.objects.filter(operator=self.station.site.operator_id)
            if each.profile.get("chargingProfilePurpose") == "TxProfile"
            and self.version in profiles.versions(each.profile)
        ]
        if fitting:
            self.fields["profile"].queryset = ChargingProfile.objects.filter(pk__in=fitting)
        else:
            del self.fields["profile"]

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
        profile = self.cleaned_data.get("profile")
        return commands.remote_start(
            evse=self.cleaned_data["evse"],
            id_token=token,
            by=self.user,
            profile=profiles.numbered(profile.profile, profile.pk) if profile else None,
            group=token.group,
        )


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


class Ask(ChargerForm):
    """GetTransactionStatus: 1.6 has no such question, and says so."""

    verb, title, submit = "ask", _("Ask about a session"), _("Ask the charger")
    question = _("Does it still charge, and are there messages about it that the charger has not sent yet?")
    session = SessionField(Session.objects.none(), label=_("Session"), empty_label=None)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        recent = self.station.sessions.order_by("-started_at").values("pk")[:20]
        asked = self.initial.get("session") or self.data.get("session")
        self.fields["session"].queryset = self.station.sessions.filter(
            pk__in=[row["pk"] for row in recent] + ([asked] if _is_uuid(asked) else [])
        ).select_related("evse")

    def send(self) -> Command:
        return commands.transaction_status(session=self.cleaned_data["session"], by=self.user)


def _is_uuid(text) -> bool:
    try:
        forms.UUIDField().clean(text)
    except forms.ValidationError:
        return False
    return True
