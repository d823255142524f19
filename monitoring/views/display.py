"""`/ops/chargers/<pk>/display/`: what a charger shows to people, and which cards it knows by itself."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from monitoring.display_forms import MessageForm
from monitoring.guard import ops_page
from monitoring.once import only_once
from monitoring.views.charger import find, page
from stations import abilities, display, local_lists, paying
from stations.exceptions import ChargerOffline, Refused
from stations.models import Abilities, DisplayMessage, LocalList, StationTariff, WebPayments


@ops_page("view_ops")
@require_http_methods(["GET", "POST"])
def charger_display(request, pk):
    """Each button sends its word in `do`; the form of a new message sends “show”."""
    found = find(request, pk)
    station = found.station
    with timezone.override(station.site.zone):
        form, status = MessageForm(), 200
        if request.method == "POST":
            if not request.access.may_at("command", station.site):
                raise PermissionDenied
            if request.POST.get("do") == "show":
                form = MessageForm(request.POST)
                if form.is_valid() and _show(request, form, station):
                    return redirect(request.path)
                status = 422
            else:
                doing = DOING.get(request.POST.get("do", ""))
                if doing is None:
                    return HttpResponseBadRequest("There is no such button.")
                try:
                    messages.success(request, doing(request, station))
                except Refused as refusal:
                    messages.error(request, str(refusal))
                return redirect(request.path)
        answer = page(
            request, found, "charger_display", "monitoring/charger_display.html", form=form, **_shown(station)
        )
        answer.status_code = status
        return answer


def _shown(station) -> dict:
    known = Abilities.objects.filter(station=station, known_at__isnull=False).first()
    return {
        "able": abilities.of(station),
        "known": known,
        "display_messages": DisplayMessage.objects.filter(station=station).select_related("created_by")[:50],
        "local_list": LocalList.objects.filter(station=station).first(),
        "tariffs": StationTariff.objects.filter(evse__station=station).select_related("evse"),
        "codes": WebPayments.objects.filter(station=station).first(),
        "is_16": station.ocpp_version in ("", "1.6"),
        "is_21": station.ocpp_version == "2.1",
    }


def _show(request, form: MessageForm, station) -> bool:
    """Once, however often the form is sent; False where it is refused, with the reason in the form."""

    def send() -> str:
        if form.cleaned_data["whole_site"]:
            rows = display.show_at_site(site=station.site, by=request.user, **form.message())
        else:
            rows = [display.show(station=station, by=request.user, **form.message())]
        said = ngettext(
            "The message goes to %(n)s charger.", "The message goes to %(n)s chargers.", len(rows)
        )
        messages.success(request, said % {"n": len(rows)})
        return reverse("ops:charger_display", args=[station.pk])

    try:
        only_once(user_id=request.user.pk, token=form.cleaned_data["once"], do=send)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    return True


def _online(station) -> None:
    if not station.is_online:
        raise ChargerOffline


def _clear(request, station) -> str:
    number = request.POST.get("message", "")
    rows = DisplayMessage.objects.filter(station=station)
    display.clear(
        message=get_object_or_404(rows, pk=int(number) if number.isdecimal() else 0), by=request.user
    )
    return _("The message is being taken down.")


def _ask_messages(request, station) -> str:
    _online(station)
    display.ask(station=station, by=request.user)
    return _("The charger is asked for its messages; they appear here when it has answered.")


def _send_list(request, station) -> str:
    local_lists.send_all(station=station, by=request.user)
    return (
        _("The whole list is sent.") if station.is_online else _("The list is sent when the charger is back.")
    )


def _ask_list(request, station) -> str:
    _online(station)
    local_lists.ask_version(station=station, by=request.user)
    return _("The charger is asked for its list's version.")


def _ask_abilities(request, station) -> str:
    _online(station)
    abilities.ask(station=station, now=timezone.now(), by=request.user)
    return _("The charger is asked what it can do.")


def _clear_cache(request, station) -> str:
    if not local_lists.clear_caches(stations=[station], reason="by hand", by=request.user):
        raise Refused(_("This charger has no cache, or has been told already."))
    return _("The charger's cache is being cleared.")


def _codes_on(request, station) -> str:
    _online(station)
    paying.switch_on(station=station, by=request.user)
    return _("The charger is told how to make its codes.")


def _codes_off(request, station) -> str:
    paying.switch_off(station=station, by=request.user)
    return _("The charger's codes are out of use.")


DOING = {
    "clear": _clear,
    "ask-messages": _ask_messages,
    "send-list": _send_list,
    "ask-list": _ask_list,
    "ask-abilities": _ask_abilities,
    "clear-cache": _clear_cache,
    "codes-on": _codes_on,
    "codes-off": _codes_off,
}
