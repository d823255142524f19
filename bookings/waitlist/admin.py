"""The queues in the admin: who waits where, since when, and what they were offered."""

from django.contrib import admin, messages
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import RangeDateTimeFilter

from bookings.models import Offer, WaitlistPlace
from bookings.waitlist import actions
from evportal.admin import ReadOnly, ScopedAdmin, ScopedFilter


@admin.register(WaitlistPlace)
class WaitlistPlaceAdmin(ReadOnly, ScopedAdmin):
    """In the order of the queue; a driver may be taken out of it, never moved up."""

    view_permission = "view_bookings"
    site_path = "site"
    list_display = ["site", "queued_at", "state", "starts_after", "ends_before", "minutes", "paused_until"]
    list_select_related = ["site"]
    list_filter = ["state", ("site", ScopedFilter), ("queued_at", RangeDateTimeFilter)]
    search_fields = ["site__name", "user__email"]
    date_hierarchy = "queued_at"
    ordering = ["site", "queued_at"]
    actions = ["take_out"]

    def get_search_fields(self, request):
        return self.search_fields if request.access.may("view_drivers") else ["site__name"]

    def get_exclude(self, request, obj=None):
        return ["user"] if obj and not request.access.may_at("view_drivers", obj.site) else []

    def has_take_out_permission(self, request):
        return request.access.may("manage_bookings")

    @admin.action(description=_("Take out of the queue"), permissions=["take_out"])
    def take_out(self, request, queryset):
        mine = queryset.filter(request.access.sites("manage_bookings", "site")).open()
        count = 0
        for place in mine:
            actions.leave(place=place, now=timezone.now())
            count += 1
        words = ngettext("%(n)s place is closed.", "%(n)s places are closed.", count) % {"n": count}
        self.message_user(request, words, messages.SUCCESS)


@admin.register(Offer)
class OfferAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_bookings"
    site_path = "place__site"
    list_display = ["made_at", "place", "booking", "state", "expires_at", "answered_at"]
    list_select_related = ["place__site", "booking__evse"]
    list_filter = ["state", ("place__site", ScopedFilter), ("made_at", RangeDateTimeFilter)]
    search_fields = ["place__site__name"]
    date_hierarchy = "made_at"
