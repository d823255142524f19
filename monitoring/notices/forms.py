"""Teams, their channels, policies and one's quiet hours, as people enter them."""

from __future__ import annotations

import secrets
from zoneinfo import available_timezones

from django import forms
from django.db import transaction
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import PERMISSIONS, Access
from evportal.accounts.models import Membership, Operator
from evportal.outbox import channels as outbox_channels
from evportal.outbox import guard, sending
from monitoring.models import Kind, Severity
from monitoring.notices.models import Policy, PolicyStep, QuietHours, Team, TeamChannel
from stations.models import Site

MOST_CHANNELS = 10
STEPS = 4


class Members(forms.ModelMultipleChoiceField):
    def label_from_instance(self, member) -> str:
        return f"{member.user.get_full_name() or member.user.email} ({member.get_role_display()})"


class TeamForm(forms.ModelForm):
    members = Members(queryset=None, label=_("People"), required=False, widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = Team
        fields = ["name", "members"]
        labels = {"name": _("Name")}

    def __init__(self, *args, operator: Operator, **kwargs):
        super().__init__(*args, **kwargs)
        self.instance.operator = operator
        self.fields["members"].queryset = Membership.objects.filter(
            operator=operator, role__in=PERMISSIONS["view_alerts"], is_active=True, user__is_active=True
        ).select_related("user")

    def clean_name(self):
        name = self.cleaned_data["name"]
        if Team.objects.filter(operator=self.instance.operator, name=name).exclude(pk=self.instance.pk):
            raise forms.ValidationError(_g("There is a team of that name."))
        return name


class ChannelForm(forms.Form):
    """`address` is what is sealed, `shown` what people see of it."""

    kind = ""

    def save(self, *, team: Team, by) -> TeamChannel:
        channel = TeamChannel(team=team, kind=self.kind, created_by=by, shown=self.shown()[:120])
        channel.address = self.address()
        channel.save()
        return channel


class EmailChannel(ChannelForm):
    kind = TeamChannel.Kind.EMAIL
    email = forms.EmailField(label=_("E-mail address"), max_length=200)

    def shown(self):
        return self.cleaned_data["email"]

    def address(self):
        return {"email": self.cleaned_data["email"]}


class WebhookChannel(ChannelForm):
    kind = TeamChannel.Kind.WEBHOOK
    url = forms.URLField(
        label=_("Address"),
        max_length=400,
        assume_scheme="https",
        help_text=_("Gets a signed POST with JSON; how to check it is in the API's documentation."),
    )

    def clean_url(self):
        url = self.cleaned_data["url"]
        try:
            _scheme, host, port, _target = guard.parts(url)
            guard.checked_address(host, port)
        except guard.Unreachable as error:
            raise forms.ValidationError(str(outbox_channels.WORDS.get(str(error), error))) from None
        return url

    def shown(self):
        _scheme, host, _port, target = guard.parts(self.cleaned_data["url"])
        return f"{host}/{outbox_channels.masked(target.lstrip('/'))}"

    def address(self):
        self.secret = secrets.token_hex(32)
        return {"url": self.cleaned_data["url"], "secret": self.secret}


class ServiceChannel(ChannelForm):
    kind = TeamChannel.Kind.SERVICE
    url = forms.CharField(
        label=_("Address"),
        max_length=400,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "As apprise writes it, such as slack://token/#channel. "
            "ClickSend, Discord, MessageBird, Pushbullet, Pushover, Prowl, Sinch, Slack, Telegram, Twilio "
            "and Vonage can be used."
        ),
    )

    def clean_url(self):
        url = self.cleaned_data["url"].strip()
        try:
            sending.service_of(url)
        except sending.NotSent as error:
            raise forms.ValidationError(str(outbox_channels.WORDS.get(str(error), error))) from None
        return url

    def shown(self):
        url = self.cleaned_data["url"]
        name = sending.SERVICES[url.partition("://")[0].lower()]
        return f"{name} {sending.service_of(url).url(privacy=True).partition('://')[2].partition('?')[0]}"

    def address(self):
        return {"address": self.cleaned_data["url"]}


CHANNELS = {form.kind.value: form for form in (EmailChannel, WebhookChannel, ServiceChannel)}


class PolicyForm(forms.ModelForm):
    """Its steps are pairs of fields: after how many minutes without an acknowledgement, which team."""

    severities = forms.MultipleChoiceField(
        label=_("Severities"),
        choices=Severity.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: all."),
    )
    kinds = forms.MultipleChoiceField(
        label=_("Kinds"),
        choices=Kind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: all."),
    )
    sites = forms.ModelMultipleChoiceField(
        Site.objects.none(),
        label=_("Sites"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: all."),
    )

    class Meta:
        model = Policy
        fields = ["name", "severities", "kinds", "sites", "is_active"]
        labels = {"name": _("Name"), "is_active": _("In use")}

    def __init__(self, *args, operator: Operator, **kwargs):
        super().__init__(*args, **kwargs)
        self.instance.operator = operator
        self.fields["sites"].queryset = Site.objects.filter(operator=operator).order_by("name")
        known = list(self.instance.steps.all()) if self.instance.pk else []
        for n in range(1, STEPS + 1):
            step = known[n - 1] if n <= len(known) else None
            self.fields[f"team_{n}"] = forms.ModelChoiceField(
                Team.objects.filter(operator=operator),
                label=_g("Step %s: tell") % n,
                required=n == 1,
                empty_label=_g("No one"),
                initial=step.team_id if step else None,
            )
            self.fields[f"after_{n}"] = forms.IntegerField(
                label=_g("Step %s: after minutes without acknowledgement") % n,
                min_value=0,
                max_value=7 * 24 * 60,
                required=False,
                initial=step.after_minutes if step else (0 if n == 1 else None),
            )

    def clean_name(self):
        name = self.cleaned_data["name"]
        if Policy.objects.filter(operator=self.instance.operator, name=name).exclude(pk=self.instance.pk):
            raise forms.ValidationError(_g("There is a policy of that name."))
        return name

    def clean(self):
        cleaned = super().clean()
        steps = {
            (cleaned.get(f"after_{n}") or 0, cleaned[f"team_{n}"])
            for n in range(1, STEPS + 1)
            if cleaned.get(f"team_{n}")
        }
        cleaned["steps"] = sorted(steps, key=lambda step: (step[0], step[1].pk))
        return cleaned

    @transaction.atomic
    def save(self, commit=True):
        policy = super().save()
        wanted = {(after, team.pk) for after, team in self.cleaned_data["steps"]}
        for step in policy.steps.all():
            # A step that stays keeps its key: nobody is told the same again because a name was changed.
            if (step.after_minutes, step.team_id) in wanted:
                wanted.discard((step.after_minutes, step.team_id))
            else:
                step.delete()
        PolicyStep.objects.bulk_create(
            PolicyStep(policy=policy, after_minutes=after, team_id=team) for after, team in sorted(wanted)
        )
        return policy


class QuietHoursForm(forms.ModelForm):
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=[])

    class Meta:
        model = QuietHours
        fields = ["begins_at", "ends_at", "time_zone", "critical_comes_through"]
        labels = {
            "begins_at": _("From"),
            "ends_at": _("Until"),
            "critical_comes_through": _("Tell me of critical alerts all the same"),
        }
        widgets = {
            "begins_at": forms.TimeInput({"type": "time"}, format="%H:%M"),
            "ends_at": forms.TimeInput({"type": "time"}, format="%H:%M"),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].choices = [(name, name) for name in sorted(available_timezones())]


def own_operators(access: Access):
    """Where somebody may change who is told."""
    return Operator.objects.filter(access.operators("manage_sites", "")).order_by("name")
