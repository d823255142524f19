"""Bookings in the admin: rules and closures are set here, bookings are only looked at."""

from django.contrib import admin, messages
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import RangeDateTimeFilter

from bookings import actions, maintenance
from bookings.models import Booking, Closure, MaintenanceRule, SiteRules
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

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        maintenance.follow_site(site=obj.site, now=timezone.now())

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


@admin.register(MaintenanceRule)
class MaintenanceRuleAdmin(ScopedAdmin):
    """Each time of it is a closure that is made ahead; a change opens and closes what differs."""

    view_permission, change_permission = "view_bookings", "manage_bookings"
    site_path = "site"
    fields = ["site", "evse", "rule", "first_on", "until", "begins", "minutes", "reason"]
    list_display = ["site", "evse", "rule", "begins", "minutes", "until", "next_at"]
    list_select_related = ["site", "evse"]
    list_filter = [("site", ScopedFilter)]
    search_fields = ["site__name", "evse__public_id", "reason"]
    autocomplete_fields = ["site", "evse"]

    @admin.display(description=_("next"))
    def next_at(self, rule):
        return rule.next_at and rule.next_at.astimezone(rule.site.zone)

    def save_model(self, request, obj, form, change):
        if not change:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)
        in_the_way = maintenance.apply(rule=obj, now=timezone.now())
        if in_the_way:
            first = ", ".join(str(booking) for booking in in_the_way[:10])
            messages.warning(
                request,
                ngettext(
                    "%(n)s booking is in the way and stays until somebody moves it: %(first)s",
                    "%(n)s bookings are in the way and stay until somebody moves them: %(first)s",
                    len(in_the_way),
                )
                % {"n": len(in_the_way), "first": first},
            )


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
