"""Bookings in the admin: rules and closures are set here, bookings are only looked at."""

from django.contrib import admin
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateTimeFilter

from bookings import actions
from bookings.models import Booking, Closure, SiteRules
from bookings.waitlist import admin as _waitlist  # noqa: F401  the queues' own pages
from evportal.admin import ReadOnly, ScopedAdmin, ScopedFilter
from stations.models import Evse


@admin.register(SiteRules)
class SiteRulesAdmin(ScopedAdmin):
    view_permission, change_permission = "view_bookings", "manage_sites"
    site_path = "site"
    list_display = ["site", "bookable", "slot_minutes", "min_minutes", "max_minutes", "noshow_fee"]
    list_select_related = ["site"]
    list_filter = ["bookable"]
    # Nothing acts on it yet, so nobody should think that it does.
    exclude = ["late_stop_minutes"]
    search_fields = ["site__name"]

    def get_readonly_fields(self, request, obj=None):
        return ["site"] if obj else []

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        if db_field.name == "walk_in_only":
            own = Evse.objects.visible_to(request.access, self.change_permission).select_related("station")
            rules = request.resolver_match.kwargs.get("object_id")
            kwargs["queryset"] = own.filter(station__site__booking_rules=rules) if rules else own
        return super().formfield_for_manytomany(db_field, request, **kwargs)


@admin.register(Closure)
class ClosureAdmin(ScopedAdmin):
    """Closing goes through the action that keeps bookings and closures apart."""

    view_permission, change_permission = "view_bookings", "manage_bookings"
    site_path = "evse__station__site"
    fields = ["evse", "kind", "starts_at", "ends_at", "reason"]
    list_display = ["evse", "kind", "starts_at", "ends_at", "reason", "created_by"]
    list_select_related = ["evse", "created_by"]
    list_filter = ["kind", ("evse__station__site", ScopedFilter), ("starts_at", RangeDateTimeFilter)]
    search_fields = ["evse__public_id", "reason"]
    date_hierarchy = "starts_at"
    autocomplete_fields = ["evse"]

    def has_change_permission(self, request, obj=None):
        # Another time is another closure: delete this one and enter it anew.
        return False

    def save_model(self, request, obj, form, change):
        closure = actions.close_evse(
            evse=obj.evse,
            kind=obj.kind,
            starts_at=obj.starts_at,
            ends_at=obj.ends_at,
            reason=obj.reason,
            by=request.user,
            now=timezone.now(),
        )
        obj.pk = closure.pk


@admin.register(Booking)
class BookingAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_bookings"
    site_path = "evse__station__site"
    list_display = ["starts_at", "ends_at", "evse", "status", "confirmed_at", "closed_reason"]
    list_select_related = ["evse"]
    list_filter = ["status", ("evse__station__site", ScopedFilter), ("starts_at", RangeDateTimeFilter)]
    search_fields = ["evse__public_id", "user__email"]
    date_hierarchy = "starts_at"

    def get_search_fields(self, request):
        return self.search_fields if request.access.may("view_drivers") else ["evse__public_id"]

    def get_exclude(self, request, obj=None):
        hidden = obj and not request.access.may_at("view_drivers", obj.evse.station.site)
        return ["user", "id_token"] if hidden else []
