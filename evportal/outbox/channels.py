"""Add a channel, prove that it is one's own, try it, remove it; and choose which news go where."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evportal.outbox import guard, sending, topics
from evportal.outbox.actions import queue_message
from evportal.outbox.models import Channel, ChannelMessage, Wish

MOST = 8
#: Codes and tests that one person may have sent in an hour, so that nobody is bothered through us.
TESTS_AN_HOUR = 6
CODE_TRIES = 5
CODE_LIVES = timedelta(hours=1)


class ChannelRefused(Exception):
    """The message is for people."""


def kinds() -> list[str]:
    """What this portal can send over; SMS and Telegram need an account of the operator's."""
    found = [Channel.Kind.NTFY, Channel.Kind.SERVICE, Channel.Kind.WEBHOOK]
    if settings.NOTIFY_TELEGRAM_BOT:
        found.insert(1, Channel.Kind.TELEGRAM)
    if settings.NOTIFY_SMS_URL:
        found.insert(1, Channel.Kind.SMS)
    return found


def check(kind: str, address: dict) -> str:
    """The words by which the channel is known to its owner, its secrets masked. Raises `ChannelRefused`."""
    if kind not in kinds():
        raise ChannelRefused(_("This kind of channel isn't offered here."))
    try:
        if kind == Channel.Kind.NTFY:
            _scheme, host, port, _target = guard.parts(address["server"])
            guard.checked_address(host, port)
            return f"{masked(address['topic'])} @ {host}"
        if kind == Channel.Kind.WEBHOOK:
            _scheme, host, port, target = guard.parts(address["url"])
            guard.checked_address(host, port)
            return f"{host}/{masked(target.lstrip('/'))}"
        if kind == Channel.Kind.SERVICE:
            service = sending.service_of(address["address"])
            schema = address["address"].partition("://")[0].lower()
            return f"{sending.SERVICES[schema]} {service.url(privacy=True).partition('://')[2].partition('?')[0]}"[
                :120
            ]
    except guard.Unreachable as error:
        raise ChannelRefused(str(WORDS.get(str(error), error))) from None
    except sending.NotSent as error:
        raise ChannelRefused(str(WORDS.get(str(error), error))) from None
    return masked(address.get("number") or address["chat"])


#: The reasons that people meet most, for the catalogue of translations.
WORDS = {
    "The server is in a network that may not be asked.": gettext_lazy(
        "The server is in a network that may not be asked."
    ),
    "The server's name can't be resolved.": gettext_lazy("The server's name can't be resolved."),
    "Only plain http and https addresses may be asked.": gettext_lazy(
        "Only plain http and https addresses may be asked."
    ),
    "The address can't be read.": gettext_lazy("The address can't be read."),
    "This service can't be used here.": gettext_lazy("This service can't be used here."),
    "The address may hold neither spaces nor anything after a question mark.": gettext_lazy(
        "The address may hold neither spaces nor anything after a question mark."
    ),
}


def masked(secret: str) -> str:
    """Enough to tell two apart: +49…23, my…ts."""
    return f"{secret[:2]}…{secret[-2:]}" if len(secret) > 6 else f"{secret[:1]}…"


@transaction.atomic
def add(*, user, kind: str, address: dict, now: datetime) -> Channel:
    """A new channel, not used before its code has been entered. Raises `ChannelRefused`."""
    shown = check(kind, address)
    _one_at_a_time(user.pk)
    if Channel.objects.filter(user=user).count() >= MOST:
        raise ChannelRefused(_("You have as many channels as one account may have. Remove one first."))
    channel = Channel(user=user, kind=kind, shown=shown[:120])
    channel.address = address
    channel.save()
    _send_code(channel, now)
    return channel


@transaction.atomic
def send_code(*, channel: Channel, now: datetime) -> None:
    """Another code; the one before no longer counts."""
    _one_at_a_time(channel.user_id)
    _send_code(channel, now)


def _send_code(channel: Channel, now: datetime) -> None:
    _limit(channel, now)
    channel.code, channel.code_tries = f"{secrets.randbelow(1_000_000):06}", 0
    channel.save(update_fields=["code", "code_tries"])
    with translation.override(channel.user.language):
        title = _("%(code)s is your code for evportal") % {"code": channel.code}
        text = _("Enter it on the page where you added this channel.")
    queue_message(
        channel=channel,
        key=f"channel {channel.pk} code {now.isoformat()}",
        title=title,
        text=text,
        expires_at=now + CODE_LIVES,
    )


def confirm(*, channel: Channel, code: str, now: datetime) -> None:
    """The code that came over it was right: it is used from now on. Raises `ChannelRefused`.

    A try is counted before it is looked at, and stays counted: guesses made at once can't pass the limit.
    """
    row = Channel.objects.filter(pk=channel.pk, confirmed_at=None)
    sent = ChannelMessage.objects.filter(key__startswith=f"channel {channel.pk} code ").first()
    tried = row.filter(code_tries__lt=CODE_TRIES).update(code_tries=F("code_tries") + 1)
    channel.refresh_from_db()
    if channel.confirmed_at:
        return
    if not tried or sent is None or sent.created_at < now - CODE_LIVES:
        raise ChannelRefused(_("This code is used up. Have another one sent."))
    given = re.sub(r"\s", "", code)
    if not channel.code or not secrets.compare_digest(given.encode(), channel.code.encode()):
        raise ChannelRefused(_("That is not the code we sent."))
    row.update(confirmed_at=now, code="")
    channel.refresh_from_db()


@transaction.atomic
def test(*, channel: Channel, now: datetime) -> None:
    """Send something over a confirmed channel. Raises `ChannelRefused`."""
    _one_at_a_time(channel.user_id)
    if not channel.confirmed_at:
        raise ChannelRefused(_("Enter the code first."))
    _limit(channel, now)
    with translation.override(channel.user.language):
        title, text = _("A test from evportal"), _("If you can read this, this channel works.")
    queue_message(
        channel=channel,
        key=f"channel {channel.pk} test {now.isoformat()}",
        title=title,
        text=text,
        expires_at=now + CODE_LIVES,
    )


def _one_at_a_time(user_id: int) -> None:
    """Parallel requests of one person can't pass a limit together."""
    get_user_model().objects.select_for_update(no_key=True).get(pk=user_id)


def _limit(channel: Channel, now: datetime) -> None:
    recent = ChannelMessage.objects.filter(
        key__startswith="channel ",
        channel__user=channel.user_id,
        created_at__gt=now - timedelta(hours=1),
    )
    if recent.count() >= TESTS_AN_HOUR:
        raise ChannelRefused(_("That is enough for now. Try again in an hour."))


@transaction.atomic
def choose(*, user, wanted: set[tuple[str, int | None]]) -> None:
    """Which topics over which channel (None: e-mail); what isn't in `wanted` is not wanted."""
    ways: list[int | None] = [None, *Channel.objects.filter(user=user).values_list("pk", flat=True)]
    for topic in topics.of(user):
        for way in ways:
            Wish.objects.update_or_create(
                user=user,
                topic=topic.name,
                channel_id=way,
                defaults={"wanted": (topic.name, way) in wanted},
            )


def choices(user) -> list[dict]:
    """The page's table: each topic with each way and whether it is on; e-mail first."""
    channels = list(Channel.objects.filter(user=user, confirmed_at__isnull=False))
    wishes = {
        (topic, channel): wanted
        for topic, channel, wanted in Wish.objects.filter(user=user).values_list("topic", "channel", "wanted")
    }
    return [
        {
            "topic": topic,
            "ways": [
                {
                    "name": f"{topic.name}:{channel.pk if channel else 'mail'}",
                    "channel": channel,
                    "on": (topic.always_mailed and channel is None)
                    or wishes.get((topic.name, channel.pk if channel else None), topic.is_on),
                    "fixed": topic.always_mailed and channel is None,
                }
                for channel in [None, *channels]
            ],
        }
        for topic in topics.of(user)
    ]


def last_problem(channel: Channel) -> str:
    """Why the newest message over it hasn't gone, if it hasn't."""
    newest = channel.messages.order_by("-created_at").first()
    return newest.error if newest is not None and newest.sent_at is None else ""
