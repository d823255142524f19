"""Send what is in the outbox: at least once, and once unless a worker dies while sending."""

import logging
from datetime import timedelta

from celery import shared_task
from django.core.mail import EmailMessage
from django.db.models import F, Q
from django.utils import timezone
from django.utils.module_loading import import_string

from evportal.outbox import sending
from evportal.outbox.models import ChannelMessage, Mail

log = logging.getLogger(__name__)

CLAIM = timedelta(minutes=2)
MAX_ATTEMPTS = 20
#: A channel that doesn't answer is asked again after 1, 2, 4, … minutes.
CHANNEL_ATTEMPTS = 8

#: How an attachment is made when the mail is sent: source → function(id) → (name, content, type).
ATTACHMENTS = {
    "billing.invoice": "billing.documents.invoice_attachment",
    "bookings.ics": "bookings.ical.attachment",
    "monitoring.report": "monitoring.patterns.scheduled.attachment",
}


def still_worth(now) -> Q:
    return Q(expires_at=None) | Q(expires_at__gt=now)


@shared_task
def send_mail(mail_id: int) -> None:
    now = timezone.now()
    claimed = Mail.objects.filter(
        Q(claimed_at=None) | Q(claimed_at__lt=now - CLAIM), still_worth(now), pk=mail_id, sent_at=None
    ).update(claimed_at=now, attempts=F("attempts") + 1)
    if not claimed:
        return
    mail = Mail.objects.get(pk=mail_id)
    try:
        message = EmailMessage(mail.subject, mail.text, to=[mail.to])
        for part in mail.attachments:
            message.attach(*import_string(ATTACHMENTS[part["source"]])(part["id"]))
        message.send()
    except Exception as error:
        # The claim runs out by itself, so the sweep tries again a little later.
        log.exception("Mail %s could not be sent", mail_id)
        Mail.objects.filter(pk=mail_id).update(error=f"{type(error).__name__}: {error}"[:300])
        return
    Mail.objects.filter(pk=mail_id).update(sent_at=timezone.now(), error="")


@shared_task
def send_message(message_id: int) -> None:
    now = timezone.now()
    waiting = ChannelMessage.objects.filter(
        still_worth(now), pk=message_id, next_at__lte=now, sent_at=None, given_up_at=None
    )
    if not waiting.update(next_at=now + CLAIM, attempts=F("attempts") + 1):
        return
    message = ChannelMessage.objects.select_related("channel").get(pk=message_id)
    row = ChannelMessage.objects.filter(pk=message_id)
    channel = message.channel
    try:
        sending.send(
            kind=channel.kind,
            address=channel.address,
            title=message.title,
            text=message.text,
            url=message.url,
        )
    except Exception as error:
        is_final = isinstance(error, sending.NotSent) and error.final
        if not isinstance(error, sending.NotSent):
            log.exception("Message %s could not be sent", message_id)
        now = timezone.now()
        gone = is_final or message.attempts >= CHANNEL_ATTEMPTS
        row.update(
            # An unexpected error's words could hold the address.
            error=(str(error) if isinstance(error, sending.NotSent) else type(error).__name__)[:300],
            next_at=now + timedelta(minutes=2 ** (message.attempts - 1)),
            given_up_at=now if gone else None,
        )
        return
    row.update(sent_at=timezone.now(), error="")


@shared_task
def send_pending() -> None:
    """Whatever a lost message or a failed server left unsent."""
    now = timezone.now()
    waiting = Mail.objects.filter(
        Q(claimed_at=None, created_at__lt=now - timedelta(seconds=10)) | Q(claimed_at__lt=now - CLAIM),
        still_worth(now),
        sent_at=None,
        attempts__lt=MAX_ATTEMPTS,
    )
    for mail_id in waiting.values_list("pk", flat=True)[:200]:
        send_mail.delay(mail_id)
    messages = ChannelMessage.objects.filter(
        still_worth(now), next_at__lte=now - timedelta(seconds=10), sent_at=None, given_up_at=None
    )
    for message_id in messages.order_by("next_at").values_list("pk", flat=True)[:200]:
        send_message.delay(message_id)
