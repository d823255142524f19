"""Outages and opening hours in the admin; what is said of an outage goes through its actions."""

from django.contrib import admin
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateTimeFilter

from evportal.admin import ReadOnly, ScopedAdmin, ScopedFilter, ScopedTabular
from monitoring.uptime import actions
from monitoring.uptime.models import Outage, OutageChange


class Changes(ReadOnly, ScopedTabular):
    model = OutageChange
    fields = readonly_fields = ["at", "by", "api_key", "before", "after"]
    show_change_link = False


@admin.register(Outage)
class OutageAdmin(ScopedAdmin):
    change_permission = "manage_stations"
    add_permission = delete_permission = ""
    site_path = "evse__station__site"
    list_display = ["begins_at", "ends_at", "evse", "site", "cause", "exclusion", "note"]
    list_select_related = ["evse__station__site"]
    list_filter = [
        "cause",
        "exclusion",
        ("evse__station__site", ScopedFilter),
        ("begins_at", RangeDateTimeFilter),
    ]
    search_fields = ["evse__public_id", "evse__station__name", "evse__station__site__name", "note"]
    date_hierarchy = "begins_at"
    fields = [
        "evse",
        "cause",
        "begins_at",
        "ends_at",
        "exclusion",
        "excluded_from",
        "excluded_until",
        "note",
    ]
    readonly_fields = ["evse", "cause", "begins_at", "ends_at"]
    inlines = [Changes]

    @admin.display(ordering="evse__station__site__name")
    def site(self, outage):
        return outage.evse.station.site

    def save_model(self, request, obj, form, change):
        said = {name: form.cleaned_data[name] for name in actions.FIELDS}
        actions.explain(outage=obj, now=timezone.now(), by=request.user, **said)
