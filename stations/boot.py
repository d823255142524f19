"""Stations present themselves: many at once, because after a power cut they all do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from stations import signals
from stations.configuration import runs
from stations.firmware import updates
from stations.models import Station

RETRY_SECONDS = 60


@dataclass(frozen=True)
class Boot:
    """What a station says of itself."""

    station_id: int
    vendor: str
    model: str
    serial_number: str
    firmware: str
    reason: str
    received_at: datetime


@dataclass(frozen=True)
class Booted:
    """What it was before, and whether it may take part."""

    boot: Boot
    registration: str
    is_first: bool
    firmware_before: str

    @property
    def has_new_firmware(self) -> bool:
        return bool(self.firmware_before) and self.firmware_before != self.boot.firmware[:60]


@transaction.atomic
def boot(*, boots: list[Boot]) -> list[str]:
    """Keep what the stations say of themselves; returns each one's registration status.

    One that is accepted is set up if it is new, and looked at if it has new firmware.
    """
    last = {each.station_id: each for each in boots}
    said = last.values()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH new AS (
                SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                    %s::timestamptz[]) AS new (id, vendor, model, serial, firmware, reason, at)
            ), old AS (
                SELECT station.id, station.booted_at, station.firmware
                FROM stations_station station JOIN new USING (id) ORDER BY station.id FOR UPDATE OF station
            )
            UPDATE stations_station station SET
                vendor = new.vendor, model = new.model, serial_number = new.serial, firmware = new.firmware,
                boot_reason = new.reason, booted_at = new.at, last_seen_at = new.at
            FROM new JOIN old USING (id) WHERE station.id = new.id
            RETURNING station.id, station.registration, old.booted_at IS NULL, old.firmware
            """,
            [
                list(last),
                [each.vendor[:60] for each in said],
                [each.model[:60] for each in said],
                [each.serial_number[:60] for each in said],
                [each.firmware[:60] for each in said],
                [each.reason[:40] for each in said],
                [each.received_at for each in said],
            ],
        )
        booted = {pk: Booted(last[pk], *rest) for pk, *rest in cursor.fetchall()}
    signals.after_commit(signals.stations_changed, station_ids=sorted(booted))
    runs.after_boot(booted=list(booted.values()))
    updates.after_boot(booted=list(booted.values()))
    # One that was deleted since it was let in may not take part.
    rejected = Station.Registration.REJECTED.value
    return [booted[each.station_id].registration if each.station_id in booted else rejected for each in boots]


def interval(registration: str, station_id: int) -> int:
    """Seconds until the next heartbeat, or until a station that was not accepted may ask again.

    Spread a little, so that stations which came together don't come together for ever.
    """
    accepted = registration == Station.Registration.ACCEPTED
    seconds = settings.OCPP_HEARTBEAT_SECONDS if accepted else RETRY_SECONDS
    return seconds + station_id % max(1, seconds // 10)
