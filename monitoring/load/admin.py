"""Load management in the admin: what is set is changed on the site's page, which checks it as a whole."""

from django.contrib import admin

from evportal.admin import ReadOnly, ScopedAdmin, ScopedTabular
from monitoring.load.models import LoadGroup, LoadMember, LoadSite


class Groups(ReadOnly, ScopedTabular):
    model = LoadGroup
    fields = readonly_fields = ["name", "parent", "limit_l1", "limit_l2", "limit_l3", "over_since"]
    show_change_link = False


@admin.register(LoadSite)
class LoadSiteAdmin(ReadOnly, ScopedAdmin):
    site_path = "site"
    list_display = ["site", "is_active", "mode", "margin_percent", "has_meter", "planned_at"]
    list_select_related = ["site"]
    list_filter = ["is_active", "mode"]
    search_fields = ["site__name", "site__slug"]
    inlines = [Groups]


@admin.register(LoadMember)
class LoadMemberAdmin(ReadOnly, ScopedAdmin):
    site_path = "evse__station__site"
    list_display = ["evse", "group", "given_a", "told_a", "why", "flag", "safe_default_a", "priority"]
    list_select_related = ["evse", "group"]
    list_filter = ["flag", "why", "priority"]
    search_fields = ["evse__public_id", "evse__station__name", "evse__station__site__name", "group__name"]
