"""Billing in the admin: tariffs get new versions here; what moved money is only looked at."""

from django import forms
from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter

from billing import admin_ledger, admin_plans, admin_provider  # noqa: F401
from billing.actions import tariffs
from billing.models import (
    Account,
    AccountDriver,
    Books,
    Cdr,
    ClosedMonth,
    DocumentEvent,
    Export,
    FeeDebt,
    HoldIncrement,
    HoldRules,
    HolidayCalendar,
    Host,
    HostShare,
    Invoice,
    InvoiceLine,
    Payment,
    PriceGroup,
    PriceGroupMember,
    Refund,
    Tariff,
    TariffAssignment,
    TariffDraft,
    TariffRules,
    TariffVersion,
    VatRegistration,
    WebhookEvent,
)
from billing.models.invoice import issued_by
from billing.pricing import Tariff as Prices
from billing.pricing import TariffError
from evportal.admin import ReadOnly, ScopedAdmin, ScopedFilter, ScopedTabular, SuperuserAdmin


class VersionInline(ScopedTabular):
    model = TariffVersion
    fields = ["number", "valid_from", "created_by", "created_at"]
    readonly_fields = fields
    ordering = ["-number"]


@admin.register(Tariff)
class TariffAdmin(ScopedAdmin):
    view_permission, change_permission = "view_money", "manage_tariffs"
    operator_path = "operator"
    inlines = [VersionInline]
    list_display = ["name", "operator", "is_active"]
    list_select_related = ["operator"]
    list_filter = [("operator", ScopedFilter), "is_active"]
    search_fields = ["name", "operator__name"]

    def get_readonly_fields(self, request, obj=None):
        return ["operator"] if obj else []


#: What an empty form begins with, so that nobody has to look up the shape.
EXAMPLE = {
    "id": "standard",
    "currency": "EUR",
    "tax_included": "NO",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.45, "vat": 19.0, "step_size": 1}]}],
}


class VersionForm(forms.ModelForm):
    class Meta:
        model = TariffVersion
        fields = ["tariff", "valid_from", "ocpi"]

    def clean(self):
        cleaned = super().clean()
        tariff, valid_from = cleaned.get("tariff"), cleaned.get("valid_from")
        if tariff and valid_from and valid_from < timezone.now() and tariff.versions.exists():
            self.add_error("valid_from", _("A price can't change for what was charged already."))
        return cleaned

    def clean_ocpi(self):
        document = self.cleaned_data["ocpi"]
        try:
            prices = Prices.from_ocpi(document)
        except TariffError as error:
            raise forms.ValidationError(str(error)) from None
        tariff = self.cleaned_data.get("tariff")
        if tariff and prices.currency != tariff.operator.currency:
            raise forms.ValidationError(
                _("The operator's currency is %(wanted)s, this tariff's is %(given)s."),
                params={"wanted": tariff.operator.currency, "given": prices.currency},
            )
        return document


@admin.register(TariffVersion)
class TariffVersionAdmin(ScopedAdmin):
    """Prices that somebody may have been shown never change; new prices are a new version."""

    view_permission, change_permission = "view_money", "manage_tariffs"
    operator_path = "tariff__operator"
    form = VersionForm
    fields = ["tariff", "valid_from", "ocpi"]
    list_display = ["tariff", "number", "valid_from", "created_by", "created_at"]
    list_select_related = ["tariff", "created_by"]
    list_filter = [("tariff", ScopedFilter)]
    search_fields = ["tariff__name"]
    date_hierarchy = "valid_from"
    autocomplete_fields = ["tariff"]

    def get_changeform_initial_data(self, request):
        return {"ocpi": EXAMPLE, **super().get_changeform_initial_data(request)}

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def save_model(self, request, obj, form, change):
        version = tariffs.publish(
            tariff=obj.tariff, ocpi=obj.ocpi, valid_from=obj.valid_from, by=request.user
        )
        obj.pk, obj.number = version.pk, version.number


class AssignmentForm(forms.ModelForm):
    class Meta:
        model = TariffAssignment
        fields = ["tariff", "site", "evse", "valid_from"]

    def clean(self):
        cleaned = super().clean()
        tariff, site, evse = (cleaned.get(name) for name in ("tariff", "site", "evse"))
        if tariff and site and tariff.operator_id != site.operator_id:
            self.add_error("tariff", _("This tariff is another operator's."))
        if site and evse and evse.station.site_id != site.pk:
            self.add_error("evse", _("This EVSE is at another site."))
        return cleaned


@admin.register(TariffAssignment)
class TariffAssignmentAdmin(ScopedAdmin):
    view_permission, change_permission = "view_money", "manage_tariffs"
    site_path = "site"
    form = AssignmentForm
    list_display = ["tariff", "site", "evse", "valid_from"]
    date_hierarchy = "valid_from"
    list_select_related = ["tariff", "site", "evse"]
    list_filter = [("tariff", ScopedFilter), ("site", ScopedFilter)]
    search_fields = ["tariff__name", "site__name", "evse__public_id"]
    autocomplete_fields = ["tariff", "site", "evse"]


@admin.register(TariffDraft)
class TariffDraftAdmin(ReadOnly, ScopedAdmin):
    """Written, approved and published on the operator's pages."""

    view_permission = "manage_tariffs"
    operator_path = "tariff__operator"
    list_display = ["tariff", "valid_from", "updated_by", "updated_at"]
    list_select_related = ["tariff", "updated_by"]
    list_filter = [("tariff", ScopedFilter)]
    search_fields = ["tariff__name"]
    date_hierarchy = "updated_at"


@admin.register(TariffRules)
class TariffRulesAdmin(ReadOnly, ScopedAdmin):
    """Nobody ends the second person's say alone, so not here either."""

    view_permission = "manage_tariffs"
    operator_path = "operator"
    list_display = ["operator", "second_person", "end_asked_by"]
    list_select_related = ["operator", "end_asked_by"]
    list_filter = ["second_person", ("operator", ScopedFilter)]
    search_fields = ["operator__name"]


class MemberInline(ScopedTabular):
    model = PriceGroupMember
    fields = ["user", "account", "added_by", "added_at"]
    readonly_fields = fields
    show_change_link = False


@admin.register(PriceGroup)
class PriceGroupAdmin(ScopedAdmin):
    view_permission = change_permission = "manage_tariffs"
    operator_path = "operator"
    inlines = [MemberInline]
    list_display = ["name", "key", "operator"]
    list_select_related = ["operator"]
    list_filter = [("operator", ScopedFilter)]
    search_fields = ["name", "key"]

    def get_readonly_fields(self, request, obj=None):
        # Tariffs name it by its key.
        return ["operator", "key"] if obj else []


@admin.register(HolidayCalendar)
class HolidayCalendarAdmin(ReadOnly, ScopedAdmin):
    view_permission = "manage_tariffs"
    operator_path = "operator"
    list_display = ["name", "operator"]
    list_select_related = ["operator"]
    list_filter = [("operator", ScopedFilter)]
    search_fields = ["name"]


@admin.register(Cdr)
class CdrAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    site_path = "session__station__site"
    list_display = ["created_at", "session", "state", "gross", "currency", "review", "priced_at"]
    list_select_related = ["session__evse"]
    list_filter = ["state", ("session__station__site", ScopedFilter), ("created_at", RangeDateTimeFilter)]
    search_fields = ["session__evse__public_id", "session__transaction_id"]
    date_hierarchy = "created_at"


class LineInline(ScopedTabular):
    model = InvoiceLine
    show_change_link = False
    fields = ["position", "text", "quantity", "unit", "unit_price", "vat_percent", "net", "tax", "gross"]
    readonly_fields = fields


@admin.register(Invoice)
class InvoiceAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"

    def scope(self, access, permission):
        return issued_by(access, permission)

    inlines = [LineInline]
    list_display = ["number", "kind", "issued_at", "site", "net", "tax", "gross", "currency"]
    list_select_related = ["site"]
    list_filter = ["kind", ("site", ScopedFilter), ("issued_at", RangeDateTimeFilter)]
    search_fields = ["number"]
    date_hierarchy = "issued_at"


class FleetDriverInline(ScopedTabular):
    model = AccountDriver
    show_change_link = False
    fields = ["user", "cost_centre"]
    autocomplete_fields = ["user"]
    extra = 1


@admin.register(Account)
class FleetAdmin(ScopedAdmin):
    """Fleets: drivers keep their own details on their own page."""

    view_permission, change_permission = "view_money", "keep_books"
    operator_path = "operator"
    inlines = [FleetDriverInline]
    fields = [
        "operator", "kind", "name", "street", "postcode", "city", "country", "vat_id", "reference", "email",
        "language", "invoicing", "on_account", "payment_days",
    ]  # fmt: skip
    list_display = ["name", "operator", "invoicing", "on_account"]
    list_select_related = ["operator"]
    list_filter = ["invoicing", ("operator", ScopedFilter)]
    search_fields = ["name", "email"]
    date_hierarchy = "created_at"
    autocomplete_fields = ["operator"]

    def get_queryset(self, request):
        return super().get_queryset(request).filter(user=None)


@admin.register(VatRegistration)
class VatRegistrationAdmin(ScopedAdmin):
    view_permission, change_permission = "view_money", "keep_books"
    operator_path = "operator"
    list_display = ["vat_id", "country", "operator"]
    list_select_related = ["operator"]
    list_filter = [("operator", ScopedFilter)]
    search_fields = ["vat_id"]
    autocomplete_fields = ["operator"]


@admin.register(Books)
class BooksAdmin(ReadOnly, ScopedAdmin):
    """Set on the page of finance's settings."""

    view_permission = "view_money"
    operator_path = "operator"
    list_display = ["operator", "time_zone", "consultant", "client"]
    list_select_related = ["operator"]
    list_filter = [("operator", ScopedFilter)]
    search_fields = ["operator__name"]


@admin.register(ClosedMonth)
class ClosedMonthAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    operator_path = "operator"
    list_display = ["month", "operator", "closed_at", "closed_by", "reopened_at", "reopened_by", "reason"]
    list_select_related = ["operator", "closed_by", "reopened_by"]
    list_filter = [("operator", ScopedFilter), ("closed_at", RangeDateTimeFilter)]
    search_fields = ["operator__name", "reason"]
    date_hierarchy = "month"


@admin.register(Host)
class HostAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    operator_path = "operator"
    list_display = ["name", "operator", "vat_id", "vat_percent"]
    list_select_related = ["operator"]
    list_filter = [("operator", ScopedFilter)]
    search_fields = ["name", "vat_id"]


@admin.register(HostShare)
class HostShareAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    operator_path = "host__operator"
    list_display = ["site", "host", "valid_from", "percent", "per_kwh"]
    list_select_related = ["site", "host"]
    list_filter = [("site", ScopedFilter)]
    search_fields = ["host__name", "site__name"]
    date_hierarchy = "valid_from"


@admin.register(Export)
class ExportAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    operator_path = "operator"
    list_display = ["created_at", "name", "state", "rows", "sha256", "created_by"]
    list_select_related = ["created_by"]
    list_filter = ["kind", "state", ("operator", ScopedFilter), ("created_at", RangeDateTimeFilter)]
    search_fields = ["name", "sha256"]
    date_hierarchy = "created_at"


@admin.register(DocumentEvent)
class DocumentEventAdmin(ReadOnly, ScopedAdmin):
    """Of the whole operator's documents: some of them are about several sites."""

    view_permission = "view_money"
    operator_path = "invoice__operator"
    list_display = ["at", "invoice", "kind", "detail", "by"]
    list_select_related = ["invoice", "by"]
    list_filter = ["kind", ("at", RangeDateTimeFilter)]
    search_fields = ["invoice__number", "detail"]
    date_hierarchy = "at"


@admin.register(Payment)
class PaymentAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    operator_path = "operator"
    list_display = [
        "created_at",
        "purpose",
        "state",
        "amount",
        "amount_captured",
        "amount_refunded",
        "currency",
    ]
    list_filter = ["state", "purpose", ("operator", ScopedFilter), ("created_at", RangeDateTimeFilter)]
    search_fields = ["id", "stripe_intent"]
    date_hierarchy = "created_at"


@admin.register(HoldRules)
class HoldRulesAdmin(ScopedAdmin):
    """What a site does before a session costs more than is held for it."""

    view_permission, change_permission = "view_money", "manage_tariffs"
    site_path = "site"
    list_display = ["site", "when_used_up", "most"]
    list_select_related = ["site"]
    list_filter = ["when_used_up", ("site", ScopedFilter)]
    search_fields = ["site__name"]
    autocomplete_fields = ["site"]


@admin.register(HoldIncrement)
class HoldIncrementAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    operator_path = "payment__operator"
    list_display = ["created_at", "payment", "before", "amount", "state", "error_code"]
    list_select_related = ["payment"]
    list_filter = ["state", ("created_at", RangeDateTimeFilter)]
    search_fields = ["payment__stripe_intent", "error_code"]
    date_hierarchy = "created_at"


@admin.register(FeeDebt)
class FeeDebtAdmin(ReadOnly, ScopedAdmin):
    """Given up on the page of what finance has to check."""

    view_permission = "view_money"
    operator_path = "operator"
    list_display = ["created_at", "booking", "amount", "currency", "state", "account", "billed_on", "reason"]
    list_select_related = ["booking__evse", "account", "billed_on"]
    list_filter = ["state", ("operator", ScopedFilter), ("created_at", RangeDateTimeFilter)]
    search_fields = ["booking__evse__public_id", "reason"]
    date_hierarchy = "created_at"


@admin.register(Refund)
class RefundAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    operator_path = "payment__operator"
    list_display = ["created_at", "payment", "amount", "reason", "state", "created_by"]
    list_select_related = ["payment", "created_by"]
    list_filter = ["state", ("created_at", RangeDateTimeFilter)]
    search_fields = ["stripe_id", "reason"]
    date_hierarchy = "created_at"


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnly, SuperuserAdmin):
    list_display = ["received_at", "type", "object_id", "effect"]
    list_filter = ["type", ("received_at", RangeDateTimeFilter)]
    search_fields = ["id", "object_id"]
    date_hierarchy = "received_at"
