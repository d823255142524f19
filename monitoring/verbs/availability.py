"""Out of service and back in: now or at a time."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from bookings.models import Booking
from monitoring.verbs.base import ChargerForm, connectors_of, interrupted
from stations import availability
from stations.models import AvailabilityPlan, Command, Connector, Evse


class MomentField(forms.DateTimeField):
    def __init__(self, **kwargs):
        super().__init__(
            widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
            required=False,
            **kwargs,
        )


class Availability(ChargerForm):
    place = forms.ChoiceField(label=_("What"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = [("", _("The whole charger")), *self._places()]
        if wanted := self.initial.get("evse"):
            self.initial["place"] = f"evse-{wanted}"

    def _places(self) -> list[tuple[str, str]]:
        found = []
        for evse in self.station.evses.order_by("number"):
            found.append((f"evse-{evse.pk}", _g("EVSE %s") % f"{evse.number} ({evse.public_id})"))
        if self.version != "1.6":
            found += [
                (
                    f"connector-{each.pk}",
                    _g("EVSE %(evse)s, only connector %(connector)s (%(standard)s)")
                    % {
                        "evse": each.evse.number,
                        "connector": each.number,
                        "standard": each.get_standard_display(),
                    },
                )
                for each in connectors_of(self.station)
            ]
        return found

    def _chosen(self) -> tuple[Evse | None, Connector | None]:
        kind, _dash, pk = self.cleaned_data["place"].partition("-")
        if kind == "evse":
            return self.station.evses.get(pk=pk), None
        if kind == "connector":
            connector = connectors_of(self.station).get(pk=pk)
            return connector.evse, connector
        return None, None


class OutOfService(Availability):
    verb, title, submit, danger = "close", _("Take out of service"), _("Take out of service"), True
    question = _(
        "Drivers can't start there until it is put back into service. A running charge may finish first."
    )
    #: A plan waits for its charger by itself.
    takes_offline = True
    starts_at = MomentField(label=_("From"), help_text=_("Empty: now. In the site's time."))
    ends_at = MomentField(label=_("Until"), help_text=_("Empty: until somebody puts it back."))
    reason = forms.CharField(
        label=_("Reason"), required=False, max_length=120, help_text=_("Drivers read it at the site.")
    )

    def clean(self):
        cleaned = super().clean()
        now = timezone.now()
        starts_at, ends_at = cleaned.get("starts_at") or now, cleaned.get("ends_at")
        if starts_at < now - timedelta(minutes=1):
            self.add_error("starts_at", _g("This is over already. Leave it empty for now."))
        if ends_at and ends_at <= max(starts_at, now):
            self.add_error("ends_at", _g("It must end after it begins."))
        return cleaned

    def consequences(self) -> list[str]:
        return [*super().consequences(), *interrupted(self.charger), *self._booked()]

    def _booked(self) -> list[str]:
        """Bookings stay: moving them is a person's decision."""
        coming = Booking.objects.open().filter(evse__station=self.station, ends_at__gt=timezone.now())
        first = coming.order_by("starts_at").select_related("evse").first()
        if first is None:
            return []
        count = coming.count()
        return [
            ngettext(
                "%(n)s booking there is not moved by this; it begins on EVSE %(evse)s at %(at)s.",
                "%(n)s bookings there are not moved by this; the first begins on EVSE %(evse)s at %(at)s.",
                count,
            )
            % {
                "n": count,
                "evse": first.evse.number,
                "at": f"{timezone.localtime(first.starts_at):%Y-%m-%d %H:%M}",
            }
        ]

    def send(self) -> Command | AvailabilityPlan:
        evse, connector = self._chosen()
        now = timezone.now()
        plan = availability.plan(
            station=self.station,
            evse=evse,
            connector=connector,
            starts_at=self.cleaned_data["starts_at"] or now,
            ends_at=self.cleaned_data["ends_at"],
            reason=self.cleaned_data["reason"],
            by=self.user,
            now=now,
        )
        return plan.closing or plan


class IntoService(Availability):
    verb, title, submit = "open", _("Put into service"), _("Put into service")
    may_wait = True

    def send(self) -> Command:
        evse, connector = self._chosen()
        return availability.open_now(
            station=self.station,
            evse=evse,
            connector=connector,
            by=self.user,
            keep_for=self.keep_for,
            now=timezone.now(),
        )
