"""What the portal must know of a charger that has already called."""

from __future__ import annotations

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.widgets import Select
from stations.models import Connector, Session, Site


class AdoptForm(forms.Form):
    """What the portal must know of a charger that has already called."""

    site = forms.ModelChoiceField(Site.objects.none(), label=_("Site"), widget=Select)
    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What drivers read on the charger."))
    evses = forms.IntegerField(
        label=_("Number of EVSEs"),
        initial=1,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text=_("How many cars it charges at a time."),
    )
    standard = forms.ChoiceField(label=_("Plug"), choices=Connector.Standard.choices)
    power_kw = forms.IntegerField(
        label=_("Power of each EVSE in kW"),
        initial=22,
        validators=[MinValueValidator(1), MaxValueValidator(4000)],
    )

    def __init__(self, *args, access: Access, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = Site.objects.visible_to(access, "manage_sites")


class OrphanForm(forms.Form):
    """Where a report without a session belongs: to one of its charger's, or to none."""

    decision = forms.ChoiceField(
        label=_("What is it?"),
        choices=[("attach", _("It belongs to a session")), ("dismiss", _("It belongs to no session"))],
        widget=forms.RadioSelect,
    )
    session = forms.ChoiceField(label=_("Session"), required=False)

    def __init__(self, *args, sessions: list[Session], **kwargs):
        super().__init__(*args, **kwargs)
        self.sessions = {str(each.pk): each for each in sessions}
        self.fields["session"].choices = [
            ("", _g("Choose a session") if sessions else _g("This charger has none that it could be")),
            *((pk, self._words(each)) for pk, each in self.sessions.items()),
        ]

    @staticmethod
    def _words(session: Session) -> str:
        began = timezone.localtime(session.started_at, session.station.site.zone)
        state = _g("running") if session.is_open else _g("estimated") if session.is_estimated else _g("ended")
        words = _g("EVSE %(evse)s, %(at)s, %(energy)s kWh, %(state)s")
        return words % {
            "evse": session.evse.number,
            "at": began.strftime("%Y-%m-%d %H:%M"),
            "energy": f"{session.energy_kwh:.2f}",
            "state": state,
        }

    def clean(self):
        chosen = self.sessions.get(self.cleaned_data.get("session"))
        if self.cleaned_data.get("decision") == "attach" and chosen is None:
            self.add_error("session", _g("Choose the session that it belongs to."))
        return self.cleaned_data | {"session": chosen}
