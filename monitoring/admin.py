"""Monitoring in the admin: when an operator is told, and what it was told."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import RangeDateTimeFilter

from evportal.admin import ReadOnly, ScopedAdmin, ScopedFilter
from evportal.admin_actions import asks
from monitoring import message_admin  # noqa: F401  the message log
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
    actions = ["switch_on", "switch_off"]

    @asks(
        description=_("Switch the chosen rules on"),
        effect=_("From the next look on they open alerts."),
        button=_("Switch them on"),
        concerns=lambda request, rule: not rule.is_active,
    )
    def switch_on(self, request, rules):
        return self._switch(rules, True)

    @asks(
        description=_("Switch the chosen rules off"),
        effect=_("They open no alerts any more."),
        button=_("Switch them off"),
        concerns=lambda request, rule: rule.is_active,
    )
    def switch_off(self, request, rules):
        return self._switch(rules, False)

    def _switch(self, rules, is_active):
        for rule in rules:
            rule.is_active = is_active
            rule.save(update_fields=["is_active"])
        return ngettext("%(n)s rule changed.", "%(n)s rules changed.", len(rules)) % {"n": len(rules)}

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
