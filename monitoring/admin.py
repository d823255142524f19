"""Monitoring in the admin: when an operator is told, and what it was told."""

from django.contrib import admin
from unfold.contrib.filters.admin import RangeDateTimeFilter

from evportal.admin import ReadOnly, ScopedAdmin, ScopedFilter
from monitoring.load import admin as load_admin  # noqa: F401  limits, and who has how much
from monitoring.models import Alert, Rule
from monitoring.uptime import admin as uptime_admin  # noqa: F401  outages and opening hours
from monitoring.work import admin as work_admin  # noqa: F401  jobs, teams, policies, deliveries


@admin.register(Rule)
class RuleAdmin(ScopedAdmin):
    view_permission, change_permission = "view_alerts", "manage_sites"
    operator_path = "operator"
    list_display = ["operator", "site", "kind", "minutes", "threshold", "severity", "most", "is_active"]
    list_select_related = ["operator", "site"]
    list_filter = [("operator", ScopedFilter), "kind", "is_active"]
    search_fields = ["operator__name"]

    def get_readonly_fields(self, request, obj=None):
        return ["operator", "site", "kind"] if obj else []


@admin.register(Alert)
class AlertAdmin(ReadOnly, ScopedAdmin):
    """Acknowledged at /ops/alerts/, resolved when its cause is gone."""

    view_permission = "view_alerts"
    site_path = "site"
    list_display = ["opened_at", "title", "severity", "site", "count", "acknowledged_by", "resolved_at"]
    list_select_related = ["site", "acknowledged_by"]
    list_filter = ["severity", "kind", ("site", ScopedFilter), ("opened_at", RangeDateTimeFilter)]
    search_fields = ["title", "site__name", "station__name", "station__identity"]
    date_hierarchy = "opened_at"
