"""`/ops/notifications/`: teams, channels, policies, one's quiet hours, and what was sent."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from monitoring.guard import ops_page
from monitoring.models import Delivery, Policy, QuietHours, Team, TeamChannel
from monitoring.notices import delivering
from monitoring.notices.forms import CHANNELS, PolicyForm, QuietHoursForm, TeamForm, own_operators
from stations.exceptions import Refused

PAGE = 50


def _crumbs():
    return [
        {"label": _("Alerts"), "url": reverse("ops:alerts")},
        {"label": _("Notifications"), "url": reverse("ops:notifications")},
    ]


@ops_page("view_alerts")
@require_http_methods(["GET", "POST"])
def notifications(request):
    """Everybody sets their own quiet hours here; teams and policies are the managers'."""
    quiet = QuietHours.objects.filter(user=request.user).first()
    if request.method == "POST" and "off" in request.POST:
        QuietHours.objects.filter(user=request.user).delete()
        messages.success(request, _("You are told at any time."))
        return redirect("ops:notifications")
    form = QuietHoursForm(request.POST or None, instance=quiet or QuietHours(user=request.user))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("ops:notifications")
    teams = Team.objects.visible_to(request.access).prefetch_related("members__user", "channels")
    policies = Policy.objects.visible_to(request.access).prefetch_related("steps__team", "sites")
    return render(
        request,
        "monitoring/notifications.html",
        {
            "title": _("Notifications"),
            "crumbs": _crumbs()[:1],
            "teams": teams,
            "policies": policies,
            "form": form,
            "quiet": quiet,
            "may_change": own_operators(request.access).exists(),
            "kinds": TeamChannel.Kind.choices,
        },
        status=422 if form.errors else 200,
    )


def _operator(request):
    """The one whose new team or policy it is; with several, the page's `operator` says which."""
    mine = own_operators(request.access)
    if slug := request.GET.get("operator"):
        return get_object_or_404(mine, slug=slug)
    found = mine.first()
    if found is None:
        raise PermissionDenied
    return found


def _page(request, form, *, title, submit, delete_url="", lede=""):
    return render(
        request,
        "monitoring/form_page.html",
        {
            "title": title,
            "lede": lede,
            "crumbs": _crumbs(),
            "form": form,
            "submit": submit,
            "cancel_url": reverse("ops:notifications"),
            "delete_url": delete_url,
            "delete_words": _("Remove it"),
        },
        status=422 if form.errors else 200,
    )


def _edit(request, pk, model, form_class, new_title, delete_name):
    found = None
    if pk is not None:
        found = get_object_or_404(model.objects.visible_to(request.access, "manage_sites"), pk=pk)
    operator = found.operator if found else _operator(request)
    form = form_class(request.POST or None, instance=found, operator=operator)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        messages.success(request, _("Saved: %s") % saved.name)
        return redirect("ops:notifications")
    return _page(
        request,
        form,
        title=found.name if found else new_title,
        lede=operator.name,
        submit=_("Save"),
        delete_url=reverse(f"ops:{delete_name}", args=[pk]) if found else "",
    )


def _delete(request, pk, model):
    found = get_object_or_404(model.objects.visible_to(request.access, "manage_sites"), pk=pk)
    words = str(found)
    found.delete()
    messages.success(request, _("Removed: %s") % words)
    return redirect("ops:notifications")


@ops_page("manage_sites")
@require_http_methods(["GET", "POST"])
def team(request, pk=None):
    return _edit(request, pk, Team, TeamForm, _("New team"), "team_delete")


@ops_page("manage_sites")
@require_POST
def team_delete(request, pk):
    return _delete(request, pk, Team)


@ops_page("manage_sites")
@require_http_methods(["GET", "POST"])
def policy(request, pk=None):
    return _edit(request, pk, Policy, PolicyForm, _("New policy"), "policy_delete")


@ops_page("manage_sites")
@require_POST
def policy_delete(request, pk):
    return _delete(request, pk, Policy)


@ops_page("manage_sites")
@require_http_methods(["GET", "POST"])
def channel_new(request, team, kind):
    found = get_object_or_404(Team.objects.visible_to(request.access, "manage_sites"), pk=team)
    if kind not in CHANNELS:
        raise Http404
    form = CHANNELS[kind](request.POST or None)
    if request.method == "POST" and form.is_valid():
        channel = form.save(team=found, by=request.user)
        messages.success(request, _("Added: %s") % channel)
        if kind == TeamChannel.Kind.WEBHOOK:
            # Shown this once; it lies sealed from now on.
            return render(
                request,
                "monitoring/webhook_secret.html",
                {"title": _("The webhook's secret"), "crumbs": _crumbs(), "secret": form.secret},
            )
        return redirect("ops:notifications")
    title = _("New channel of %s") % found.name
    return _page(request, form, title=title, submit=_("Add it"), lede=str(TeamChannel.Kind(kind).label))


@ops_page("manage_sites")
@require_POST
def channel(request, pk, what):
    """Try it, switch it on again, or remove it."""
    rows = TeamChannel.objects.visible_to(request.access, "manage_sites").select_related("team")
    found = get_object_or_404(rows, pk=pk)
    now = timezone.now()
    try:
        if what == "test":
            delivering.test(channel=found, by=request.user, now=now)
            messages.success(request, _("On its way: the log says what comes of it."))
            return redirect("ops:notification_log")
        if what == "enable":
            delivering.enable(channel=found, now=now)
            messages.success(request, _("Switched on: %s") % found)
        else:
            return _delete(request, pk, TeamChannel)
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("ops:notifications")


@ops_page("view_alerts")
def log(request):
    rows = (
        Delivery.objects.visible_to(request.access)
        .select_related("alert", "user", "channel__team")
        .prefetch_related("tries")
    )
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    count = page.paginator.count
    return render(
        request,
        "monitoring/notification_log.html",
        {
            "title": _("What was sent"),
            "crumbs": _crumbs(),
            "page": page,
            "count": ngettext("%(n)s delivery", "%(n)s deliveries", count) % {"n": count},
            "may_change": own_operators(request.access).exists(),
        },
    )


@ops_page("manage_sites")
@require_POST
def replay(request, pk):
    row = get_object_or_404(Delivery.objects.visible_to(request.access, "manage_sites"), pk=pk)
    try:
        delivering.replay(delivery=row, by=request.user, now=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Sent once more."))
    return redirect("ops:notification_log")
