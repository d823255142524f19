"""Deliver what was written down: at least once, with growing pauses, for a day; then the channel rests."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from evportal.outbox import guard, sending
from evportal.outbox.actions import notify, queue_mail
from monitoring.alerts import Finding
from monitoring.models import Alert
from monitoring.notices import routing
from monitoring.notices.models import Delivery, TeamChannel, Try
from stations.exceptions import Refused

log = logging.getLogger(__name__)
CLAIM = timedelta(minutes=2)
AT_ONCE = 200
#: With the pauses of `routing` about a day.
MOST_TRIES = 20


class NoticeRefused(Refused):
    """It can't be sent like that."""


def nudge(row: Delivery) -> None:
    from monitoring.notices.tasks import deliver

    transaction.on_commit(lambda: deliver.delay(row.pk), robust=True)


def deliver(*, pk: int, now: datetime | None = None) -> bool:
    """Claim it, try it, write down what came of it. False where somebody else has it or it is not due."""
    began = now or timezone.now()
    due = Delivery.objects.waiting().filter(pk=pk, next_at__lte=began)
    if not due.update(next_at=began + CLAIM, attempts=F("attempts") + 1):
        return False
    row = Delivery.objects.select_related("alert__site", "alert__station", "user", "channel__team").get(pk=pk)
    if row.user_id:
        with transaction.atomic():
            hand_over(row, began)
        return True
    started, error, is_final = monotonic(), "", False
    try:
        _send(row, began)
    except (guard.Unreachable, sending.NotSent) as problem:
        error, is_final = str(problem)[:300], problem.final
    except Exception as problem:
        # An unexpected error's words could hold the address.
        log.exception("Delivery %s could not be sent", pk)
        error = type(problem).__name__
    took = int((monotonic() - started) * 1000)
    _written_down(row, error, is_final, took, now or timezone.now())
    return True


def hand_over(row: Delivery, now: datetime) -> None:
    """To a person's own mail and channels, as they have chosen; within the caller's transaction."""
    alert, person = row.alert, row.user
    if row.event != "alert.escalated" and alert.resolved_at is not None:
        # It waited for the morning, and is no longer so.
        Delivery.objects.filter(pk=row.pk).update(given_up_at=now, error=_g("It was over by then."))
        return
    from monitoring.notices.telling import TOPIC, url_of

    notify(
        user=person,
        topic=TOPIC,
        key=f"alert:{alert.pk}:{person.pk}" if row.event == "alert.opened" else row.key,
        template="monitoring/mail/alert",
        context={
            "alert": alert,
            "person": person,
            "public_url": settings.PUBLIC_URL,
            "url": url_of(alert),
            "is_escalated": row.event == "alert.escalated",
        },
    )
    Delivery.objects.filter(pk=row.pk).update(sent_at=now, error="")


def _send(row: Delivery, now: datetime) -> None:
    channel = row.channel
    address, title, text, url = channel.address, *_words(row)
    if channel.kind == TeamChannel.Kind.EMAIL:
        queue_mail(
            key=f"{row.key} {row.attempts}"[:160],
            to=address["email"],
            template="monitoring/mail/notice",
            context={"title": title, "text": text, "url": url, "team": channel.team},
        )
    elif channel.kind == TeamChannel.Kind.SERVICE:
        sending.send(kind="service", address=address, title=title, text=text, url=url)
    else:
        content = json.dumps({"id": str(row.uid), **row.body}, separators=(",", ":")).encode()
        stamp = str(int(now.timestamp()))
        guard.post(
            address["url"],
            content=content,
            headers={
                "Content-Type": "application/json",
                "User-Agent": "evportal",
                "Evportal-Delivery": str(row.uid),
                "Evportal-Timestamp": stamp,
                "Evportal-Signature": f"v1={routing.signature(address['secret'], stamp, content)}",
            },
        )


def _words(row: Delivery) -> tuple[str, str, str]:
    if row.alert is None:
        return _g("A test from evportal"), _g("If you can read this, this channel works."), ""
    alert = row.alert
    title = f"{alert.get_severity_display()}: {alert.title}"
    if row.event == "alert.escalated":
        title = _g("Nobody has acknowledged: %s") % title
    text = f"{alert.title}. {alert.site.name}"
    return title[:200], text, row.body.get("alert", {}).get("url", "")


@transaction.atomic
def _written_down(row: Delivery, error: str, is_final: bool, took_ms: int, now: datetime) -> None:
    Try.objects.create(delivery=row, at=now, took_ms=took_ms, error=error)
    mine = Delivery.objects.filter(pk=row.pk)
    channel = (
        TeamChannel.objects.select_for_update(of=("self",)).select_related("team").get(pk=row.channel_id)
    )
    if not error:
        mine.update(sent_at=now, error="")
        if channel.failing_since:
            TeamChannel.objects.filter(pk=channel.pk).update(failing_since=None, next_try_at=None)
            channel.deliveries.waiting().update(next_at=now)
        return
    again = now + routing.pause(row.attempts)
    mine.update(error=error, next_at=again)
    if row.alert_id is None or is_final:
        # A test is for whoever looks at the page now; and what will never be taken isn't offered again.
        mine.update(given_up_at=now)
    if row.alert_id is None:
        return
    since = channel.failing_since or now
    TeamChannel.objects.filter(pk=channel.pk).update(failing_since=since, next_try_at=again)
    # One tries for all: a thousand alerts make no thousand knocks at a door that nobody opens.
    channel.deliveries.waiting().filter(next_at__lt=again).update(next_at=again)
    if row.attempts >= MOST_TRIES:
        mine.update(given_up_at=now)
    if now - since >= routing.PATIENCE:
        _disable(channel, row, error, now)


def _disable(channel: TeamChannel, row: Delivery, error: str, now: datetime) -> None:
    """A day in vain: nothing goes there any more until somebody says so, and its owner hears of it."""
    won = TeamChannel.objects.filter(pk=channel.pk, disabled_at=None).update(
        disabled_at=now, disabled_reason=error[:200], next_try_at=None
    )
    if not won:
        return
    channel.deliveries.waiting().update(given_up_at=now)
    title = _g("Nothing arrives at %(channel)s of %(team)s; it was switched off") % {
        "channel": channel.shown,
        "team": channel.team.name,
    }
    if channel.created_by and channel.created_by.is_active:
        queue_mail(
            key=f"channel {channel.pk} disabled {now.isoformat()}",
            to=channel.created_by.email,
            template="monitoring/mail/notice",
            context={"title": title, "text": error, "url": "", "team": channel.team},
            language=channel.created_by.language,
        )
    from monitoring import actions

    actions.open_or_touch(
        finding=Finding(
            cause=f"webhook:channel:{channel.pk}",
            kind="webhook",
            severity="warning",
            title=title,
            site_id=row.alert.site_id,
            station_id=None,
            since=now,
        ),
        now=now,
    )


def sweep(*, now: datetime) -> int:
    """What no worker got to, or one died over."""
    due = Delivery.objects.waiting().filter(next_at__lte=now).order_by("next_at", "pk")
    pks = list(due.values_list("pk", flat=True)[:AT_ONCE])
    from monitoring.notices.tasks import deliver as task

    for pk in pks:
        task.delay(pk)
    return len(pks)


@transaction.atomic
def replay(*, delivery: Delivery, by, now: datetime) -> Delivery:
    """Send it once more, with the same id: a receiver that had it knows it again."""
    row = Delivery.objects.select_for_update(of=("self",)).select_related("channel").get(pk=delivery.pk)
    if row.channel is None:
        raise NoticeRefused(_("What went to a person is in their own mail."))
    if row.channel.disabled_at is not None:
        raise NoticeRefused(_("Switch the channel on first."))
    row.sent_at = row.given_up_at = None
    row.next_at, row.attempts, row.error = now, 0, ""
    row.save(update_fields=["sent_at", "given_up_at", "next_at", "attempts", "error"])
    nudge(row)
    return row


@transaction.atomic
def test(*, channel: TeamChannel, by, now: datetime) -> Delivery:
    if channel.disabled_at is not None:
        raise NoticeRefused(_("Switch the channel on first."))
    recent = channel.deliveries.filter(alert=None, created_at__gt=now - timedelta(hours=1))
    if recent.count() >= 6:
        raise NoticeRefused(_("That is enough for now. Try again in an hour."))
    row = Delivery.objects.create(
        operator_id=channel.team.operator_id,
        key=f"test channel {channel.pk} {now.isoformat()}",
        channel=channel,
        event="test",
        body={"type": "test", "at": now.isoformat()},
        created_at=now,
        next_at=now,
    )
    nudge(row)
    return row


@transaction.atomic
def enable(*, channel: TeamChannel, now: datetime) -> bool:
    """Somebody has mended it."""
    won = (
        TeamChannel.objects.filter(pk=channel.pk)
        .exclude(disabled_at=None)
        .update(disabled_at=None, disabled_reason="", failing_since=None, next_try_at=None)
    )
    if won:
        from monitoring import actions

        for alert in Alert.objects.open().filter(Q(cause=f"webhook:channel:{channel.pk}")):
            actions.resolve(alert=alert, reason=_g("The channel was switched on again."), now=now)
    return bool(won)
