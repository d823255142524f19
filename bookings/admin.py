"""Bookings in the admin: rules and closures are set here; bookings are cancelled and moved, never edited."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Min, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from bookings import bulk, closing, maintenance
from bookings.models import Booking, Claim, Closure, MaintenanceRule, SiteRules
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


class ClosureForm(forms.ModelForm):
    """Saved only when somebody has seen which bookings are in the way, and has said what becomes of them."""

    choice = forms.ChoiceField(
        label=_("Bookings in that time"),
        choices=[("", _("Show them first")), *closing.Choice.choices],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    out_of_service = forms.BooleanField(
        label=_("Take the charger out of service too"), required=False, widget=UnfoldBooleanSwitchWidget
    )

    class Meta:
        model = Closure
        fields = ["evse", "kind", "starts_at", "ends_at", "reason"]

    def clean(self):
        data = super().clean()
        evse, starts_at, ends_at = (data.get(name) for name in ("evse", "starts_at", "ends_at"))
        if evse is None or starts_at is None or ends_at is None:
            return data
        try:
            found = closing.preview(evses=[evse], starts_at=starts_at, ends_at=ends_at, now=timezone.now())
        except closing.ClosureRefused as refused:
            raise forms.ValidationError(str(refused)) from None
        if found.is_closed_already and data.get("choice") != closing.Choice.AROUND:
            self.add_error("starts_at", str(closing.ClosedAlready.default))
        elif found.affected and not data.get("choice"):
            listed = [bulk.words(each) for each in found.affected]
            self.add_error("choice", [str(closing.BookingsInTheWay.default), *listed])
        return data


@admin.register(Closure)
class ClosureAdmin(ScopedAdmin):
    """Closing goes through the action that keeps bookings and closures apart."""

    view_permission, change_permission = "view_bookings", "manage_bookings"
    site_path = "evse__station__site"
    form = ClosureForm
    list_display = ["evse", "kind", "starts_at", "ends_at", "reason", "created_by"]
    list_select_related = ["evse", "created_by"]
    list_filter = ["kind", ("evse__station__site", ScopedFilter), ("starts_at", RangeDateTimeFilter)]
    search_fields = ["evse__public_id", "evse__station__name", "reason"]
    date_hierarchy = "starts_at"
    autocomplete_fields = ["evse"]

    def get_fields(self, request, obj=None):
        fields = ["evse", "kind", "starts_at", "ends_at", "reason"]
        return fields if obj else [*fields, "choice", "out_of_service"]

    def has_change_permission(self, request, obj=None):
        # Another time is another closure: delete this one and enter it anew.
        return False

    def save_model(self, request, obj, form, change):
        wish = form.cleaned_data
        if wish.get("out_of_service") and not request.access.may_at("command", obj.evse.station.site):
            raise PermissionDenied
        done = closing.close(
            evses=[obj.evse],
            kind=obj.kind,
            starts_at=obj.starts_at,
            ends_at=obj.ends_at,
            reason=obj.reason,
            by=request.user,
            now=timezone.now(),
            choice=wish.get("choice", ""),
            out_of_service=wish.get("out_of_service", False),
        )
        # Closed around bookings it is several; the first stands for them.
        obj.pk = done.closures[0].pk
        bulk.say(request, moved=done.moved, cancelled=done.cancelled)

    def get_deleted_objects(self, objs, request):
        shown, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        # Its claim on the time goes with it; nobody deletes that by itself.
        return shown, counts, perms_needed - {Claim._meta.verbose_name}, protected

    def delete_model(self, request, obj):
        closing.end_or_forget(closure=obj, now=timezone.now())

    def delete_queryset(self, request, queryset):
        for closure in queryset:
            closing.end_or_forget(closure=closure, now=timezone.now())


@admin.register(MaintenanceRule)
class MaintenanceRuleAdmin(ScopedAdmin):
    """Each time of it is a closure that is made ahead; a change opens and closes what differs."""

    view_permission, change_permission = "view_bookings", "manage_bookings"
    site_path = "site"
    fields = ["site", "evse", "rule", "first_on", "until", "begins", "minutes", "reason"]
    list_display = ["site", "evse", "rule", "begins", "minutes", "until", "next_at"]
    list_select_related = ["site", "evse__station"]
    list_filter = [("site", ScopedFilter)]
    search_fields = ["site__name", "evse__public_id", "reason"]
    date_hierarchy = "first_on"
    autocomplete_fields = ["site", "evse"]

    def get_queryset(self, request):
        # The next time that it closes anything; `Closure` has all of them up to the horizon.
        ahead = Q(closures__ends_at__gt=timezone.now())
        return super().get_queryset(request).annotate(next_at=Min("closures__starts_at", filter=ahead))

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
    search_fields = ["evse__public_id", "evse__station__name", "user__email"]
    date_hierarchy = "starts_at"
    actions = ["cancel_chosen", "move_chosen"]

    def get_search_fields(self, request):
        by_place = ["evse__public_id", "evse__station__name"]
        return self.search_fields if request.access.may("view_drivers") else by_place

    def get_exclude(self, request, obj=None):
        hidden = obj and not request.access.may_at("view_drivers", obj.evse.station.site)
        return ["user", "id_token"] if hidden else []

    def has_manage_permission(self, request):
        """Who finds the actions in the list; `bulk` asks again for each booking's site."""
        return request.access.may("manage_bookings")

    @admin.action(description=_("Cancel the chosen bookings"), permissions=["manage"])
    def cancel_chosen(self, request, queryset):
        return bulk.ask_or_do(self, request, queryset, action="cancel_chosen", move=False)

    @admin.action(description=_("Move the chosen bookings to equivalent chargers"), permissions=["manage"])
    def move_chosen(self, request, queryset):
        return bulk.ask_or_do(self, request, queryset, action="move_chosen", move=True)


@admin.register(Claim)
class ClaimAdmin(ReadOnly, ScopedAdmin):
    """Whose an EVSE's time is: what the database keeps from overlapping."""

    view_permission = "view_bookings"
    site_path = "evse__station__site"
    list_display = ["evse", "period", "booking", "closure"]
    list_select_related = ["evse", "booking__evse", "closure__evse"]
    list_filter = [("evse__station__site", ScopedFilter)]
    search_fields = ["evse__public_id", "evse__station__name"]
