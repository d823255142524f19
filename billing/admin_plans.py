"""Plans in the admin; subscriptions are looked at only: the provider knows what is true of them."""

from django.contrib import admin

from billing.models import Plan, PlanPeriod, PlanVersion, Subscription
from evportal.admin import ReadOnly, ScopedAdmin, ScopedFilter, ScopedTabular


class VersionInline(ScopedTabular):
    model = PlanVersion
    show_change_link = False
    fields = ["number", "fee", "vat_percent", "included_kwh", "currency", "published_at", "published_by"]
    readonly_fields = fields


@admin.register(Plan)
class PlanAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    operator_path = "operator"
    inlines = [VersionInline]
    list_display = ["name", "key", "operator", "on_sale_from", "on_sale_until"]
    list_select_related = ["operator"]
    list_filter = [("operator", ScopedFilter)]
    search_fields = ["name", "key"]
    date_hierarchy = "on_sale_from"


class PeriodInline(ScopedTabular):
    model = PlanPeriod
    show_change_link = False
    fields = ["starts_at", "ends_at", "version", "included_wh", "used_wh"]
    readonly_fields = fields


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    operator_path = "operator"
    inlines = [PeriodInline]
    list_display = ["created_at", "user", "plan", "state", "period_end", "ends_at", "operator"]
    list_select_related = ["operator", "user", "plan"]
    list_filter = ["state", ("operator", ScopedFilter)]
    search_fields = ["id", "user__email", "stripe_id"]
    date_hierarchy = "created_at"
