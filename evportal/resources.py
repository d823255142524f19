"""The base of the API's resources: each action names the permission that it needs, and sees only its rows."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, permissions, serializers, status, viewsets

from evportal.accounts.models import ApiKey, Operator, User
from evportal.idempotency import IdempotentPost
from evportal.rest import by_id_or


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = f"At most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024} KiB may be sent."


class HasRole(permissions.BasePermission):
    """Nobody signed in → 401; signed in without the role anywhere → 403; which rows, the queryset says."""

    def has_permission(self, request, view):
        if not (request.user and request.user.is_authenticated):
            return False
        if view.action in (None, "metadata"):
            return True  # No such method, or OPTIONS: 405 follows.
        if view.action in view.own and request.access.user_id is not None:
            return True
        return request.access.may(view.needs[view.action])


class Resource(IdempotentPost, viewsets.GenericViewSet):
    """`needs`: action → permission. `own`: actions open to any person, whose own rows are then included."""

    permission_classes = [HasRole]
    needs: dict[str, str] = {}
    own: frozenset[str] = frozenset()

    @property
    def permission(self) -> str:
        return self.needs[self.action]

    def initial(self, request, *args, **kwargs):
        limit_body(request._request)
        super().initial(request, *args, **kwargs)

    def get_queryset(self):
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        return rows.visible_to(self.request.access, self.permission)

    def get_object(self):
        if any("\x00" in str(value) for value in self.kwargs.values()):
            raise Http404
        return super().get_object()


def limit_body(request) -> None:
    """Refuse what is too large before anything reads it; the framework's own limit is only for forms."""
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    length = request.META.get("CONTENT_LENGTH") or ""
    if length:
        if not length.isdecimal() or int(length) > most:
            raise TooLarge
    elif request.META.get("HTTP_TRANSFER_ENCODING"):
        body = request.read(most + 1)
        if len(body) > most:
            raise TooLarge
        # A body sent in chunks has no length, and without one it would be taken for none.
        request._body = body
        request.META["CONTENT_LENGTH"] = str(len(body))


def operator_for(request, permission: str, slug: str = "") -> Operator:
    """Whose the new row will be: the key's operator, or the one that somebody works for."""
    mine = Operator.objects.filter(request.access.operators(permission, ""))
    if slug:
        found = mine.filter(slug=slug).first()
        if found is None:
            raise exceptions.ValidationError({"operator": "There is no such operator among yours."})
        return found
    found = list(mine[:2])
    if not found:
        raise exceptions.PermissionDenied("That takes a role for all of the operator's sites.")
    if len(found) > 1:
        raise exceptions.ValidationError({"operator": "You work for several operators: say which."})
    return found[0]


def person(request) -> User | None:
    """Who did it, where it was a person and not a key."""
    return None if isinstance(request.user, ApiKey) else request.user


@extend_schema_field(OpenApiTypes.STR)
class RowField(serializers.Field):
    """A row by its number or its name, out of those that the caller may use for this."""

    default_error_messages = {"unknown": "There is no “{value}” here."}

    def __init__(self, *, name: str, rows, shown: str = "", **kwargs):
        """`rows(access, permission)` gives the queryset to choose from."""
        self.name, self.rows, self.shown = name, rows, shown or name
        super().__init__(**kwargs)

    def to_internal_value(self, data):
        view, request = self.context["view"], self.context["request"]
        found = None
        if isinstance(data, str | int) and not isinstance(data, bool):
            found = by_id_or(self.rows(request.access, view.permission), data, self.name)
        if found is None:
            self.fail("unknown", value=str(data)[:80])
        return found

    def to_representation(self, value):
        return getattr(value, self.shown)
