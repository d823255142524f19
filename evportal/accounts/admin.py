"""Accounts in the admin: an operator's details, its people and its machines' keys."""

from django import forms
from django.contrib import admin
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from evportal.accounts import guests
from evportal.accounts.audit import admin as _changes  # noqa: F401  the record of changes
from evportal.accounts.models import ApiKey, Guest, Membership, Operator, User, Vehicle
from evportal.admin import PersonField, ReadOnly, ScopedAdmin, ScopedFilter, SuperuserAdmin
from evportal.admin_actions import asks


@admin.register(Operator)
class OperatorAdmin(ScopedAdmin):
    view_permission = change_permission = "manage_members"
    operator_path = ""
    list_display = ["name", "party_id", "city", "country", "vat_id", "currency"]
    list_filter = ["country", "currency"]
    search_fields = ["name", "slug", "legal_name", "party_id"]
    date_hierarchy = "created_at"
    prepopulated_fields = {"slug": ["name"]}

    def has_add_permission(self, request):
        return request.user.is_superuser

    def has_delete_permission(self, request, obj=None):
        return request.user.is_superuser

    def get_readonly_fields(self, request, obj=None):
        # Addresses and EVSE ids that are printed on chargers rest on these.
        return [] if request.user.is_superuser else ["slug", "party_id", "currency"]

    def get_prepopulated_fields(self, request, obj=None):
        return self.prepopulated_fields if request.user.is_superuser and obj is None else {}


class MembershipForm(forms.ModelForm):
    user = PersonField(label=_("E-mail"), help_text=_("Of somebody who has signed up already."))

    class Meta:
        model = Membership
        fields = ["user", "operator", "role", "limited", "is_active"]

    def clean_user(self):
        return self.cleaned_data["user"] or self.instance.user


@admin.register(Membership)
class MembershipAdmin(ScopedAdmin):
    """Which sites a limited membership is for is chosen on the sites' own pages."""

    view_permission = change_permission = "manage_members"
    operator_path = "operator"
    form = MembershipForm
    list_display = ["user", "operator", "role", "limited", "is_active", "created_at"]
    list_select_related = ["user", "operator"]
    list_filter = [("operator", ScopedFilter), "role", "is_active"]
    search_fields = ["user__email", "user__name"]
    date_hierarchy = "created_at"
    actions = ["end_chosen", "renew_chosen"]

    @asks(
        description=_("End the chosen memberships"),
        effect=_("These people see and do nothing here any more, from now on. Your own is left alone."),
        button=_("End them"),
        concerns=lambda request, row: row.is_active and row.user_id != request.user.pk,
    )
    def end_chosen(self, request, memberships):
        return self._active(memberships, False)

    @asks(
        description=_("Renew the chosen memberships"),
        effect=_("These people have their roles again."),
        button=_("Renew them"),
        concerns=lambda request, row: not row.is_active,
    )
    def renew_chosen(self, request, memberships):
        return self._active(memberships, True)

    def _active(self, memberships, is_active):
        for row in memberships:
            row.is_active = is_active
            # One by one: open pages of theirs are told.
            row.save(update_fields=["is_active"])
        count = len(memberships)
        return ngettext("%(n)s membership changed.", "%(n)s memberships changed.", count) % {"n": count}

    def get_readonly_fields(self, request, obj=None):
        return ["operator"] if obj else []

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if not obj.user.is_staff:
            # What they see in the admin is up to the membership; this only opens its door.
            obj.user.is_staff = True
            obj.user.save(update_fields=["is_staff"])


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedAdmin):
    view_permission = change_permission = "manage_members"
    operator_path = "operator"
    fields = ["operator", "role", "name"]
    list_display = ["name", "prefix", "operator", "role", "created_by", "last_used_at", "revoked_at"]
    list_select_related = ["operator", "created_by"]
    list_filter = [("operator", ScopedFilter), "role"]
    search_fields = ["name", "prefix"]
    date_hierarchy = "created_at"
    actions = ["revoke"]

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        # Revoked keys stay, because what was done with them is recorded under them.
        return False

    def get_fields(self, request, obj=None):
        more = ["prefix", "created_by", "created_at", "last_used_at", "revoked_at"] if obj else []
        return [*self.fields, *more]

    def save_model(self, request, obj, form, change):
        key, row = ApiKey.issue(operator=obj.operator, role=obj.role, name=obj.name, created_by=request.user)
        obj.pk, obj.prefix = row.pk, row.prefix
        request.issued_key = key

    def response_add(self, request, obj, post_url_continue=None):
        """The key in the answer itself: it is kept nowhere from which a later page could show it."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("The new key"),
            "opts": self.opts,
            "api_key": request.issued_key,
            "row": obj,
        }
        response = render(request, "admin/api_key_issued.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @asks(
        description=_("Revoke the chosen keys"),
        effect=_("Whatever uses them is refused from now on. It can't be undone."),
        button=_("Revoke them"),
        concerns=lambda request, key: key.revoked_at is None,
        permissions=["view"],
    )
    def revoke(self, request, keys):
        for key in keys:
            key.revoked_at = timezone.now()
            key.save(update_fields=["revoked_at"])
        count = len(keys)
        said = ngettext("%(n)s key is no longer valid.", "%(n)s keys are no longer valid.", count)
        return said % {"n": count}


@admin.register(User)
class UserAdmin(SuperuserAdmin):
    list_display = ["who", "name", "is_active", "is_staff", "is_superuser", "date_joined", "last_login"]
    list_filter = ["is_active", "is_staff", "is_superuser", "is_guest"]
    search_fields = ["email", "name"]
    date_hierarchy = "date_joined"
    fields = [
        "email",
        "name",
        "language",
        "is_active",
        "is_staff",
        "is_superuser",
        "date_joined",
        "last_login",
    ]
    readonly_fields = ["date_joined", "last_login"]

    @admin.display(description=_("E-mail"), ordering="email")
    def who(self, user):
        """A guest has no address of their own."""
        return str(user)

    def has_add_permission(self, request):
        # People sign up themselves, so that the address is known to be theirs.
        return False


@admin.register(Guest)
class GuestAdmin(ReadOnly, SuperuserAdmin):
    """Who charged without an account: what is known of them can be removed at their wish."""

    list_display = ["user", "email", "created_at", "erased_at"]
    list_select_related = ["user"]
    list_filter = ["created_at"]
    search_fields = ["email"]
    date_hierarchy = "created_at"
    fields = ["user", "email", "created_at", "erased_at"]
    actions = ["end_links"]

    @admin.action(description=_("End all links of the chosen guests"))
    def end_links(self, request, queryset):
        for guest in queryset:
            guests.end_links(guest=guest)
        self.message_user(request, _("Their links lead nowhere any more."))


@admin.register(Vehicle)
class VehicleAdmin(SuperuserAdmin):
    list_display = ["name", "user", "connector_standard", "battery_kwh"]
    list_select_related = ["user"]
    list_filter = ["connector_standard"]
    search_fields = ["name", "plate", "user__email"]
    autocomplete_fields = ["user"]
