"""What can be ordered of many chargers at once, each as a form, and the chargers it goes to."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from monitoring.verbs.base import keep_for, wait_field
from monitoring.verbs.station import MESSAGES, messages_of
from stations import bulk
from stations.models import Session, Station
from stations.ocpp import schemas

#: So many sessions are named; of more, the number must do.
NAMED = 10


class BulkForm(forms.Form):
    """`kind` is its word in the address and in `stations.bulk.USUAL`."""

    kind = title = ""
    #: Whether it may end what is charging.
    interrupts = False
    once = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs):
        kwargs["initial"] = {"once": uuid.uuid4(), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.fields["if_offline"] = wait_field()
        self.fields["if_offline"].label = _("Chargers that are offline")

    @property
    def keep_for(self):
        return keep_for(self.cleaned_data["if_offline"])

    @property
    def what(self) -> str:
        return str(self.title)

    def arguments(self) -> dict:
        return {}

    def calls(self) -> dict[str, dict]:
        return bulk.calls_for(self.kind, **self.arguments())


class EvseNumberField(forms.IntegerField):
    def __init__(self, **kwargs):
        super().__init__(min_value=1, max_value=999, **kwargs)


def some(**arguments) -> dict:
    return {name: value for name, value in arguments.items() if value not in (None, "")}


class ResetAll(BulkForm):
    kind, title, interrupts = "reset", _("Restart"), True
    hard = forms.TypedChoiceField(
        label=_("When"),
        choices=[
            ("", _("In an orderly way: 2.x when nothing charges, 1.6 ends what charges")),
            ("1", _("At once")),
        ],
        coerce=bool,
        empty_value=False,
        required=False,
    )

    def arguments(self):
        return {"hard": self.cleaned_data["hard"]}


class TriggerAll(BulkForm):
    kind, title = "trigger", _("Have them send something")
    message = forms.ChoiceField(label=_("What"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        names = sorted({name for version in schemas.VERSIONS for name in messages_of(version)})
        self.fields["message"].choices = [
            (name, f"{name}: {MESSAGES.get(name, '')}") for name in names if name != "CustomTrigger"
        ]

    def arguments(self):
        return {"message": self.cleaned_data["message"]}


class AvailabilityAll(BulkForm):
    kind, title, interrupts = "availability", _("In or out of service"), True
    operative = forms.TypedChoiceField(
        label=_("What"),
        choices=[("0", _("Out of service")), ("1", _("Into service"))],
        coerce=lambda word: word == "1",
    )
    evse = EvseNumberField(label=_("Only EVSE number"), required=False, help_text=_("Empty: whole chargers."))

    def arguments(self):
        return some(operative=self.cleaned_data["operative"], evse=self.cleaned_data["evse"])


class UnlockAll(BulkForm):
    kind, title, interrupts = "unlock", _("Unlock the plug"), True
    evse = EvseNumberField(label=_("EVSE number"), initial=1)
    connector = EvseNumberField(
        label=_("Connector number"), initial=1, help_text=_("1.6 knows only the EVSE's.")
    )

    def arguments(self):
        return {"evse": self.cleaned_data["evse"], "connector": self.cleaned_data["connector"]}


class ClearCacheAll(BulkForm):
    kind, title = "clear-cache", _("Forget cards they remember")


class ListVersionAll(BulkForm):
    kind, title = "local-list-version", _("Ask which local list they have")


KINDS: dict[str, type[BulkForm]] = {
    form.kind: form
    for form in (ResetAll, TriggerAll, AvailabilityAll, UnlockAll, ClearCacheAll, ListVersionAll)
}


def preview(stations: Iterable[Station], found: bulk.Sorted, *, interrupts: bool) -> list[str]:
    """How many of each version, what it interrupts, and who is left out and why."""
    lines = [
        ngettext("OCPP %(version)s: %(n)s charger", "OCPP %(version)s: %(n)s chargers", count)
        % {"version": version, "n": count}
        for version, count in sorted(found.versions.items())
    ]
    if interrupts:
        lines.append(interrupted(found.told))
    names = {station.pk: station.name for station in stations}
    for why, count in found.reasons.most_common():
        left_out = [names[each["station"]] for each in found.skipped if each["why"] == why]
        shown = ", ".join(left_out[:NAMED]) + (" …" if count > NAMED else "")
        lines.append(_g("Left out: %(n)s (%(why)s): %(names)s") % {"n": count, "why": why, "names": shown})
    return lines


def interrupted(told: list[int]) -> str:
    running = Session.objects.open().filter(station__in=told)
    count = running.count()
    if not count:
        return _g("Nothing is charging there now.")
    named = running.select_related("evse", "station").order_by("station__name")[:NAMED]
    words = ngettext("%(n)s session may be interrupted:", "%(n)s sessions may be interrupted:", count) % {
        "n": count
    }
    each = "; ".join(
        _g("%(charger)s, EVSE %(evse)s, since %(at)s")
        % {
            "charger": session.station.name,
            "evse": session.evse.number,
            "at": f"{timezone.localtime(session.started_at):%H:%M}",
        }
        for session in named
    )
    return f"{words} {each}{' …' if count > NAMED else ''}"
