"""Messages delivered without a socket: what the connection, the journal and a worker make of each."""

from __future__ import annotations

import json
import uuid
from datetime import datetime

from stations import ingest
from stations.models import Batch, Message, Station
from stations.ocpp import frames, versions
from stations.ocpp.routing import Incoming


def deliver(
    station: Station,
    version: str,
    action: str,
    payload: dict,
    received_at: datetime,
    message_id: str = "",
    ingested: bool = True,
) -> dict:
    """The answer; what is for workers is ingested at once, unless it is to lie in the journal for a while."""
    message_id = message_id or str(uuid.uuid4())
    route = versions.ROUTES[version][action]
    checked = frames.checked(frames.Call(message_id, action, payload), version, route.free_texts)
    incoming = Incoming(station, version, checked, received_at, message_id)
    answer = (route.decide if route.is_decision(checked) else route.answer)(incoming)
    if route.for_workers:
        batch = Batch.objects.create(id=uuid.uuid4(), received_at=received_at, messages=1)
        Message.objects.create(
            at=received_at,
            id=uuid.uuid4(),
            station=station,
            connection=uuid.uuid4(),
            from_station=True,
            kind=Message.Kind.CALL,
            message_id=message_id,
            action=action,
            version=version,
            frame=json.dumps([2, message_id, action, payload]),
            batch=batch.pk,
        )
        if ingested:
            assert ingest.ingest(batch.pk)
    return answer


def ingest_waiting() -> None:
    for batch in Batch.objects.filter(done_at=None).order_by("received_at"):
        ingest.ingest(batch.pk)
