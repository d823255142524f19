"""The ledger in the admin: looked at, never changed."""

from django.contrib import admin
from unfold.contrib.filters.admin import RangeDateTimeFilter

from billing.models import Entry, Journal, LedgerAccount, TopUp
from evportal.admin import ReadOnly, ScopedAdmin, ScopedFilter, ScopedTabular


class EntryInline(ScopedTabular):
    model = Entry
    show_change_link = False
    fields = ["account", "debit", "credit"]
    readonly_fields = fields


@admin.register(Journal)
class JournalAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    operator_path = "operator"
    inlines = [EntryInline]
    list_display = ["at", "kind", "reference", "amount", "currency", "operator"]
    list_select_related = ["operator"]
    list_filter = ["kind", ("operator", ScopedFilter), ("at", RangeDateTimeFilter)]
    search_fields = ["key", "reference"]
    date_hierarchy = "at"


@admin.register(LedgerAccount)
class AccountAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    operator_path = "operator"
    list_display = ["code", "get_code_display", "currency", "user", "balance", "operator"]
    list_select_related = ["operator", "user"]
    list_filter = ["code", ("operator", ScopedFilter)]
    search_fields = ["user__email"]


@admin.register(TopUp)
class TopUpAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    operator_path = "operator"
    list_display = ["created_at", "user", "amount", "currency", "state", "operator"]
    list_select_related = ["operator", "user"]
    list_filter = ["state", ("operator", ScopedFilter), ("created_at", RangeDateTimeFilter)]
    search_fields = ["id", "user__email", "stripe_intent"]
    date_hierarchy = "created_at"
