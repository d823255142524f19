"""Jobs as people enter, change and close them."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.widgets import Select
from monitoring.uptime.models import Outage
from monitoring.work import actions
from monitoring.work.models import WorkOrder
from stations.models import Site, Station


class Person(forms.ModelChoiceField):
    def label_from_instance(self, user) -> str:
        return user.get_full_name() or user.email


class NewJobForm(forms.Form):
    title = forms.CharField(label=_("What is to be done"), max_length=200)
    station = forms.ModelChoiceField(
        Station.objects.none(), label=_("Charger"), required=False, empty_label=_("The site as a whole")
    )
    site = forms.ModelChoiceField(
        Site.objects.none(),
        label=_("Site"),
        required=False,
        help_text=_("Where no charger is chosen."),
        widget=Select,
    )
    priority = forms.TypedChoiceField(
        label=_("Priority"), coerce=int, choices=WorkOrder.Priority.choices, initial=3
    )

    def __init__(self, *args, access: Access, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["station"].queryset = Station.objects.visible_to(access, "manage_alerts").select_related(
            "site"
        )
        self.fields["site"].queryset = Site.objects.visible_to(access, "manage_alerts")

    def clean(self):
        cleaned = super().clean()
        if station := cleaned.get("station"):
            cleaned["site"] = station.site
        elif not cleaned.get("site") and "site" not in self.errors:
            self.add_error("site", _("Choose a charger or a site."))
        return cleaned


class JobForm(forms.ModelForm):
    assignee = Person(queryset=None, label=_("Whose"), required=False, empty_label=_("Nobody's"))

    class Meta:
        model = WorkOrder
        fields = ["title", "priority", "assignee", "due_on"]
        labels = {"title": _("What is to be done"), "priority": _("Priority"), "due_on": _("By")}
        widgets = {"due_on": forms.DateInput({"type": "date"}, format="%Y-%m-%d")}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["assignee"].queryset = actions.people(self.instance.site)


class CloseForm(forms.Form):
    cause = forms.CharField(
        label=_("What it was, and what helped"),
        max_length=250,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("It goes into the record of the charger's outages."),
    )
    exclusion = forms.ChoiceField(
        label=_("Why it does not count as an outage"),
        required=False,
        choices=[("", _("It counts")), *Outage.Exclusion.choices],
    )
