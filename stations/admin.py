"""Stations in the admin. The message log is on the charger's page: its rows have no single key."""

import re

from django import forms
from django.contrib import admin
from django.core.validators import RegexValidator
from django.db.models import Count
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.widgets import UnfoldAdminTextInputWidget

from evportal.accounts.models import Membership
from evportal.admin import (
    PersonField,
    ReadOnly,
    ScopedAdmin,
    ScopedFilter,
    ScopedTabular,
    SuperuserAdmin,
)
from stations.models import (
    Command,
    Connector,
    Evse,
    IdToken,
    Orphan,
    PendingStation,
    Quirk,
    Reservation,
    Session,
    SignedValue,
    Site,
    Station,
)


@admin.register(Site)
class SiteAdmin(ScopedAdmin):
    view_permission, change_permission = "view_ops", "manage_sites"
    site_path = ""
    list_display = ["name", "operator", "city", "country", "time_zone", "is_public", "stations_"]
    list_select_related = ["operator"]
    list_filter = [("operator", ScopedFilter), "is_public", "country"]
    search_fields = ["name", "slug", "city", "postcode", "street"]
    date_hierarchy = "created_at"
    ordering = ["name", "pk"]
    prepopulated_fields = {"slug": ["name"]}
    filter_horizontal = ["members"]

    def has_add_permission(self, request):
        # Who is limited to some sites can't make others.
        return request.access.everything or bool(request.access.operator_ids("manage_sites"))

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(stations_count=Count("stations"))

    def get_readonly_fields(self, request, obj=None):
        return ["operator", "chargers"] if obj else []

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        if db_field.name == "members":
            # Only of the site's own operator: a site is a limit to a role, not a way into another house.
            site = request.resolver_match.kwargs.get("object_id")
            limited = Membership.objects.filter(limited=True, operator__sites=site or None)
            own = limited.filter(request.access.operators("manage_members"))
            kwargs["queryset"] = own.select_related("user", "operator")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_exclude(self, request, obj=None):
        # Who may not manage members must not lose them by saving the page.
        whole = obj is not None and request.access.operator_ids("manage_members") & {obj.operator_id}
        return [] if request.access.everything or whole else ["members"]

    @admin.display(description=_("Chargers"), ordering="stations_count")
    def stations_(self, site):
        return site.stations_count

    @admin.display(description=_("Chargers"))
    def chargers(self, site):
        url = reverse("admin:stations_station_changelist")
        return format_html('<a href="{}?site__id__exact={}">{}</a>', url, site.pk, _("Chargers of this site"))


class StationForm(forms.ModelForm):
    new_password = forms.CharField(
        label=_("New password"),
        required=False,
        min_length=16,
        max_length=40,
        validators=[
            RegexValidator(re.compile(r"\A[\x21-\x7e]+\Z"), _("Letters, digits and signs, no spaces."))
        ],
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off"}),
        help_text=_("What the charger signs in with, 16 to 40 characters. Only a hash of it is kept."),
    )

    class Meta:
        model = Station
        fields = ["site", "name", "identity", "security_profile", "registration"]

    def save(self, commit=True):
        if self.cleaned_data.get("new_password"):
            self.instance.set_password(self.cleaned_data["new_password"])
        return super().save(commit)


class EvseInline(ScopedTabular):
    model = Evse
    change_permission = "manage_stations"
    fields = ["number", "public_id", "max_power_w", "state", "state_since"]
    readonly_fields = ["state", "state_since"]


@admin.register(Station)
class StationAdmin(ScopedAdmin):
    view_permission, change_permission = "view_ops", "manage_stations"
    site_path = "site"
    form = StationForm
    inlines = [EvseInline]
    list_display = ["name", "identity", "site", "online", "ocpp_version", "model", "firmware", "last_seen_at"]
    list_select_related = ["site"]
    list_filter = [("site", ScopedFilter), "ocpp_version", "registration"]
    search_fields = ["name", "identity", "serial_number", "model", "evses__public_id"]
    date_hierarchy = "created_at"
    autocomplete_fields = ["site"]
    readonly_fields = [
        "online",
        "ocpp_version",
        "vendor",
        "model",
        "serial_number",
        "firmware",
        "connected_at",
        "disconnected_at",
        "last_seen_at",
        "booted_at",
        "pages",
    ]

    @admin.display(description=_("Connected"), boolean=True)
    def online(self, station):
        return station.is_online

    @admin.display(description=_("Live"))
    def pages(self, station):
        if station.pk is None:
            return ""
        return format_html(
            '<a href="{}">{}</a> · <a href="{}">{}</a>',
            reverse("ops:charger", args=[station.pk]),
            _("Charger's page"),
            reverse("ops:charger_messages", args=[station.pk]),
            _("Message log"),
        )


class ConnectorInline(ScopedTabular):
    model = Connector
    change_permission = "manage_stations"
    fields = ["number", "standard", "format", "power_type", "max_voltage", "max_amperage"]


@admin.register(Evse)
class EvseAdmin(ScopedAdmin):
    view_permission, change_permission = "view_ops", "manage_stations"
    site_path = "station__site"
    inlines = [ConnectorInline]
    fields = ["station", "number", "public_id", "max_power_w", "state", "state_since", "error_code"]
    readonly_fields = ["state", "state_since", "error_code"]
    list_display = ["public_id", "station", "number", "max_power_w", "state", "state_since"]
    list_select_related = ["station__site"]
    list_filter = ["state", ("station__site", ScopedFilter)]
    search_fields = ["public_id", "station__name", "station__identity"]
    autocomplete_fields = ["station"]


class IdTokenForm(forms.ModelForm):
    user = PersonField(label=_("Driver's e-mail"), required=False)

    class Meta:
        model = IdToken
        fields = ["operator", "token", "type", "status", "expires_at", "group", "label", "user"]


@admin.register(IdToken)
class IdTokenAdmin(ScopedAdmin):
    view_permission, change_permission = "view_drivers", "manage_tokens"
    operator_path = "operator"
    form = IdTokenForm
    list_display = ["token", "label", "operator", "type", "status", "user", "expires_at"]
    list_select_related = ["operator", "user"]
    list_filter = [("operator", ScopedFilter), "status", "type"]
    search_fields = ["token", "label", "group", "user__email"]
    date_hierarchy = "created_at"

    def get_readonly_fields(self, request, obj=None):
        return ["operator"] if obj else []


@admin.register(Session)
class SessionAdmin(ReadOnly, ScopedAdmin):
    site_path = "station__site"
    list_display = ["started_at", "stopped_at", "evse", "station", "energy_kwh", "stop_reason", "review"]
    list_select_related = ["evse", "station__site"]
    list_filter = [("station__site", ScopedFilter), ("started_at", RangeDateTimeFilter), "is_estimated"]
    search_fields = ["transaction_id", "evse__public_id", "station__identity", "station__name"]
    date_hierarchy = "started_at"

    def get_exclude(self, request, obj=None):
        # Who charges is not everybody's to know.
        return ["user", "token", "id_token"] if obj and not _may_know(request, obj.station.site) else []


def _may_know(request, site) -> bool:
    return request.access.may_at("view_drivers", site)


@admin.register(Command)
class CommandAdmin(ReadOnly, ScopedAdmin):
    site_path = "station__site"
    list_display = ["created_at", "action", "station", "status", "created_by", "api_key", "answered_at"]
    list_select_related = ["station__site", "created_by", "api_key"]
    list_filter = [("station__site", ScopedFilter), "status", ("created_at", RangeDateTimeFilter)]
    search_fields = ["action", "station__identity", "station__name"]
    date_hierarchy = "created_at"


@admin.register(Reservation)
class ReservationAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_drivers"
    site_path = "evse__station__site"
    list_display = ["starts_at", "ends_at", "evse", "id_token", "status"]
    list_select_related = ["evse", "id_token"]
    list_filter = ["status", ("evse__station__site", ScopedFilter)]
    search_fields = ["evse__public_id"]
    date_hierarchy = "starts_at"


@admin.register(Orphan)
class OrphanAdmin(ReadOnly, ScopedAdmin):
    """Settled at /ops/sessions/orphans/."""

    site_path = "station__site"
    list_display = ["received_at", "kind", "station", "transaction_id", "problem", "count", "resolution"]
    list_select_related = ["station__site"]
    list_filter = ["kind", "resolution", ("station__site", ScopedFilter)]
    search_fields = ["transaction_id", "station__identity", "station__name"]
    date_hierarchy = "received_at"

    def get_exclude(self, request, obj=None):
        return ["token", "payload"] if obj and not _may_know(request, obj.station.site) else []


@admin.register(SignedValue)
class SignedValueAdmin(ReadOnly, ScopedAdmin):
    site_path = "evse__station__site"
    list_display = ["at", "evse", "session", "context", "method"]
    list_select_related = ["evse", "session__evse"]
    list_filter = [("evse__station__site", ScopedFilter)]
    search_fields = ["evse__public_id", "session__transaction_id"]
    date_hierarchy = "at"


@admin.register(Quirk)
class QuirkAdmin(ScopedAdmin):
    view_permission, change_permission = "view_ops", "manage_sites"
    operator_path = "operator"
    list_display = ["__str__", "operator", "energy_unit", "power_unit", "whole_seconds", "fallback"]
    list_select_related = ["operator", "station"]
    list_filter = [("operator", ScopedFilter)]
    search_fields = ["vendor", "model", "station__identity", "station__name"]
    autocomplete_fields = ["station"]


@admin.register(PendingStation)
class PendingStationAdmin(SuperuserAdmin):
    """Operators adopt them at /ops/pending/; here they can be thrown away."""

    list_display = ["identity", "address", "subprotocols", "attempts", "first_seen_at", "last_seen_at"]
    search_fields = ["identity"]
    date_hierarchy = "last_seen_at"

    def has_add_permission(self, request):
        return False
