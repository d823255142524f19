"""What every form of a command to one charger has, and how what it interrupts is named."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from evportal.accounts.access import Access
from monitoring.overview import Row
from stations.models import AvailabilityPlan, Command, Connector, Evse, Session

#: How long a call waits for a charger that is away; "" refuses it.
WAITS = {
    "": (_("Don't send it"), None),
    "1": (_("Wait up to an hour"), timedelta(hours=1)),
    "24": (_("Wait up to 24 hours"), timedelta(hours=24)),
    "168": (_("Wait up to a week"), timedelta(days=7)),
}


def wait_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("If the charger is offline"),
        choices=[(hours, words) for hours, (words, _time) in WAITS.items()],
        required=False,
    )


def keep_for(hours: str) -> timedelta | None:
    return WAITS[hours][1]


class ChargerForm(forms.Form):
    """One command to one charger. `verb` is its word in the address."""

    verb = title = submit = question = ""
    danger = False
    #: Whether it can be given to a charger that is away.
    may_wait = False
    #: Whether it is something for later anyway, so that the charger need not be there.
    takes_offline = False
    once = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args, charger: Row, access: Access, user, **kwargs):
        kwargs["initial"] = {"once": uuid.uuid4(), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.charger, self.access, self.user = charger, access, user
        self.station = charger.station
        if "evse" in self.fields:
            self.fields["evse"].queryset = self.station.evses.order_by("number")
        if self.may_wait:
            self.fields["if_offline"] = wait_field()

    @property
    def version(self) -> str:
        return self.station.ocpp_version or "1.6"

    @property
    def keep_for(self) -> timedelta | None:
        return keep_for(self.cleaned_data["if_offline"])

    def consequences(self) -> list[str]:
        return [
            _g("Charger: %(name)s, %(site)s") % {"name": self.station.name, "site": self.station.site.name}
        ]

    def send(self) -> Command | AvailabilityPlan:
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


class ConnectorField(forms.ModelChoiceField):
    def label_from_instance(self, connector: Connector) -> str:
        return _g("EVSE %(evse)s, connector %(connector)s (%(standard)s)") % {
            "evse": connector.evse.number,
            "connector": connector.number,
            "standard": connector.get_standard_display(),
        }


def connectors_of(station):
    return (
        Connector.objects.filter(evse__station=station)
        .select_related("evse")
        .order_by("evse__number", "number")
    )
