"""Who is in a price group."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.actions.tariffs import TariffRefused
from billing.models import Account, PriceGroup, PriceGroupMember
from evportal.accounts.models import Operator, User
from stations.models import Session


@transaction.atomic
def add(
    *, group: PriceGroup, by: User | None, email: str = "", account: Account | None = None
) -> PriceGroupMember:
    """Put a driver, or all drivers of one of the operator's fleets, into the group.

    What they were quoted and what they have begun keeps its price.
    """
    if account is not None and account.operator_id != group.operator_id:
        raise TariffRefused(_("This fleet is another operator's."))
    user = None
    if account is None:
        user = _customer(group.operator, email)
        if user is None:
            raise TariffRefused(_("Nobody with this address has charged or has a card here."))
    try:
        with transaction.atomic():
            return PriceGroupMember.objects.create(group=group, user=user, account=account, added_by=by)
    except IntegrityError:
        raise TariffRefused(_("They are in this group already.")) from None


def _customer(operator: Operator, email: str) -> User | None:
    """A driver whom the operator knows already: whether others have an account is not theirs to find out."""
    people = User.objects.filter(email__iexact=email, is_active=True)
    charged = Session.objects.filter(station__site__operator=operator, user__in=people)
    return people.filter(Q(pk__in=charged.values("user")) | Q(id_tokens__operator=operator)).first()


@transaction.atomic
def remove(*, member: PriceGroupMember) -> None:
    """From now on they pay what everybody pays; what was quoted or has begun keeps its price."""
    member.delete()
