"""What a driver wishes for in the queue; times are the site's, and checked against its clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings import rules
from bookings.picker import length
from stations.models import Connector, Site

NOW, WINDOW = "now", "window"
#: How long one may wait for “now”, in minutes.
PATIENCE = (30, 60, 120, 240, 480)
#: How long one may pause, in minutes.
PAUSES = (15, 30, 60, 180)


class WishForm(forms.Form):
    when = forms.ChoiceField(
        label=gettext_lazy("When"),
        choices=[
            (NOW, gettext_lazy("As soon as a charger is free")),
            (WINDOW, gettext_lazy("In a time of my choice")),
        ],
        widget=forms.RadioSelect,
        initial=NOW,
    )
    patience = forms.TypedChoiceField(label=gettext_lazy("Wait at most"), coerce=int, required=False)
    day = forms.DateField(
        label=gettext_lazy("Day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    earliest = forms.TimeField(
        label=gettext_lazy("Not before"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    latest = forms.TimeField(
        label=gettext_lazy("Done by"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=gettext_lazy("An earlier time than the first means the next day."),
    )
    minutes = forms.TypedChoiceField(label=gettext_lazy("How long"), coerce=int)
    standard = forms.ChoiceField(label=gettext_lazy("Connector"), required=False)
    min_kw = forms.DecimalField(
        label=gettext_lazy("At least (kW)"), required=False, min_value=0, max_value=2000, decimal_places=1
    )

    def __init__(self, *args, site: Site, policy: rules.Policy, standards, now: datetime, **kwargs):
        super().__init__(*args, **kwargs)
        self.site, self.now, self.policy = site, now, policy
        lengths = list(rules.durations(policy)) or [policy.min_minutes]
        self.fields["minutes"].choices = [(each, length(each)) for each in lengths]
        self.fields["patience"].choices = [(each, length(each)) for each in PATIENCE]
        self.fields["standard"].choices = [
            ("", _("Any connector")),
            *[(each, words) for each, words in Connector.Standard.choices if each in standards],
        ]
        today = now.astimezone(site.zone).date()
        last = today + timedelta(days=policy.horizon_days)
        self.fields["day"].widget.attrs |= {"min": today.isoformat(), "max": last.isoformat()}

    def clean(self):
        data = super().clean()
        if self.errors:
            return data
        span = timedelta(minutes=data["minutes"])
        if data["when"] == NOW:
            starts_after = self.now
            ends_before = self.now + timedelta(minutes=data["patience"] or PATIENCE[1]) + span
        else:
            missing = [name for name in ("day", "earliest", "latest") if data.get(name) is None]
            for name in missing:
                self.add_error(name, _("Say from when until when."))
            if missing:
                return data
            day, earliest, latest = data["day"], data["earliest"], data["latest"]
            starts_after = self._moment("earliest", day, earliest, 0)
            try:
                last_day = day + timedelta(days=latest <= earliest)
            except OverflowError:
                self.add_error("day", _("That is further ahead than can be booked here."))
                return data
            ends_before = self._moment("latest", last_day, latest, 1)
            if starts_after is None or ends_before is None:
                return data
        data["wish"] = {
            "is_now": data["when"] == NOW,
            "starts_after": starts_after,
            "ends_before": ends_before,
            "minutes": data["minutes"],
            "standard": data["standard"],
            "min_power_w": int((data["min_kw"] or Decimal(0)) * 1000),
        }
        return data

    def _moment(self, name: str, day: date, wall: time, fold: int) -> datetime | None:
        """A time on the site's wall; one that the clock skips there isn't one."""
        zone: ZoneInfo = self.site.zone
        try:
            moment = datetime.combine(day, wall, zone).replace(fold=fold).astimezone(UTC)
        except OverflowError:
            self.add_error("day", _("That is further ahead than can be booked here."))
            return None
        if moment.astimezone(zone).replace(tzinfo=None) != datetime.combine(day, wall):
            self.add_error(name, _("The clocks skip this time on that day."))
            return None
        return moment


class PauseForm(forms.Form):
    minutes = forms.TypedChoiceField(choices=[(each, each) for each in PAUSES], coerce=int)
