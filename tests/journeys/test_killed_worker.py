"""What was acknowledged to a charger is in the database, though the worker was killed in the middle."""

import os
import signal
from datetime import UTC, datetime, timedelta

from tests.charger import Charger

PASSWORD = "a-charger-to-kill-1"


async def test_no_acknowledged_reading_is_lost(portal):
    with portal.api() as api:
        made = api.post(
            "stations/",
            json={
                "site": "berlin-hauptbahnhof",
                "identity": "KILL-1",
                "password": PASSWORD,
                "evses": [{"number": 1, "connectors": [{"number": 1, "standard": "IEC_62196_T2"}]}],
            },
        )
        assert made.status_code == 201, made.text
        assert api.post("id-tokens/", json={"token": "KILLTOKEN", "type": "ISO14443"}).status_code == 201

    acknowledged = []
    async with Charger(portal.ocpp, "KILL-1", PASSWORD) as charger:
        await charger.boot()
        began = datetime.now(UTC) - timedelta(minutes=200)
        await charger.start("KILLTOKEN", meter_wh=0, timestamp=began.isoformat())
        for wh in range(10, 2010, 10):
            sampled = {"value": str(wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
            await charger.call(
                "MeterValues",
                {
                    "connectorId": 1,
                    "transactionId": charger.transaction_id,
                    # One a minute from its start on: each its own reading.
                    "meterValue": [
                        {
                            "timestamp": (began + timedelta(minutes=wh // 10)).isoformat(),
                            "sampledValue": [sampled],
                        }
                    ],
                },
            )
            acknowledged.append(wh)
            if wh in (500, 1200):
                for pid in portal.pids(r"celery.*worker.*telemetry"):
                    os.kill(pid, signal.SIGKILL)
        transaction = str(charger.transaction_id)
    portal.until(
        "SELECT count(*) FROM stations_reading r JOIN stations_session s ON s.id = r.session_id "
        "WHERE s.transaction_id = %s AND r.measurand = 'Energy.Active.Import.Register'",
        transaction,
        expected=len(acknowledged),
        seconds=60,
    )
    (energy,) = portal.query("SELECT energy_wh FROM stations_session WHERE transaction_id = %s", transaction)[
        0
    ]
    assert energy == acknowledged[-1]
