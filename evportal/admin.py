"""What every admin page is built on: rows, choices and rights from the viewer's `Access`, nothing else.

Django's own permissions are not used: a membership's role decides, as everywhere in the portal.
"""

from allauth.account.decorators import secure_admin_login
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import Q
from django.http import HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.widgets import UnfoldAdminEmailInputWidget

from evportal.accounts.audit import showing
from evportal.accounts.audit.models import Change
from evportal.accounts.models import Operator, User
from stations.exceptions import Refused

#: Changes that an object's own page of them shows; the list has all.
HISTORY = 200

if admin.site.is_registered(Group):
    # Groups of Django's permissions would decide nothing here.
    admin.site.unregister(Group)
# Its own login form asks for a password alone: whoever has a second factor must show it here too.
admin.site.login = secure_admin_login(admin.site.login)


def choices(model, access, permission: str):
    """The rows of a model that somebody may point to from a row they may change."""
    manager = model._default_manager
    if access.everything:
        return manager.all()
    if model is Operator:
        return manager.filter(access.operators(permission, ""))
    # People are named by their e-mail; a list of all of them is nobody's to see.
    if model is not User and hasattr(manager, "visible_to"):
        return manager.visible_to(access, permission)
    return manager.none()


class ScopedChoices:
    """Fields that point elsewhere offer only what the viewer may see."""

    change_permission = ""

    def _scoped(self, db_field, request):
        model = db_field.remote_field.model
        if not self.change_permission:
            # Nothing is chosen where nothing can be changed.
            return model._default_manager.none()
        return choices(model, request.access, self.change_permission)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        kwargs.setdefault("queryset", self._scoped(db_field, request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        kwargs.setdefault("queryset", self._scoped(db_field, request))
        return super().formfield_for_manytomany(db_field, request, **kwargs)


class ScopedAdmin(ScopedChoices, ModelAdmin):
    """Rows of the operators (`operator_path`) or sites (`site_path`) where the viewer holds the permission.

    `change_permission` empty: nobody changes it here, not even a superuser.
    """

    view_permission = "view_ops"
    #: Adding and deleting, where it is not for everybody who may change.
    add_permission = delete_permission = None
    site_path: str | None = None
    operator_path: str | None = None

    show_full_result_count = False
    list_filter_submit = True
    list_per_page = 50
    warn_unsaved_form = True

    def scope(self, access, permission: str) -> Q:
        if self.site_path is not None:
            return access.sites(permission, self.site_path)
        return access.operators(permission, self.operator_path)

    def get_queryset(self, request):
        return super().get_queryset(request).filter(self.scope(request.access, self.view_permission))

    def _may(self, request, permission: str | None, obj) -> bool:
        if not permission or not request.access.may(permission):
            return False
        if obj is None or obj.pk is None:
            return True
        return self.model._base_manager.filter(self.scope(request.access, permission), pk=obj.pk).exists()

    def has_module_permission(self, request):
        return request.access.may(self.view_permission)

    def has_view_permission(self, request, obj=None):
        return self._may(request, self.view_permission, obj)

    def has_change_permission(self, request, obj=None):
        return self._may(request, self.change_permission, obj)

    def has_add_permission(self, request):
        return self._may(request, _first(self.add_permission, self.change_permission), None)

    def has_delete_permission(self, request, obj=None):
        return self._may(request, _first(self.delete_permission, self.change_permission), obj)

    object_history_template = "admin/history.html"

    def history_view(self, request, object_id, extra_context=None):
        changes = Change.objects.visible_to(request.access).filter(
            model=self.opts.label_lower, object_id=object_id if object_id.isdecimal() else None
        )
        rows = list(changes.select_related("by", "api_key")[:HISTORY])
        words = showing.said(rows)
        shown = [{"change": row, "who": showing.who(row), "said": words[row.pk]} for row in rows]
        return super().history_view(request, object_id, {"changes": shown, **(extra_context or {})})

    def changeform_view(self, request, *args, **kwargs):
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Refused as refusal:
            # Said by the actions that the form calls; nothing was changed.
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())


def _first(own: str | None, otherwise: str) -> str:
    return otherwise if own is None else own


class SuperuserAdmin(ModelAdmin):
    """For the people who run the portal itself."""

    show_full_result_count = False
    list_filter_submit = True

    def _is_superuser(self, request, obj=None):
        return request.user.is_active and request.user.is_superuser

    has_module_permission = has_view_permission = has_change_permission = has_delete_permission = (
        _is_superuser
    )

    def has_add_permission(self, request):
        return self._is_superuser(request)


class ReadOnly:
    """What is a record of something: shown, never changed. Goes before the admin's class."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class _Inline(ScopedChoices):
    """Rows within a page whose own admin has already decided who may be there."""

    extra = 0
    show_change_link = True

    def _may_change(self, request, obj=None):
        return bool(self.change_permission) and request.access.may(self.change_permission)

    has_add_permission = has_change_permission = has_delete_permission = _may_change

    def has_view_permission(self, request, obj=None):
        return True


class ScopedTabular(_Inline, TabularInline):
    pass


class ScopedStacked(_Inline, StackedInline):
    pass


class ScopedFilter(RelatedDropdownFilter):
    """A filter by a related row that lists only rows the viewer may see."""

    def field_choices(self, field, request, model_admin):
        rows = choices(field.remote_field.model, request.access, model_admin.view_permission)
        return [(row.pk, str(row)) for row in rows]


class PersonField(forms.EmailField):
    """Names an account by its e-mail, so that nobody has to be shown all of them."""

    widget = UnfoldAdminEmailInputWidget

    def prepare_value(self, value):
        if isinstance(value, User):
            return value.email
        if isinstance(value, int):
            return User.objects.filter(pk=value).values_list("email", flat=True).first()
        return value

    def clean(self, value):
        email = super().clean(value)
        if not email:
            return None
        person = User.objects.filter(email__iexact=email, is_active=True).first()
        if person is None:
            raise forms.ValidationError(_("Nobody has signed up with this e-mail address."))
        return person

    def has_changed(self, initial, data):
        return self.prepare_value(initial) != data
