"""Mail in the admin, for the people who run the portal: what waits, what went, what failed."""

from django.contrib import admin
from unfold.contrib.filters.admin import RangeDateTimeFilter

from evportal.admin import ReadOnly, SuperuserAdmin
from evportal.outbox.models import Channel, ChannelMessage, Mail, SentMail, Wish


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


@admin.register(ChannelMessage)
class ChannelMessageAdmin(ReadOnly, SuperuserAdmin):
    list_display = ["created_at", "channel", "title", "sent_at", "given_up_at", "attempts", "error"]
    list_select_related = ["channel"]
    list_filter = [("created_at", RangeDateTimeFilter), ("sent_at", admin.EmptyFieldListFilter)]
    search_fields = ["key", "title", "channel__user__email"]
    date_hierarchy = "created_at"


@admin.register(Channel)
class ChannelAdmin(ReadOnly, SuperuserAdmin):
    list_display = ["user", "kind", "shown", "confirmed_at", "created_at"]
    list_select_related = ["user"]
    list_filter = ["kind", ("created_at", RangeDateTimeFilter)]
    search_fields = ["user__email"]
    date_hierarchy = "created_at"


@admin.register(Wish)
class WishAdmin(ReadOnly, SuperuserAdmin):
    list_display = ["user", "topic", "channel", "wanted"]
    list_select_related = ["user", "channel"]
    list_filter = ["topic", "wanted"]
    search_fields = ["user__email"]
