"""Send what is in the outbox: at least once, and once unless a worker dies while sending."""

import logging
from datetime import timedelta

from celery import shared_task
from django.core.mail import EmailMessage
from django.db.models import F, Q
from django.utils import timezone
from django.utils.module_loading import import_string

from evportal.outbox.models import Mail

log = logging.getLogger(__name__)

CLAIM = timedelta(minutes=2)
MAX_ATTEMPTS = 20

#: How an attachment is made when the mail is sent: source → function(id) → (name, content, type).
ATTACHMENTS = {
    "billing.invoice": "billing.documents.invoice_attachment",
    "bookings.ics": "bookings.ical.attachment",
    "monitoring.report": "monitoring.patterns.scheduled.attachment",
}


@shared_task
def send_mail(mail_id: int) -> None:
    now = timezone.now()
    claimed = Mail.objects.filter(
        Q(claimed_at=None) | Q(claimed_at__lt=now - CLAIM), pk=mail_id, sent_at=None
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
def send_pending() -> None:
    """Whatever a lost message or a failed server left unsent."""
    now = timezone.now()
    waiting = Mail.objects.filter(
        Q(claimed_at=None, created_at__lt=now - timedelta(seconds=10)) | Q(claimed_at__lt=now - CLAIM),
        sent_at=None,
        attempts__lt=MAX_ATTEMPTS,
    )
    for mail_id in waiting.values_list("pk", flat=True)[:200]:
        send_mail.delay(mail_id)
