"""The mail backend: keeps every message as a row, then hands it to the one EMAIL_URL names."""

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend

from evportal.outbox.models import SentMail


class RecordingBackend(BaseEmailBackend):
    def __init__(self, fail_silently=False, **options):
        super().__init__(fail_silently=fail_silently)
        self.real = get_connection(settings.OUTBOX_BACKEND, fail_silently=fail_silently, **options)

    def send_messages(self, messages):
        sent = self.real.send_messages(messages) or 0
        # Rows hold sign-in codes, so only the demo, whose people are not real, keeps them.
        if settings.DEMO:
            for message in messages:
                SentMail.objects.create(
                    to=", ".join(message.to),
                    sender=message.from_email,
                    subject=message.subject,
                    text=message.body,
                    attachment_names=[part[0] for part in message.attachments if isinstance(part, tuple)],
                )
        return sent
