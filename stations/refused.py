"""Sessions that a station started though it had no leave to: it is told to stop them."""

from __future__ import annotations

import contextlib
from datetime import timedelta

from celery import shared_task
from django.db import transaction

from stations import commands
from stations.access import Decision
from stations.exceptions import ChargerOffline
from stations.models import Session

#: A start from an offline queue has its stop right behind it: so long it is waited for.
QUEUE = timedelta(seconds=60)


def end(session: Session, decision: Decision) -> None:
    """Stop it; what was reported late is most likely over, so it may first say so."""
    if not session.is_open:
        return
    if decision.is_late:
        transaction.on_commit(
            lambda: stop_refused.apply_async([str(session.pk)], countdown=QUEUE.total_seconds())
        )
        return
    with contextlib.suppress(ChargerOffline):
        commands.remote_stop(session=session, reason=decision.reason[:120])


@shared_task
def stop_refused(session_id: str) -> None:
    """A session that came out of an offline queue and runs on, though its token might not start it."""
    session = Session.objects.open().filter(pk=session_id).exclude(refusal="").first()
    if session is not None:
        with contextlib.suppress(ChargerOffline):
            commands.remote_stop(session=session, reason=session.refusal[:120])
