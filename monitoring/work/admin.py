"""Jobs and who is told, in the admin: found and read there; changed on their own pages."""

from django.contrib import admin
from unfold.contrib.filters.admin import RangeDateTimeFilter

from evportal.admin import ReadOnly, ScopedAdmin, ScopedFilter
from monitoring.notices.models import Delivery, Policy, Team
from monitoring.work.models import WorkOrder


@admin.register(WorkOrder)
class WorkOrderAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_alerts"
    site_path = "site"
    list_display = ["created_at", "title", "status", "priority", "site", "assignee", "closed_at"]
    list_select_related = ["site", "assignee"]
    list_filter = ["status", "priority", ("site", ScopedFilter), ("created_at", RangeDateTimeFilter)]
    search_fields = ["title", "cause", "site__name", "station__name", "station__identity"]
    date_hierarchy = "created_at"


class OfOperatorAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_alerts"
    operator_path = "operator"
    list_select_related = ["operator"]


@admin.register(Team)
class TeamAdmin(OfOperatorAdmin):
    list_display = ["name", "operator"]
    list_filter = [("operator", ScopedFilter)]
    search_fields = ["name"]
    fields = ["operator", "name"]


@admin.register(Policy)
class PolicyAdmin(OfOperatorAdmin):
    list_display = ["name", "operator", "is_active"]
    list_filter = [("operator", ScopedFilter), "is_active"]
    search_fields = ["name"]
    fields = ["operator", "name", "severities", "kinds", "is_active"]


@admin.register(Delivery)
class DeliveryAdmin(OfOperatorAdmin):
    list_display = ["created_at", "key", "event", "sent_at", "given_up_at", "attempts", "error"]
    list_filter = [("operator", ScopedFilter), "event", ("created_at", RangeDateTimeFilter)]
    search_fields = ["key", "error"]
    date_hierarchy = "created_at"
    fields = ["operator", "key", "event", "created_at", "next_at", "sent_at", "given_up_at", "error"]
