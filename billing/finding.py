"""Find a guest's receipt by what only they should know: their card's last digits, the day, the amount."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db.models import QuerySet

from billing.actions import guest_links
from billing.models import Payment
from stations.models import Evse, Session


@dataclass(frozen=True)
class Facts:
    """`day`: on which the charge began or ended where it was; of amount and charger at least one."""

    last4: str
    day: date
    amount: Decimal | None = None
    charger: str = ""

    @property
    def are_all_there(self) -> bool:
        return self.amount is not None and bool(self.charger)


def charges(facts: Facts) -> list[Session]:
    """The guests' charges that all of these facts are true of."""
    paid = Payment.objects.filter(
        state=Payment.State.CAPTURED, user__is_guest=True, card__last4=facts.last4, session__isnull=False
    )
    if facts.amount is not None:
        paid = paid.filter(amount_captured=facts.amount)
    if facts.charger:
        paid = paid.filter(session__evse__in=Evse.objects.for_public_id(facts.charger))
    noon = datetime(facts.day.year, facts.day.month, facts.day.day, 12, tzinfo=UTC)
    near = _with_place(paid).filter(
        stopped_at__gte=noon - timedelta(days=2), started_at__lte=noon + timedelta(days=2)
    )
    return [row for row in near if _was_on(row, facts.day)]


def _with_place(paid: QuerySet[Payment]) -> QuerySet[Session]:
    return Session.objects.with_place().select_related("user__guest").filter(payments__in=paid).distinct()


def _was_on(session: Session, day: date) -> bool:
    zone = session.station.site.zone
    return day in {at.astimezone(zone).date() for at in (session.started_at, session.stopped_at) if at}


def find(*, facts: Facts, today: date) -> Session | None:
    """Mail the link to the address that came with the payment, once a day; where none did, the charge itself.

    That is given out only if all facts are there, and true of exactly one charge.
    """
    found = charges(facts)
    nameless = []
    for session in found:
        if session.user.mail_address:
            guest_links.mail_receipt(session=session, key=str(today))
        else:
            nameless.append(session)
    return nameless[0] if facts.are_all_there and len(found) == len(nameless) == 1 else None
