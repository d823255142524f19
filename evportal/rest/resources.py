"""The base of the API's resources: each action names the permission that it needs, and sees only its rows."""

from __future__ import annotations

from django.http import Http404
from rest_framework import exceptions, permissions, viewsets

from evportal.accounts.models import ApiKey, Operator, User
from evportal.rest.idempotency import IdempotentPost
from evportal.rest.incoming import OneForm, limit_body


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
    content_negotiation_class = OneForm
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
