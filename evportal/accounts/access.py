"""Who may see and do what: the one place that turns roles into row filters.

A user's memberships (or an API key) become an `Access`: a handful of grants, each an operator, a role and
optionally a list of sites. Every queryset of views, API and admin starts from `.visible_to(access)` or
asks `access.sites("<permission>")` for a filter; nothing else decides on rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

MANAGER, TECHNICIAN, ACCOUNTANT, SUPPORT = "manager", "technician", "accountant", "support"

#: What each role may do on the rows of its operator (and sites, where the membership names some).
PERMISSIONS: dict[str, frozenset[str]] = {
    "view_ops": frozenset({MANAGER, TECHNICIAN, ACCOUNTANT, SUPPORT}),
    "view_messages": frozenset({MANAGER, TECHNICIAN, SUPPORT}),
    "command": frozenset({MANAGER, TECHNICIAN, SUPPORT}),
    "manage_sites": frozenset({MANAGER}),
    "manage_stations": frozenset({MANAGER, TECHNICIAN}),
    "manage_tokens": frozenset({MANAGER, SUPPORT}),
    "view_drivers": frozenset({MANAGER, SUPPORT}),
    "view_bookings": frozenset({MANAGER, TECHNICIAN, SUPPORT}),
    "manage_bookings": frozenset({MANAGER, SUPPORT}),
    "view_money": frozenset({MANAGER, ACCOUNTANT}),
    "refund": frozenset({MANAGER, ACCOUNTANT}),
    "keep_books": frozenset({MANAGER, ACCOUNTANT}),
    "reopen_books": frozenset({MANAGER}),
    "manage_tariffs": frozenset({MANAGER}),
    "view_alerts": frozenset({MANAGER, TECHNICIAN, SUPPORT}),
    "manage_alerts": frozenset({MANAGER, TECHNICIAN, SUPPORT}),
    "manage_members": frozenset({MANAGER}),
    "view_changes": frozenset({MANAGER}),
}


@dataclass(frozen=True)
class Grant:
    """One role at one operator; `site_ids` None means every site of the operator."""

    operator_id: int
    role: str
    site_ids: frozenset[int] | None = None


@dataclass(frozen=True)
class Access:
    """What somebody may see: their own things as a driver (`user_id`) and what their roles grant."""

    user_id: int | None = None
    grants: tuple[Grant, ...] = ()
    everything: bool = False

    @classmethod
    def of(cls, user) -> Access:
        """The access of a signed-in (or anonymous) user, from the memberships as they are now."""
        if not user.is_authenticated or not user.is_active:
            return cls()
        memberships = user.memberships.filter(is_active=True).prefetch_related("sites")
        return cls(
            user_id=user.pk,
            grants=tuple(membership.grant() for membership in memberships),
            everything=user.is_superuser,
        )

    def with_permission(self, permission: str) -> tuple[Grant, ...]:
        """The grants whose role carries the permission; an unknown permission is a programming error."""
        roles = PERMISSIONS[permission]
        return tuple(grant for grant in self.grants if grant.role in roles)

    def may(self, permission: str) -> bool:
        """Whether the permission is held anywhere at all (to show a menu, never to give out a row)."""
        return self.everything or bool(self.with_permission(permission))

    def may_at(self, permission: str, site) -> bool:
        """Whether the permission is held at this site."""
        return self.everything or any(
            grant.operator_id == site.operator_id and (grant.site_ids is None or site.pk in grant.site_ids)
            for grant in self.with_permission(permission)
        )

    def operator_ids(self, permission: str) -> set[int]:
        """Operators where the permission is held without a limit to certain sites."""
        return {grant.operator_id for grant in self.with_permission(permission) if grant.site_ids is None}

    def sites(self, permission: str, path: str = "") -> Q:
        """A filter for rows at sites where the permission is held; `path` leads from the row to its site."""
        if self.everything:
            return Q()
        prefix = f"{path}__" if path else ""
        pk = path or "pk"
        allowed = Q(pk__in=[])
        for grant in self.with_permission(permission):
            if grant.site_ids is None:
                allowed |= Q(**{f"{prefix}operator_id": grant.operator_id})
            else:
                # The operator too: a site that changed hands is not the old operator's people's any more.
                allowed |= Q(**{f"{pk}__in": grant.site_ids, f"{prefix}operator_id": grant.operator_id})
        return allowed

    def operators(self, permission: str, path: str = "operator") -> Q:
        """A filter for rows that belong to a whole operator (tariffs, tokens, invoices of all sites)."""
        if self.everything:
            return Q()
        pk = path or "pk"
        return Q(**{f"{pk}__in": self.operator_ids(permission)})
