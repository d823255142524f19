"""Write a mail into the outbox, within the caller's transaction."""

from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation

from evportal.outbox.models import Mail


def queue_mail(
    *, key: str, to: str, template: str, context: dict, language: str = "en", attachments: list | None = None
) -> None:
    """Render `<template>.txt` (its first line is the subject) and put it into the outbox once per `key`."""
    from evportal.outbox.tasks import send_mail

    if to.endswith(".invalid"):
        return  # Stands for no person; no mail can ever reach it (RFC 2606).
    with translation.override(language):
        subject, _newline, text = render_to_string(f"{template}.txt", context).lstrip().partition("\n")
    mail, is_new = Mail.objects.get_or_create(
        key=key,
        defaults={
            "to": to,
            "subject": subject.strip()[:200],
            "text": text.strip() + "\n",
            "attachments": attachments or [],
        },
    )
    if is_new:
        transaction.on_commit(lambda: send_mail.delay(mail.pk))
