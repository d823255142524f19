"""Write news into the outbox, within the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation

from evportal.outbox import topics
from evportal.outbox.models import Channel, ChannelMessage, Mail, Wish


def queue_mail(
    *,
    key: str,
    to: str,
    template: str,
    context: dict,
    language: str = "en",
    attachments: list | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Render `<template>.txt` (its first line is the subject) and put it into the outbox once per `key`."""
    if not is_somebody(to):
        return
    subject, text = rendered(template, context, language)
    _queue_mail(
        key=key, to=to, subject=subject, text=text, attachments=attachments or [], expires_at=expires_at
    )


def notify(
    *,
    user,
    topic: str,
    key: str,
    template: str,
    context: dict,
    attachments: list | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Tell a person by e-mail and over every channel where they want this kind of news, once per `key`.

    In the person's language; `context["url"]`, where there is one, is what a channel's message leads to.
    """
    if not is_somebody(user.mail_address):
        return
    by_mail, channels = ways(user, topic)
    if not by_mail and not channels:
        return
    subject, text = rendered(template, context, user.language)
    if by_mail:
        _queue_mail(
            key=key,
            to=user.mail_address,
            subject=subject,
            text=text,
            attachments=attachments or [],
            expires_at=expires_at,
        )
    for channel in channels:
        queue_message(
            channel=channel,
            key=f"{key} → {channel.pk}",
            title=subject,
            text=text,
            url=context.get("url", ""),
            expires_at=expires_at,
        )


def ways(user, topic: str) -> tuple[bool, list[Channel]]:
    """Whether by e-mail, and over which of the person's confirmed channels."""
    about = topics.get(topic)
    wishes = dict(Wish.objects.filter(user=user, topic=topic).values_list("channel", "wanted"))
    by_mail = about.always_mailed or wishes.get(None, about.is_on)
    channels = Channel.objects.filter(user=user, confirmed_at__isnull=False)
    return by_mail, [channel for channel in channels if wishes.get(channel.pk, about.is_on)]


def queue_message(
    *,
    channel: Channel,
    key: str,
    title: str,
    text: str,
    url: str = "",
    expires_at: datetime | None = None,
) -> None:
    from evportal.outbox.tasks import send_message

    message, is_new = ChannelMessage.objects.get_or_create(
        key=key,
        defaults={
            "channel": channel,
            "title": title,
            "text": text,
            "url": url,
            "expires_at": expires_at,
            "next_at": timezone.now(),
        },
    )
    if is_new:
        transaction.on_commit(lambda: send_message.delay(message.pk), robust=True)


def withdraw(*, key: str) -> None:
    """Take back what is no longer true and hasn't gone yet; one that is just being sent goes."""
    Mail.objects.filter(key=key, sent_at=None, claimed_at=None).delete()
    ChannelMessage.objects.filter(key__startswith=f"{key} → ", sent_at=None, attempts=0).delete()


def is_somebody(address: str) -> bool:
    """No address, or one under `.invalid` (RFC 2606): no mail can ever reach it."""
    return bool(address) and not address.endswith(".invalid")


def rendered(template: str, context: dict, language: str) -> tuple[str, str]:
    """Subject and text."""
    with translation.override(language):
        subject, _newline, text = render_to_string(f"{template}.txt", context).lstrip().partition("\n")
    return subject.strip()[:200], text.strip() + "\n"


def _queue_mail(*, key: str, **fields) -> None:
    from evportal.outbox.tasks import send_mail

    mail, is_new = Mail.objects.get_or_create(key=key, defaults=fields)
    if is_new:
        transaction.on_commit(lambda: send_mail.delay(mail.pk))
