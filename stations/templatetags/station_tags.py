"""EVSEs in people's words, for templates."""

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

from stations import naming
from stations.models import Evse, Reservation, State

register = template.Library()

register.filter("evse_name", naming.evse_name)
register.filter("plugs", naming.plugs)
register.filter("opening_words", naming.opening_words)


def _shown(evse: Evse) -> str:
    """Kept for a booking by the portal alone, a charger doesn't know that it isn't free."""
    state = evse.shown_state
    return "reserved" if state == State.AVAILABLE and _is_kept(evse) else state


def _is_kept(evse: Evse) -> bool:
    """As `finding.cards` found; a single EVSE that is pushed alone is asked about here."""
    if not hasattr(evse, "is_kept"):
        evse.is_kept = Reservation.objects.keeping(evse, timezone.now()).exists()
    return evse.is_kept


@register.filter
def state_look(evse: Evse) -> str:
    """The state's look, as `_state.html` takes it."""
    return naming.LOOKS.get(_shown(evse), "unknown")


@register.filter
def state_words(evse: Evse) -> str:
    state = _shown(evse)
    return _("Not connected") if state == "offline" else str(State(state).label)


@register.filter
def state_since(evse: Evse):
    """When what is shown began: a silent station's since it fell silent."""
    return evse.state_since if evse.station.is_online else evse.station.disconnected_at
