"""Price groups and who is in them; calendars of holidays."""

from __future__ import annotations

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from billing.actions import price_groups
from billing.forms_tariff import CalendarForm, GroupForm, MemberForm
from billing.models import Account, HolidayCalendar, PriceGroup, PriceGroupMember
from billing.views import scope
from billing.views.scope import needs
from billing.views.tariffs import tabs
from stations.exceptions import Refused


@needs("manage_tariffs")
@require_http_methods(["GET", "HEAD", "POST"])
def all_groups(request):
    operator = scope.operator(request, "manage_tariffs")
    form = GroupForm(request.POST or None, instance=PriceGroup(operator=operator))
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                row = form.save()
        except IntegrityError:
            form.add_error("key", _("There is a group with this key already."))
        else:
            return redirect("tariffs:group", row.pk)
    rows = PriceGroup.objects.filter(operator=operator).prefetch_related("members")
    context = {
        "title": _("Price groups"),
        "tabs": tabs(request, "tariffs:groups", operator),
        "operator": operator,
        "operators": scope.operators(request, "manage_tariffs"),
        "rows": [{"group": row, "count": len(row.members.all())} for row in rows],
        "form": form,
    }
    return render(request, "tariffs/groups.html", context, status=422 if form.errors else 200)


@needs("manage_tariffs")
@require_http_methods(["GET", "HEAD", "POST"])
def group(request, pk):
    row = get_object_or_404(
        PriceGroup.objects.visible_to(request.access, "manage_tariffs").select_related("operator"), pk=pk
    )
    fleets = Account.objects.filter(operator=row.operator)
    form = MemberForm(request.POST or None, fleets=fleets)
    if request.method == "POST" and form.is_valid():
        try:
            price_groups.add(group=row, by=request.user, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Added."))
            return redirect("tariffs:group", row.pk)
    context = {
        "title": row.name,
        "crumbs": [
            {"label": _("Price groups"), "url": f"{reverse('tariffs:groups')}?operator={row.operator.slug}"}
        ],
        "group": row,
        "members": row.members.select_related("user", "account").order_by("account__name", "user__email"),
        "form": form,
    }
    return render(request, "tariffs/group.html", context, status=422 if form.errors else 200)


@needs("manage_tariffs")
@require_POST
def remove_member(request, pk):
    mine = PriceGroupMember.objects.filter(request.access.operators("manage_tariffs", "group__operator"))
    row = get_object_or_404(mine, pk=pk)
    price_groups.remove(member=row)
    messages.success(request, _("Removed. What was quoted or has begun keeps its price."))
    return redirect("tariffs:group", row.group_id)


@needs("manage_tariffs")
@require_http_methods(["GET", "HEAD", "POST"])
def calendars(request, pk=None):
    """The list, and one calendar's form."""
    mine = HolidayCalendar.objects.visible_to(request.access, "manage_tariffs").select_related("operator")
    row = get_object_or_404(mine, pk=pk) if pk else None
    operator = row.operator if row else scope.operator(request, "manage_tariffs")
    form = CalendarForm(
        request.POST or None, initial={"name": row.name, "days": "\n".join(row.days)} if row else None
    )
    if request.method == "POST" and form.is_valid():
        saved = row or HolidayCalendar(operator=operator)
        saved.name, saved.days = form.cleaned_data["name"], form.cleaned_data["days"]
        try:
            with transaction.atomic():
                saved.save()
        except IntegrityError:
            form.add_error("name", _("There is a calendar of this name already."))
        else:
            words = _("The calendar is saved. Published prices keep the days that they have.")
            messages.success(request, words)
            return redirect(f"{reverse('tariffs:calendars')}?operator={operator.slug}")
    context = {
        "title": row.name if row else _("Holidays"),
        "tabs": tabs(request, "tariffs:calendars", operator),
        "operator": operator,
        "operators": [] if row else scope.operators(request, "manage_tariffs"),
        "rows": HolidayCalendar.objects.filter(operator=operator),
        "calendar": row,
        "form": form,
    }
    return render(request, "tariffs/calendars.html", context, status=422 if form.errors else 200)
