"""What is asked for when an alert is handed on, put off or closed, and what a rule may be set to."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from monitoring import handling
from monitoring.models import Alert, Rule
from monitoring.rules.kinds import DEFAULTS
from stations.models import Site


class ForAlert(forms.Form):
    title = submit = said = ""

    def __init__(self, *args, alert: Alert, **kwargs):
        super().__init__(*args, **kwargs)
        self.alert = alert


class Person(forms.ModelChoiceField):
    def label_from_instance(self, user) -> str:
        return user.get_full_name() or user.email


class AssignForm(ForAlert):
    title, submit, said = _("Whose is it?"), _("Hand it over"), _("Handed over: %s")
    to = Person(queryset=None, label=_("Person"), required=False, empty_label=_("Nobody"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = handling.people(self.alert)
        self.initial.setdefault("to", self.alert.assigned_to_id)

    def act(self, *, by, now):
        return handling.assign(alert=self.alert, to=self.cleaned_data["to"], by=by, now=now)


class SnoozeForm(ForAlert):
    title, submit, said = _("Put it off"), _("Put it off"), _("Put off: %s")
    hours = forms.TypedChoiceField(
        label=_("For"),
        coerce=int,
        choices=[
            (1, _("1 hour")),
            (4, _("4 hours")),
            (24, _("a day")),
            (168, _("a week")),
            (0, _("until the time below")),
        ],
    )
    until = forms.DateTimeField(
        label=_("Until"),
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("In the site's time."),
    )
    reason = forms.CharField(label=_("Why"), max_length=200)

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("hours") == 0 and not cleaned.get("until") and "until" not in self.errors:
            self.add_error("until", _g("Say until when."))
        return cleaned

    def act(self, *, by, now):
        hours = self.cleaned_data["hours"]
        until = now + timedelta(hours=hours) if hours else self.cleaned_data["until"]
        return handling.snooze(
            alert=self.alert, until=until, reason=self.cleaned_data["reason"], by=by, now=now
        )


class ResolveForm(ForAlert):
    title, submit, said = _("Close the alert"), _("Close it"), _("Closed: %s")
    reason = forms.CharField(
        label=_("Why it is over"),
        max_length=200,
        help_text=_("While its cause lasts it stays closed; once that was gone and returns, it opens anew."),
    )

    def act(self, *, by, now):
        return handling.resolve(alert=self.alert, reason=self.cleaned_data["reason"], by=by, now=now)


class RuleForm(forms.ModelForm):
    class Meta:
        model = Rule
        fields = ["minutes", "threshold", "severity", "most", "is_active"]
        labels = {
            "minutes": _("Minutes"),
            "threshold": _("From"),
            "severity": _("Severity"),
            "most": _("Open at most"),
            "is_active": _("Tell of it"),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        default = DEFAULTS[self.instance.kind]
        self.fields["minutes"].help_text = default.time
        if default.threshold is None:
            del self.fields["threshold"]
        else:
            self.fields["threshold"].required = True
            self.fields["threshold"].help_text = default.unit

    def clean_minutes(self):
        minutes = self.cleaned_data["minutes"]
        if minutes > 31 * 24 * 60:
            raise forms.ValidationError(_g("A month at most."))
        return minutes


class SiteRuleForm(forms.Form):
    """A rule of one site, which begins as its operator's and is then changed."""

    site = forms.ModelChoiceField(Site.objects.none(), label=_("Site"))
    kind = forms.ChoiceField(label=_("Kind"), choices=[])

    def __init__(self, *args, access: Access, **kwargs):
        super().__init__(*args, **kwargs)
        from monitoring.models import Kind

        self.fields["site"].queryset = Site.objects.filter(
            access.operators("manage_sites", "operator")
        ).order_by("name")
        self.fields["kind"].choices = Kind.choices

    def rule(self) -> Rule:
        """The site's own, made from the operator's."""
        site, kind = self.cleaned_data["site"], self.cleaned_data["kind"]
        whole = Rule.objects.filter(operator=site.operator_id, kind=kind, site=None).first()
        default = whole or DEFAULTS[kind]
        rule, _new = Rule.objects.get_or_create(
            operator_id=site.operator_id,
            site=site,
            kind=kind,
            defaults={
                "minutes": default.minutes,
                "threshold": default.threshold,
                "severity": default.severity,
            },
        )
        return rule
