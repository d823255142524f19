"""The journal and the readings, which Django can't declare as partitioned tables."""

from django.db import migrations
from django.utils import timezone

MESSAGES = """
CREATE TABLE stations_message (
    at           timestamptz NOT NULL,
    id           uuid        NOT NULL,
    station_id   bigint      NOT NULL,
    connection   uuid        NOT NULL,
    from_station boolean     NOT NULL,
    kind         varchar(6)  NOT NULL,
    message_id   varchar(64) NOT NULL,
    action       varchar(50) NOT NULL,
    version      varchar(6)  NOT NULL,
    frame        text        NOT NULL,
    batch        uuid,
    command      uuid,
    answer       text,
    PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX stations_message_log ON stations_message (station_id, at DESC);
CREATE INDEX stations_message_batch ON stations_message (batch) WHERE batch IS NOT NULL;
"""

READINGS = """
CREATE TABLE stations_reading (
    evse_id     bigint         NOT NULL,
    session_id  uuid,
    at          timestamptz    NOT NULL,
    received_at timestamptz    NOT NULL,
    measurand   varchar(40)    NOT NULL,
    phase       varchar(8)     NOT NULL,
    location    varchar(10)    NOT NULL,
    context     varchar(24)    NOT NULL,
    value       numeric(18, 3) NOT NULL,
    unit        varchar(8)     NOT NULL,
    flag        varchar(24)    NOT NULL,
    PRIMARY KEY (evse_id, at, measurand, phase, location, context)
) PARTITION BY RANGE (at);
CREATE INDEX stations_reading_session ON stations_reading (session_id, at) WHERE session_id IS NOT NULL;
-- Chargers' clocks can be anywhere; what falls outside the months made ahead lands here.
CREATE TABLE stations_reading_default PARTITION OF stations_reading DEFAULT;
"""


def first_partitions(apps, schema_editor):
    from stations import partitions

    partitions.make_ahead(timezone.now())


class Migration(migrations.Migration):
    dependencies = [("stations", "0001_initial")]

    operations = [
        migrations.RunSQL(MESSAGES, "DROP TABLE stations_message"),
        migrations.RunSQL(READINGS, "DROP TABLE stations_reading"),
        # 1.6 wants a number from us; one counter for all stations never gives the same one twice.
        migrations.RunSQL(
            "CREATE SEQUENCE stations_transaction_id MAXVALUE 2147483647 CYCLE",
            "DROP SEQUENCE stations_transaction_id",
        ),
        migrations.RunPython(first_partitions, migrations.RunPython.noop),
    ]
