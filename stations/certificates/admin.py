"""Certificates in the admin: to look at; they are worked with at /ops/certificates/ and chargers' pages."""

from django.contrib import admin
from unfold.contrib.filters.admin import RangeDateTimeFilter

from evportal.admin import ReadOnly, ScopedAdmin, ScopedFilter, SuperuserAdmin
from stations.models import Authority, Certificate, InstalledCertificate, RootCertificate


@admin.register(Certificate)
class CertificateAdmin(ReadOnly, ScopedAdmin):
    site_path = "station__site"
    list_display = ["created_at", "station", "use", "status", "serial_number", "not_after", "revoked_at"]
    list_select_related = ["station__site"]
    list_filter = [
        ("station__site", ScopedFilter),
        "use",
        "status",
        ("not_after", RangeDateTimeFilter),
    ]
    search_fields = ["serial_number", "fingerprint", "common_name", "station__identity", "station__name"]
    date_hierarchy = "created_at"


@admin.register(InstalledCertificate)
class InstalledCertificateAdmin(ReadOnly, ScopedAdmin):
    site_path = "station__site"
    list_display = ["station", "kind", "serial_number", "is_child", "seen_at"]
    list_select_related = ["station__site"]
    list_filter = [("station__site", ScopedFilter), "kind"]
    search_fields = ["serial_number", "station__identity", "station__name"]
    date_hierarchy = "seen_at"


@admin.register(RootCertificate)
class RootCertificateAdmin(ReadOnly, ScopedAdmin):
    operator_path = "operator"
    list_display = ["name", "operator", "kind", "subject", "not_after", "admits_stations"]
    list_select_related = ["operator"]
    list_filter = [("operator", ScopedFilter), "kind", "admits_stations"]
    search_fields = ["name", "subject", "fingerprint"]
    date_hierarchy = "created_at"
    fields = [
        "operator",
        "kind",
        "name",
        "certificate",
        "subject",
        "fingerprint",
        "not_after",
        "admits_stations",
    ]


@admin.register(Authority)
class AuthorityAdmin(ReadOnly, SuperuserAdmin):
    """The built-in authority; its keys are shown to nobody."""

    list_display = ["subject", "purpose", "is_root", "not_after"]
    list_filter = ["purpose", "is_root"]
    search_fields = ["subject"]
    date_hierarchy = "created_at"
    fields = ["purpose", "is_root", "subject", "certificate", "not_after", "created_at"]
