"""The provider's books and what differs, in the admin: looked at, never changed."""

from django.contrib import admin
from unfold.contrib.filters.admin import RangeDateTimeFilter

from billing.models import BalanceTransaction, Difference, Dispute, Payout, Reconciliation
from evportal.admin import ReadOnly, ScopedAdmin, ScopedFilter, SuperuserAdmin


@admin.register(Dispute)
class DisputeAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    operator_path = "operator"
    list_display = ["opened_at", "status", "reason", "amount", "currency", "evidence_state", "due_at"]
    list_filter = ["status", "evidence_state", ("operator", ScopedFilter)]
    search_fields = ["stripe_id", "stripe_charge"]
    date_hierarchy = "opened_at"


@admin.register(BalanceTransaction)
class BalanceTransactionAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    operator_path = "operator"
    list_display = ["at", "category", "amount", "fee", "net", "currency", "source", "operator"]
    list_select_related = ["operator"]
    list_filter = ["category", ("operator", ScopedFilter), ("at", RangeDateTimeFilter)]
    search_fields = ["stripe_id", "source", "intent"]
    date_hierarchy = "at"


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    operator_path = "operator"
    list_display = ["day", "operator", "currency", "theirs", "ours", "differing", "differences", "ran_at"]
    list_select_related = ["operator"]
    list_filter = ["currency", ("operator", ScopedFilter)]
    search_fields = ["operator__name"]
    date_hierarchy = "day"


@admin.register(Difference)
class DifferenceAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    operator_path = "operator"
    list_display = ["day", "kind", "what", "object_id", "amount", "currency", "resolved_at", "reason"]
    list_filter = ["kind", "what", ("operator", ScopedFilter)]
    search_fields = ["object_id"]
    date_hierarchy = "day"


@admin.register(Payout)
class PayoutAdmin(ReadOnly, SuperuserAdmin):
    """Several operators' money may be in one."""

    list_display = ["opened_at", "arrives_at", "amount", "currency", "status", "stripe_id"]
    list_filter = ["status", ("opened_at", RangeDateTimeFilter)]
    search_fields = ["stripe_id"]
    date_hierarchy = "opened_at"
