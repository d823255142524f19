"""Mail in the admin, for the people who run the portal: what waits, what went, what failed."""

from django.contrib import admin
from unfold.contrib.filters.admin import RangeDateTimeFilter

from evportal.admin import ReadOnly, SuperuserAdmin
from evportal.outbox.models import Mail, SentMail


@admin.register(Mail)
class MailAdmin(ReadOnly, SuperuserAdmin):
    list_display = ["created_at", "to", "subject", "sent_at", "attempts", "error"]
    list_filter = [("created_at", RangeDateTimeFilter), ("sent_at", admin.EmptyFieldListFilter)]
    search_fields = ["key", "to", "subject"]
    date_hierarchy = "created_at"


@admin.register(SentMail)
class SentMailAdmin(ReadOnly, SuperuserAdmin):
    list_display = ["sent_at", "to", "subject"]
    list_filter = [("sent_at", RangeDateTimeFilter)]
    search_fields = ["to", "subject"]
    date_hierarchy = "sent_at"
