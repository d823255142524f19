"""The link with which a guest comes back to their charge, on the page and by mail."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from billing.models import Start
from evportal.accounts import guests
from evportal.accounts.models import User
from evportal.outbox.actions import queue_mail
from evportal.outbox.models import Mail
from stations.models import Session


def link_of(user: User) -> str:
    """Leads this guest to their charge, wherever it stands."""
    return settings.PUBLIC_URL + reverse("billing:guest", args=[guests.token(user.guest)])


def mail_link(*, start: Start) -> None:
    """Once the hold stands: the browser may be closed before the charger has started."""
    user = start.user
    if not user.is_guest:
        return
    queue_mail(
        key=f"guest {start.pk}",
        to=user.mail_address,
        template="billing/mail/guest",
        context={"evse": start.evse, "site": start.evse.station.site, "url": link_of(user)},
        language=user.language,
    )


def mail_receipt(*, session: Session, key: str) -> None:
    """The link once more, to the address that came with the payment; `key` says which time it is."""
    if session.user is None:
        return
    queue_mail(
        key=f"receipt {session.pk} {key}",
        to=session.user.mail_address,
        template="billing/mail/receipt_link",
        context={"session": session, "site": session.station.site, "url": link_of(session.user)},
        language=session.user.language,
    )


def forget_mails(user: User) -> None:
    """What was sent to a guest is not kept longer than their address."""
    about = Q(key__in=[f"guest {start.pk}" for start in user.starts.all()])
    for session in user.sessions.all():
        about |= Q(key=f"free session {session.pk}") | Q(key__startswith=f"receipt {session.pk} ")
    for invoice in user.invoices.all():
        about |= Q(key=f"invoice {invoice.pk}") | Q(key__startswith=f"invoice {invoice.pk} again ")
    Mail.objects.filter(about).exclude(sent_at=None).delete()
