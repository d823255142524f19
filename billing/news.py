"""What the operator's finance people are told, written in the transaction that it is about."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import PERMISSIONS
from evportal.accounts.models import Membership, Operator, User
from evportal.outbox import topics
from evportal.outbox.actions import notify
from evportal.outbox.topics import Topic

DISPUTES, RECONCILIATION = "finance.dispute", "finance.reconciliation"
ROLES = PERMISSIONS["keep_books"]


def keeps_books(user) -> bool:
    return user.is_superuser or user.memberships.filter(is_active=True, role__in=ROLES).exists()


def register() -> None:
    topics.register(
        Topic(DISPUTES, _("A payment is disputed"), concerns=keeps_books),
        Topic(RECONCILIATION, _("The ledger and the payment provider differ"), concerns=keeps_books),
    )


def finance_people(operator: Operator | None) -> list[User]:
    """Who sees all of the operator's books; of what is nobody's, those who run the portal."""
    if operator is None:
        return list(User.objects.filter(is_superuser=True, is_active=True))
    rows = Membership.objects.filter(
        operator=operator, role__in=ROLES, is_active=True, limited=False, user__is_active=True
    ).select_related("user")
    return list({row.user_id: row.user for row in rows}.values())


def tell_dispute(*, dispute, template: str) -> None:
    _tell(
        operator=dispute.operator,
        topic=DISPUTES,
        key=f"dispute {dispute.pk} {template.rpartition('/')[2]}",
        template=template,
        context={"dispute": dispute, "url": settings.PUBLIC_URL + reverse("fin:dispute", args=[dispute.pk])},
    )


def tell_differences(*, operator: Operator | None, day: date, differences: list, key: str) -> None:
    """`key` names what was found, so that the next comparison tells only of what is new."""
    _tell(
        operator=operator,
        topic=RECONCILIATION,
        key=f"reconciliation {key}",
        template="billing/mail/differences",
        context={
            "day": day,
            "count": len(differences),
            "differences": differences[:20],
            "url": settings.PUBLIC_URL + reverse("fin:reconciliation"),
        },
    )


def _tell(*, operator: Operator | None, topic: str, key: str, template: str, context: dict) -> None:
    for person in finance_people(operator):
        notify(
            user=person,
            topic=topic,
            key=f"{key} {person.pk}",
            template=template,
            context={**context, "person": person},
        )
