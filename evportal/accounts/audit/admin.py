"""The record of changes as a list, for managers; nobody edits it."""

import pgtrigger
from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter

from evportal.accounts.audit import showing
from evportal.accounts.audit.models import Change
from evportal.accounts.audit.triggers import Recorded
from evportal.admin import ReadOnly, ScopedAdmin, ScopedFilter


class KindFilter(admin.SimpleListFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request, model_admin):
        labels = {
            model._meta.label_lower
            for model, trigger in pgtrigger.registered()
            if isinstance(trigger, Recorded)
        }
        return sorted(((label, showing.kind(label)) for label in labels), key=lambda pair: pair[1])

    def queryset(self, request, queryset):
        return queryset.filter(model=self.value()) if self.value() else queryset


@admin.register(Change)
class ChangeAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_changes"
    operator_path = "operator"
    fields = ["at", "who", "kind", "name", "action", "what", "via", "request_id"]
    readonly_fields = ["who", "kind", "what"]
    list_display = ["at", "who", "kind", "name", "action", "what"]
    list_select_related = ["by", "api_key", "operator"]
    list_filter = [KindFilter, "action", ("operator", ScopedFilter), ("at", RangeDateTimeFilter)]
    search_fields = ["name", "by__email", "via", "request_id"]
    date_hierarchy = "at"

    @admin.display(description=_("who"))
    def who(self, change):
        return showing.who(change)

    @admin.display(description=_("kind"), ordering="model")
    def kind(self, change):
        return showing.kind(change.model)

    @admin.display(description=_("from → to"))
    def what(self, change):
        said = getattr(change, "said", None)
        if said is None:
            said = showing.said([change])[change.pk]
        return format_html_join("\n", "<div>{}</div>", ((str(each),) for each in said)) or "–"

    def get_changelist_instance(self, request):
        page = super().get_changelist_instance(request)
        # Names of what is pointed to, for the whole page at once.
        rows = list(page.result_list)
        words = showing.said(rows)
        for row in rows:
            row.said = words[row.pk]
        page.result_list = rows
        return page
