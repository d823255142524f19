"""Forms of the reports: which days and sites, and what is mailed."""

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from evportal.widgets import Select
from monitoring.filters import Filter
from monitoring.patterns import periods
from monitoring.patterns.models import ScheduledReport
from monitoring.uptime.models import Outage
from stations.models import Evse, Site


def day(label):
    return forms.DateField(label=label, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))


def moment(label, **options):
    widget = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, widget=widget, **options)


#: What the rules of a period say, for people; the rules themselves know no languages.
WORDS = {
    "The last day lies before the first.": _("The last day lies before the first."),
    "That begins in the future: nothing has happened there yet.": _(
        "That begins in the future: nothing has happened there yet."
    ),
    "A report covers three years at most: choose a shorter time.": _(
        "A report covers three years at most: choose a shorter time."
    ),
    "There were no such chargers yet: begin in 2010 or later.": _(
        "There were no such chargers yet: begin in 2010 or later."
    ),
}


class ReportFilter(Filter):
    """`period` is what was chosen; without a valid choice, the last four weeks."""

    since = day(_("First day"))
    until = day(_("Last day"))
    site = forms.ModelChoiceField(
        Site.objects.none(), label=_("Site"), empty_label=_("All sites"), widget=Select
    )

    def __init__(self, *args, today, **kwargs):
        super().__init__(*args, **kwargs)
        self.today = today
        self.period = periods.chosen(None, None, today)

    def clean(self):
        cleaned = super().clean()
        if self.errors:
            return cleaned
        try:
            self.period = periods.chosen(cleaned.get("since"), cleaned.get("until"), self.today)
        except periods.PeriodRefused as refusal:
            self.add_error("until", WORDS.get(str(refusal), str(refusal)))
        return cleaned


class ScheduleForm(forms.Form):
    every = forms.ChoiceField(
        label=_("When"), choices=ScheduledReport.Every.choices, widget=forms.RadioSelect
    )
    site = forms.ModelChoiceField(
        Site.objects.none(), label=_("Site"), empty_label=_("All sites"), required=False, widget=Select
    )

    def __init__(self, *args, access, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["every"].initial = ScheduledReport.Every.WEEK
        self.fields["site"].queryset = Site.objects.visible_to(access).only("name")


class OutageFilter(Filter):
    site = forms.ModelChoiceField(Site.objects.none(), label=_("Site"), empty_label=_("Any"), widget=Select)
    cause = forms.ChoiceField(label=_("Cause"), choices=[("", _("Any")), *Outage.Cause.choices])
    open = forms.BooleanField(label=_("Still going on"))
    counts = forms.ChoiceField(
        label=_("Counts"), choices=[("", _("Any")), ("yes", _("It counts")), ("no", _("Excluded"))]
    )
    evse = forms.IntegerField(label=_("EVSE"), min_value=1, max_value=2**62, widget=forms.HiddenInput)

    def chosen(self) -> dict:
        return {name: value for name, value in super().chosen().items() if value is not False}


class ExplainForm(forms.Form):
    exclusion = forms.ChoiceField(
        label=_("Does it count?"),
        choices=[("", _("It counts")), *Outage.Exclusion.choices],
        required=False,
        help_text=_("Only these reasons take an outage off the uptime of 23 CFR 680.116."),
    )
    excluded_from = moment(_("Excluded from"), required=False, help_text=_("Empty: from its beginning."))
    excluded_until = moment(_("Excluded until"), required=False, help_text=_("Empty: until its end."))
    note = forms.CharField(
        label=_("What was wrong, and what helped"),
        max_length=300,
        required=False,
        widget=forms.Textarea({"rows": 3}),
    )

    def clean(self):
        cleaned = super().clean()
        since, until = cleaned.get("excluded_from"), cleaned.get("excluded_until")
        if since and until and until <= since:
            self.add_error("excluded_until", _g("The end must be after the beginning."))
        return cleaned


class ReportOutageForm(forms.Form):
    """An outage that no charger reports."""

    evse = forms.ModelChoiceField(Evse.objects.none(), label=_("EVSE"))
    begins_at = moment(_("Since"))
    ends_at = moment(_("Until"), required=False, help_text=_("Empty: it still goes on."))
    note = forms.CharField(label=_("What is wrong"), max_length=300, widget=forms.Textarea({"rows": 3}))

    def __init__(self, *args, access, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["evse"].queryset = Evse.objects.visible_to(access, "manage_stations").select_related(
            "station__site"
        )
        self.fields["evse"].label_from_instance = lambda evse: (
            f"{evse.station} / {evse.number} ({evse.public_id})"
        )
