"""The driver's own pages of what they are told, where and when, and of their calendars."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing.views.me import tabs
from bookings import feeds
from bookings.models import CalendarFeed, DriverChoice
from bookings.picker import length
from bookings.reminders import LEADS
from evportal.outbox import channels
from evportal.outbox.channels import ChannelRefused
from evportal.outbox.forms import FORMS, CodeForm
from evportal.outbox.models import Channel
from stations.models import Site


class ReminderForm(forms.Form):
    remind_minutes = forms.TypedChoiceField(label=gettext_lazy("Remind me"), coerce=int)
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["remind_minutes"].choices = [
            (each, _("%(time)s before") % {"time": length(each)} if each else _("Never")) for each in LEADS
        ]


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def notifications(request):
    user = request.user
    initial = {"remind_minutes": DriverChoice.minutes_of(user), "language": user.language}
    form = ReminderForm(_posted(request), initial=initial)
    choices = channels.choices(user)
    if request.method == "POST" and form.is_valid():
        DriverChoice.objects.update_or_create(
            user=user, defaults={"remind_minutes": form.cleaned_data["remind_minutes"]}
        )
        user.language = form.cleaned_data["language"]
        user.save(update_fields=["language"])
        wanted = {
            (row["topic"].name, way["channel"] and way["channel"].pk)
            for row in choices
            for way in row["ways"]
            if way["fixed"] or request.POST.get(way["name"])
        }
        channels.choose(user=user, wanted=wanted)
        messages.success(request, _("Your choices are saved."))
        return redirect("me:notifications")
    mine = Channel.objects.filter(user=user)
    context = {
        "title": _("Notifications"),
        "tabs": tabs("me:notifications"),
        "form": form,
        "choices": choices,
        "heads": [way["channel"] for way in choices[0]["ways"]] if choices else [],
        "channels": [(each, channels.last_problem(each)) for each in mine],
        "kinds": [(kind, Channel.Kind(kind).label) for kind in channels.kinds()],
    }
    return render(request, "me/notifications.html", context, status=422 if form.errors else 200)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def add_channel(request, kind):
    if kind not in channels.kinds():
        raise Http404
    form = FORMS[Channel.Kind(kind)](_posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            channel = channels.add(user=request.user, kind=kind, address=form.address(), now=timezone.now())
        except ChannelRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("me:confirm_channel", channel.pk)
    context = {
        "title": _("Add %(kind)s") % {"kind": Channel.Kind(kind).label},
        "crumbs": _crumbs(),
        "form": form,
        "submit": _("Send me a code"),
        "back": reverse("me:notifications"),
    }
    return render(request, "me/channel.html", context, status=422 if form.errors else 200)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_channel(request, channel_id):
    channel = _own(request, channel_id)
    if channel.confirmed_at:
        return redirect("me:notifications")
    form = CodeForm(_posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            channels.confirm(channel=channel, code=form.cleaned_data["code"], now=timezone.now())
        except ChannelRefused as refusal:
            form.add_error("code", str(refusal))
        else:
            messages.success(request, _("%(channel)s is used from now on.") % {"channel": channel})
            return redirect("me:notifications")
    context = {
        "title": _("Enter the code"),
        "crumbs": _crumbs(),
        "channel": channel,
        "problem": channels.last_problem(channel),
        "form": form,
        "submit": _("Confirm"),
        "back": reverse("me:notifications"),
    }
    return render(request, "me/channel.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def send_code(request, channel_id):
    channel = _own(request, channel_id)
    if not channel.confirmed_at:
        _try(request, channels.send_code, channel, _("Another code is on its way."))
    return redirect("me:confirm_channel", channel.pk)


@require_POST
@login_required
def test_channel(request, channel_id):
    channel = _own(request, channel_id)
    words = _("A test is on its way to %(channel)s.") % {"channel": channel}
    _try(request, channels.test, channel, words)
    return redirect("me:notifications")


@require_POST
@login_required
def remove_channel(request, channel_id):
    channel = _own(request, channel_id)
    messages.success(request, _("%(channel)s is removed.") % {"channel": channel})
    channel.delete()
    return redirect("me:notifications")


def _posted(request):
    """Also an empty form is one that was sent."""
    return request.POST if request.method == "POST" else None


def _try(request, action, channel: Channel, words: str) -> None:
    try:
        action(channel=channel, now=timezone.now())
    except ChannelRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, words)


def _own(request, channel_id) -> Channel:
    return get_object_or_404(Channel.objects.filter(user=request.user).select_related("user"), pk=channel_id)


def _crumbs() -> list[dict]:
    return [{"label": _("Notifications"), "url": reverse("me:notifications")}]


# Calendars


@never_cache
@login_required
@require_safe
def calendar(request):
    mine = {feed.site_id: feed for feed in CalendarFeed.objects.filter(user=request.user)}
    sites = Site.objects.filter(request.access.sites("view_bookings", "")).order_by("name")
    rows = [{"id": "", "name": _("My bookings"), "url": _url(mine.get(None))}] + [
        {"id": site.pk, "name": site.name, "url": _url(mine.get(site.pk))} for site in sites
    ]
    context = {"title": _("Calendar"), "tabs": tabs("me:calendar"), "calendars": rows}
    return render(request, "me/calendar.html", context)


def _url(feed: CalendarFeed | None) -> str:
    return feeds.url_of(feed) if feed is not None else ""


@require_POST
@login_required
def new_calendar(request):
    feeds.issue(user=request.user, site=_site(request))
    messages.success(request, _("The address is new. One that was there before no longer works."))
    return redirect("me:calendar")


@require_POST
@login_required
def end_calendar(request):
    feeds.revoke(user=request.user, site=_site(request))
    messages.success(request, _("The address no longer works."))
    return redirect("me:calendar")


def _site(request) -> Site | None:
    """A site whose bookings one may see; none named is one's own calendar."""
    site_id = request.POST.get("site", "")
    if not site_id:
        return None
    if not (site_id.isascii() and site_id.isdecimal() and len(site_id) < 18):
        raise Http404
    return get_object_or_404(Site.objects.filter(request.access.sites("view_bookings", "")), pk=site_id)
