"""What a subscriber is told, written in the transaction that it is about."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from billing.models import Subscription
from evportal.outbox import topics
from evportal.outbox.actions import notify
from evportal.outbox.topics import Topic

TOPIC = "billing.plan"


def register() -> None:
    topics.register(
        Topic(
            TOPIC,
            _("My plan: failed payments, its end, another fee"),
            always_mailed=True,
            concerns=_subscribes,
        )
    )


def _subscribes(user) -> bool:
    return Subscription.objects.of_driver(user).exists()


def tell_payment_failed(*, row: Subscription) -> None:
    _tell(
        row, f"unpaid {row.past_due_since:%Y-%m-%d %H:%M}", "billing/mail/plan_unpaid", until=row.grace_until
    )


def tell_ended(*, row: Subscription) -> None:
    _tell(row, "ended", "billing/mail/plan_ended", unpaid=row.past_due_since is not None)


def tell_new_terms(*, row: Subscription, begins: datetime | None) -> None:
    """`begins` is the renewal from which they hold."""
    _tell(
        row,
        f"terms {row.noticed_id}",
        "billing/mail/plan_terms",
        version=row.noticed,
        new_fee=row.noticed.fee_for(row.next_category),
        begins=begins,
    )


def _tell(row: Subscription, key: str, template: str, **context) -> None:
    if row.user is None:
        return
    notify(
        user=row.user,
        topic=TOPIC,
        key=f"plan {row.pk} {key}",
        template=template,
        context={
            "subscription": row,
            "plan": row.plan,
            "operator": row.operator,
            "url": settings.PUBLIC_URL + reverse("me:plan"),
            **context,
        },
    )
