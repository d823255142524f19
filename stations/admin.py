"""Stations in the admin. The message log is monitoring's, which pairs requests with replies."""

import re

from django import forms
from django.contrib import admin, messages
from django.core.validators import RegexValidator
from django.db.models import Count
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
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
from evportal.admin_actions import asks
from stations import local_lists, profiles, registration, signed_checks
from stations.configuration import credentials
from stations.importing.pages import ImportPages
from stations.labels.pages import LabelAction
from stations.models import (
    AvailabilityPlan,
    BulkCommand,
    Campaign,
    ChargingProfile,
    Command,
    ConfigurationRun,
    ConfigurationTemplate,
    Connector,
    DefaultMonitor,
    DerControl,
    Event,
    Evse,
    FirmwareImage,
    FirmwareUpdate,
    IdToken,
    InstalledProfile,
    LogRequest,
    MeterKey,
    Monitor,
    Orphan,
    PendingStation,
    Quirk,
    Reservation,
    Session,
    Setting,
    Settlement,
    SignedCheck,
    SignedValue,
    Site,
    Station,
    TokenRules,
)


@admin.register(Site)
class SiteAdmin(LabelAction, ScopedAdmin):
    evses_of = "station__site"
    actions = ["show_chosen", "hide_chosen", "qr_sheet"]
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

    @asks(
        description=_("Show the chosen sites to drivers"),
        effect=_("Drivers find them, and may charge and book there."),
        button=_("Show them"),
        concerns=lambda request, site: not site.is_public,
    )
    def show_chosen(self, request, sites):
        return self._public(sites, True)

    @asks(
        description=_("Hide the chosen sites from drivers"),
        effect=_("Drivers find them no more. What is booked stays booked."),
        button=_("Hide them"),
        concerns=lambda request, site: site.is_public,
    )
    def hide_chosen(self, request, sites):
        return self._public(sites, False)

    def _public(self, sites, is_public):
        for site in sites:
            site.is_public = is_public
            site.save(update_fields=["is_public"])
        return ngettext("%(n)s site changed.", "%(n)s sites changed.", len(sites)) % {"n": len(sites)}

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
class StationAdmin(ImportPages, LabelAction, ScopedAdmin):
    evses_of = "station"
    actions = ["accept_chosen", "reject_chosen", "qr_sheet"]
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

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if change and "registration" in form.changed_data:
            registration.tell(station=obj, by=request.user)
        if form.cleaned_data.get("new_password"):
            credentials.forget(station=obj)

    @asks(
        description=_("Accept the chosen chargers"),
        effect=_("They may work here; those that are connected are told at once."),
        button=_("Accept them"),
        concerns=lambda request, station: station.registration != Station.Registration.ACCEPTED,
    )
    def accept_chosen(self, request, stations):
        return self._register(request, stations, Station.Registration.ACCEPTED)

    @asks(
        description=_("Reject the chosen chargers"),
        effect=_("They are refused: nobody can charge there. Sessions that run are kept to their end."),
        button=_("Reject them"),
        concerns=lambda request, station: station.registration != Station.Registration.REJECTED,
    )
    def reject_chosen(self, request, stations):
        return self._register(request, stations, Station.Registration.REJECTED)

    def _register(self, request, stations, wanted):
        for station in stations:
            registration.register(station=station, registration=wanted, by=request.user)
        count = len(stations)
        return ngettext("%(n)s charger changed.", "%(n)s chargers changed.", count) % {"n": count}

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
class EvseAdmin(LabelAction, ScopedAdmin):
    actions = ["qr_sheet"]
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
        fields = [
            "operator",
            "token",
            "type",
            "status",
            "expires_at",
            "group",
            "label",
            "user",
            "on_local_list",
            "concurrent_allowed",
            "sites",
            "evses",
            "priority",
            "language",
            "second_language",
            "message",
        ]

    def clean(self):
        data = super().clean()
        operator = data.get("operator")
        owner = self.instance.operator_id or (operator.pk if operator else None)
        foreign = [site for site in data.get("sites") or [] if site.operator_id != owner]
        foreign += [evse for evse in data.get("evses") or [] if evse.station.site.operator_id != owner]
        if foreign:
            raise forms.ValidationError(_("A token can only be limited to places of its own operator."))
        return data


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
    filter_horizontal = ["sites", "evses"]
    actions = ["block_chosen", "accept_chosen"]

    @asks(
        description=_("Block the chosen tokens"),
        effect=_("They start nothing any more, at chargers with a list of their own too."),
        button=_("Block them"),
        concerns=lambda request, token: token.status != IdToken.Status.BLOCKED,
    )
    def block_chosen(self, request, tokens):
        return self._set(tokens, IdToken.Status.BLOCKED)

    @asks(
        description=_("Accept the chosen tokens"),
        effect=_("They may charge."),
        button=_("Accept them"),
        concerns=lambda request, token: token.status != IdToken.Status.ACCEPTED,
    )
    def accept_chosen(self, request, tokens):
        return self._set(tokens, IdToken.Status.ACCEPTED)

    def _set(self, tokens, status):
        for token in tokens:
            token.status = status
            token.save(update_fields=["status"])
        for operator_id in {token.operator_id for token in tokens}:
            local_lists.tokens_changed(operator_id=operator_id)
        return ngettext("%(n)s token changed.", "%(n)s tokens changed.", len(tokens)) % {"n": len(tokens)}

    def get_readonly_fields(self, request, obj=None):
        return ["operator"] if obj else []

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        local_lists.tokens_changed(operator_id=obj.operator_id)

    def delete_model(self, request, obj):
        super().delete_model(request, obj)
        local_lists.tokens_changed(operator_id=obj.operator_id)


@admin.register(TokenRules)
class TokenRulesAdmin(ScopedAdmin):
    view_permission, change_permission = "view_drivers", "manage_tokens"
    operator_path = "operator"
    list_display = ["operator", "local_list", "concurrent_allowed", "master_group", "show_cost"]
    list_select_related = ["operator"]
    list_filter = [("operator", ScopedFilter), "local_list"]
    search_fields = ["operator__name"]

    def get_readonly_fields(self, request, obj=None):
        return ["operator"] if obj else []

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        local_lists.tokens_changed(operator_id=obj.operator_id)


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


@admin.register(AvailabilityPlan)
class AvailabilityPlanAdmin(ReadOnly, ScopedAdmin):
    """Made and ended on the charger's page, because the charger must be told."""

    site_path = "station__site"
    list_display = ["starts_at", "ends_at", "station", "evse", "connector", "state", "created_by"]
    list_select_related = ["station__site", "evse", "connector", "created_by"]
    list_filter = [("station__site", ScopedFilter), "state", ("starts_at", RangeDateTimeFilter)]
    search_fields = ["reason", "station__identity", "station__name"]
    date_hierarchy = "starts_at"


@admin.register(BulkCommand)
class BulkCommandAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_messages"
    operator_path = "operator"
    list_display = ["created_at", "what", "operator", "created_by", "api_key", "told", "told_at"]
    list_select_related = ["operator", "created_by", "api_key"]
    list_filter = [("operator", ScopedFilter), ("created_at", RangeDateTimeFilter)]
    search_fields = ["what"]
    date_hierarchy = "created_at"


@admin.register(Event)
class EventAdmin(ReadOnly, ScopedAdmin):
    site_path = "station__site"
    list_display = ["received_at", "code", "severity", "kind", "station", "evse", "text", "is_cleared"]
    list_select_related = ["station__site", "evse"]
    list_filter = [
        "kind",
        "severity",
        "is_cleared",
        ("station__site", ScopedFilter),
        ("received_at", RangeDateTimeFilter),
    ]
    search_fields = ["code", "text", "station__identity", "station__name"]
    date_hierarchy = "received_at"


class ChargingProfileForm(forms.ModelForm):
    class Meta:
        model = ChargingProfile
        fields = ["operator", "description", "profile"]

    def clean_profile(self):
        profile = self.cleaned_data["profile"]
        if not isinstance(profile, dict):
            raise forms.ValidationError(_("Write a JSON object."))
        if wrong := profiles.problem(profile):
            raise forms.ValidationError(wrong)
        return profiles.bare(profile)


@admin.register(ChargingProfile)
class ChargingProfileAdmin(ScopedAdmin):
    """Profiles by name; they are sent at /ops/chargers/…/profiles/ or by the API."""

    view_permission, change_permission = "view_ops", "manage_sites"
    operator_path = "operator"
    form = ChargingProfileForm
    list_display = ["description", "operator", "versions", "created_at"]
    list_select_related = ["operator"]
    list_filter = [("operator", ScopedFilter)]
    search_fields = ["description"]
    date_hierarchy = "created_at"

    @admin.display(description=_("For OCPP"))
    def versions(self, row):
        return ", ".join(profiles.versions(row.profile)) or "–"

    def get_readonly_fields(self, request, obj=None):
        return ["operator"] if obj else []


@admin.register(InstalledProfile)
class InstalledProfileAdmin(ReadOnly, ScopedAdmin):
    """Set and cleared at /ops/chargers/…/profiles/."""

    site_path = "station__site"
    list_display = ["sent_at", "profile_id", "purpose", "station", "evse", "limit_w", "source", "state"]
    list_select_related = ["station__site", "evse"]
    list_filter = ["state", "purpose", "source", ("station__site", ScopedFilter)]
    search_fields = ["profile_id", "station__identity", "station__name"]
    date_hierarchy = "sent_at"


@admin.register(Monitor)
class MonitorAdmin(ReadOnly, ScopedAdmin):
    """Set and cleared at /ops/chargers/…/monitors/."""

    site_path = "station__site"
    list_display = ["component", "variable", "type", "value", "severity", "station", "evse", "state"]
    list_select_related = ["station__site", "evse"]
    list_filter = ["state", "type", ("station__site", ScopedFilter)]
    search_fields = ["component", "variable", "station__identity", "station__name"]
    date_hierarchy = "changed_at"


@admin.register(DefaultMonitor)
class DefaultMonitorAdmin(ScopedAdmin):
    """Given to every station that can monitor; without rows here, the usual ones are."""

    view_permission, change_permission = "view_ops", "manage_sites"
    operator_path = "operator"
    list_display = ["component", "variable", "type", "value", "severity", "per_evse", "operator"]
    list_select_related = ["operator"]
    list_filter = [("operator", ScopedFilter), "type"]
    search_fields = ["component", "variable"]

    def get_readonly_fields(self, request, obj=None):
        return ["operator"] if obj else []


@admin.register(DerControl)
class DerControlAdmin(ReadOnly, ScopedAdmin):
    site_path = "station__site"
    list_display = ["updated_at", "control_type", "control_id", "station", "is_default", "is_running"]
    list_select_related = ["station__site"]
    list_filter = ["control_type", ("station__site", ScopedFilter)]
    search_fields = ["control_id", "station__identity", "station__name"]
    date_hierarchy = "updated_at"


@admin.register(ConfigurationTemplate)
class ConfigurationTemplateAdmin(ScopedAdmin):
    """Applied on /ops/configuration/."""

    view_permission, change_permission = "view_messages", "manage_stations"
    operator_path = "operator"
    list_display = ["name", "operator", "protocol", "vendor", "model", "firmware", "position", "is_active"]
    list_select_related = ["operator"]
    list_filter = [("operator", ScopedFilter), "protocol", "is_active"]
    search_fields = ["name", "vendor", "model"]
    date_hierarchy = "changed_at"

    def get_readonly_fields(self, request, obj=None):
        return ["operator"] if obj else []


@admin.register(ConfigurationRun)
class ConfigurationRunAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_messages"
    site_path = "station__site"
    list_display = ["created_at", "kind", "station", "status", "created_by", "api_key", "finished_at"]
    list_select_related = ["station__site", "created_by", "api_key"]
    list_filter = [("station__site", ScopedFilter), "kind", "status", ("created_at", RangeDateTimeFilter)]
    search_fields = ["station__identity", "station__name"]
    date_hierarchy = "created_at"


@admin.register(Setting)
class SettingAdmin(ReadOnly, ScopedAdmin):
    """As chargers told them; changed on the charger's page."""

    view_permission = "view_messages"
    site_path = "station__site"
    list_display = ["path", "value", "station", "mutability", "refusal", "read_at"]
    list_select_related = ["station__site"]
    list_filter = [("station__site", ScopedFilter), "mutability"]
    search_fields = ["path", "value", "station__identity", "station__name"]
    date_hierarchy = "read_at"


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


@admin.register(MeterKey)
class MeterKeyAdmin(ScopedAdmin):
    """What is entered here is trusted; what the charger told waits for “Confirm”."""

    view_permission, change_permission = "view_ops", "manage_stations"
    site_path = "evse__station__site"
    list_display = ["evse", "status", "curve", "short", "note", "created_at", "confirmed_by"]
    list_select_related = ["evse", "confirmed_by"]
    list_filter = ["status", ("evse__station__site", ScopedFilter)]
    search_fields = ["evse__public_id", "evse__station__name", "fingerprint", "note"]
    date_hierarchy = "created_at"
    autocomplete_fields = ["evse"]
    readonly_fields = ["status", "fingerprint", "created_at", "confirmed_by"]
    fields = ["evse", "key", "note", "status", "fingerprint", "created_at", "confirmed_by"]
    actions = ["confirm_chosen", "retire_chosen"]

    def get_readonly_fields(self, request, obj=None):
        return [*self.readonly_fields, *(["evse", "key"] if obj else [])]

    def has_delete_permission(self, request, obj=None):
        # Verdicts name it; what is not believed any more is retired.
        return False

    def has_manage_permission(self, request):
        return request.access.may(self.change_permission)

    @admin.display(description=_("fingerprint"))
    def short(self, key):
        return key.fingerprint[:16]

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if not change:
            signed_checks.confirm_key(key=obj, by=request.user)

    @admin.action(description=_("Confirm the chosen keys"), permissions=["manage"])
    def confirm_chosen(self, request, queryset):
        self._each(request, queryset, signed_checks.confirm_key)

    @admin.action(description=_("Retire the chosen keys"), permissions=["manage"])
    def retire_chosen(self, request, queryset):
        self._each(request, queryset, signed_checks.retire_key)

    def _each(self, request, queryset, action):
        mine = queryset.filter(self.scope(request.access, self.change_permission))
        for key in mine:
            action(key=key, by=request.user)
        messages.success(request, _("Done for %(n)s keys.") % {"n": len(mine)})


@admin.register(SignedCheck)
class SignedCheckAdmin(ReadOnly, ScopedAdmin):
    site_path = "session__station__site"
    list_display = ["checked_at", "session", "verdict", "reason_words", "is_held", "meter_serial"]
    list_select_related = ["session__evse"]
    list_filter = [
        "verdict",
        "is_held",
        ("session__station__site", ScopedFilter),
        ("checked_at", RangeDateTimeFilter),
    ]
    search_fields = ["session__transaction_id", "session__evse__public_id", "meter_serial"]
    date_hierarchy = "checked_at"


@admin.register(Quirk)
class QuirkAdmin(ScopedAdmin):
    view_permission, change_permission = "view_ops", "manage_sites"
    operator_path = "operator"
    list_display = ["__str__", "operator", "energy_unit", "power_unit", "whole_seconds", "fallback"]
    list_select_related = ["operator", "station"]
    list_filter = [("operator", ScopedFilter)]
    search_fields = ["vendor", "model", "station__identity", "station__name"]
    autocomplete_fields = ["station"]


@admin.register(FirmwareImage)
class FirmwareImageAdmin(ReadOnly, ScopedAdmin):
    """They are taken in at /ops/firmware/, where the file is measured and its signature looked at."""

    operator_path = "operator"
    exclude = ["file"]
    list_display = ["vendor", "model_pattern", "version", "operator", "size", "is_retired", "created_at"]
    list_select_related = ["operator"]
    list_filter = [("operator", ScopedFilter), "is_retired"]
    search_fields = ["vendor", "model_pattern", "version", "name"]
    date_hierarchy = "created_at"


@admin.register(FirmwareUpdate)
class FirmwareUpdateAdmin(ReadOnly, ScopedAdmin):
    site_path = "station__site"
    list_display = ["created_at", "station", "image", "from_version", "state", "state_at", "problem"]
    list_select_related = ["station__site", "image"]
    list_filter = ["state", ("station__site", ScopedFilter)]
    search_fields = ["station__identity", "station__name", "image__version"]
    date_hierarchy = "created_at"


@admin.register(Campaign)
class CampaignAdmin(ReadOnly, ScopedAdmin):
    operator_path = "operator"
    list_display = ["name", "image", "operator", "state", "starts_at", "wave", "ended_at"]
    list_select_related = ["image", "operator"]
    list_filter = [("operator", ScopedFilter), "state"]
    search_fields = ["name", "image__version"]
    date_hierarchy = "starts_at"


@admin.register(LogRequest)
class LogRequestAdmin(ReadOnly, ScopedAdmin):
    """What came of it is downloaded on the charger's page."""

    view_permission = "view_messages"
    site_path = "station__site"
    exclude = ["file"]
    list_display = ["created_at", "station", "kind", "state", "name", "size", "received_at"]
    list_select_related = ["station__site"]
    list_filter = ["kind", "state", ("station__site", ScopedFilter)]
    search_fields = ["station__identity", "station__name", "name"]
    date_hierarchy = "created_at"


@admin.register(PendingStation)
class PendingStationAdmin(SuperuserAdmin):
    """Operators adopt them at /ops/pending/; here they can be thrown away."""

    list_display = ["identity", "address", "subprotocols", "attempts", "first_seen_at", "last_seen_at"]
    list_filter = [("last_seen_at", RangeDateTimeFilter)]
    search_fields = ["identity", "address"]
    date_hierarchy = "last_seen_at"

    def has_add_permission(self, request):
        return False


# A topic with pages of its own.
import stations.certificates.admin  # noqa: E402, F401


@admin.register(Settlement)
class SettlementAdmin(ReadOnly, ScopedAdmin):
    view_permission = "view_money"
    site_path = "station__site"
    list_display = ["received_at", "station", "status", "amount", "psp_ref", "session"]
    list_select_related = ["station__site", "session__evse"]
    list_filter = [("station__site", ScopedFilter), "status", ("received_at", RangeDateTimeFilter)]
    search_fields = ["psp_ref", "transaction_id", "receipt_id"]
    date_hierarchy = "received_at"
