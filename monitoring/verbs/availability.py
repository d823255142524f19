"""Out of service and back in: now or at a time."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from bookings import affected, closing, closures
from monitoring.verbs.base import ChargerForm, connectors_of, interrupted
from stations import availability
from stations.models import AvailabilityPlan, Command, Connector, Evse

#: As many bookings are named; the calendar shows all.
LISTED = 20
#: The plan itself leaves bookings alone; these do something about them first.
PLAN_CHOICES = [
    (choice.value, choice.label) for choice in closing.Choice if choice is not closing.Choice.AROUND
]


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

    bookings = forms.ChoiceField(
        label=_("Bookings in that time"),
        required=False,
        choices=[("", _("Leave them where they are")), *PLAN_CHOICES],
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not self.access.may_at("manage_bookings", self.station.site):
            del self.fields["bookings"]

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
        """Who is affected, and where each could go; until a time is chosen, everybody who comes there."""
        now = timezone.now()
        evses = list(self.station.evses.with_station())
        starts_at, ends_at = now, now + closures.OPEN_END
        if self.is_bound and self.is_valid():
            evses = self._closed()
            starts_at = self.cleaned_data["starts_at"] or now
            ends_at = self.cleaned_data["ends_at"] or starts_at + closures.OPEN_END
        found = affected.bookings_on(evses, starts_at=starts_at, ends_at=ends_at, now=now)
        looked = affected.look(found[:LISTED], avoid={evse.pk for evse in evses}, now=now)
        lines = [
            _g("Booking: EVSE %(evse)s, %(at)s. It could go to %(target)s.")
            % {
                "evse": each.booking.evse.number,
                "at": _span(each.booking),
                "target": each.target.station.name,
            }
            if each.target
            else _g("Booking: EVSE %(evse)s, %(at)s. No equivalent charger is free.")
            % {"evse": each.booking.evse.number, "at": _span(each.booking)}
            for each in looked
        ]
        if len(found) > LISTED:
            more = len(found) - LISTED
            lines.append(ngettext("And %(n)s more booking.", "And %(n)s more bookings.", more) % {"n": more})
        return lines

    def _closed(self) -> list[Evse]:
        evse, connector = self._chosen()
        plan = AvailabilityPlan(station=self.station, evse=evse, connector=connector)
        ids = [each.pk for each in closures.closed_evses(plan)]
        return list(Evse.objects.filter(pk__in=ids).with_station())

    @transaction.atomic
    def send(self) -> Command | AvailabilityPlan:
        evse, connector = self._chosen()
        now = timezone.now()
        if choice := self.cleaned_data.get("bookings"):
            self._make_room(choice, now)
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

    def _make_room(self, choice: str, now) -> None:
        starts_at = self.cleaned_data["starts_at"] or now
        closing.clear_for_plan(
            evses=self._closed(),
            starts_at=starts_at,
            ends_at=self.cleaned_data["ends_at"] or starts_at + closures.OPEN_END,
            now=now,
            reason=self.cleaned_data["reason"],
            choice=choice,
        )


def _span(booking) -> str:
    starts_at, ends_at = timezone.localtime(booking.starts_at), timezone.localtime(booking.ends_at)
    return f"{starts_at:%Y-%m-%d %H:%M}–{ends_at:%H:%M}"


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
