"""Blocks K, M, N, Q, R and S of 2.1: priority, dynamic limits, streams of values, the grid, batteries."""

from __future__ import annotations

import json
from decimal import Decimal

from stations import charging_needs, charging_profiles, streams
from stations.models import ChargingNeeds, DerControl, Event, Monitor
from tests.charger import now
from tests.stations.conformance import keys
from tests.stations.conformance.bench import ACCEPTED, REJECTED
from tests.stations.conformance.v201.transaction import charging

DC = {
    "requestedEnergyTransfer": "DC",
    "dcChargingParameters": {"evMaxCurrent": 200, "evMaxVoltage": 500, "energyAmount": 30_000},
}
DISCHARGE = {"priority": 1, "pctMaxDischargePower": 50}


# K: smart charging


async def needs_of(bench, suits) -> ChargingNeeds:
    await bench.ingest()
    return await bench.until(
        lambda: ChargingNeeds.objects.filter(session__station=bench.station).first(),
        lambda row: row is not None and suits(row),
    )


async def own_k_01(bench):
    charger, transaction = await charging(bench)
    session = await transaction.is_open()
    asked = await bench.portal(
        charger,
        "UsePriorityCharging",
        ACCEPTED,
        charging_needs.use_priority,
        session=session,
        activate=True,
    )
    assert asked == {"transactionId": transaction.id, "activate": True}
    await needs_of(bench, lambda row: row.has_priority)


async def own_k_02(bench):
    charger, transaction = await charging(bench)
    for activated in (True, False):
        said = {"transactionId": transaction.id, "activated": activated}
        assert await charger.call("NotifyPriorityCharging", said) == {}
        await needs_of(bench, lambda row, activated=activated: row.has_priority is activated)


async def dynamic_limit(bench):
    """A limit that the station may be told anew without another profile."""
    charger, _transaction = await charging(bench)
    asked = await bench.portal(
        charger,
        "SetChargingProfile",
        ACCEPTED,
        charging_profiles.set_limit,
        evse=await bench.evse_row(),
        watts=11_000,
        is_dynamic=True,
    )
    assert asked["chargingProfile"]["chargingProfileKind"] == "Dynamic"
    return charger, asked["chargingProfile"]["id"]


async def own_k_03(bench):
    charger, number = await dynamic_limit(bench)
    await bench.until(
        lambda: bench.station.installed_profiles.filter(profile_id=number, state="accepted").exists()
    )
    asked = await bench.portal(
        charger,
        "UpdateDynamicSchedule",
        ACCEPTED,
        charging_profiles.set_limit,
        evse=await bench.evse_row(),
        watts=8000,
        is_dynamic=True,
    )
    assert asked == {"chargingProfileId": number, "scheduleUpdate": {"limit": 8000}}


async def own_k_04(bench):
    charger, number = await dynamic_limit(bench)
    pulled = await charger.call("PullDynamicScheduleUpdate", {"chargingProfileId": number})
    assert pulled == {"status": "Accepted", "scheduleUpdate": {"limit": 11_000}}
    unknown = await charger.call("PullDynamicScheduleUpdate", {"chargingProfileId": number + 1})
    assert (unknown["status"], unknown["statusInfo"]["reasonCode"]) == ("Rejected", "NotFound")


async def own_k_05(bench):
    charger, transaction = await charging(bench)
    said = {"evseId": 1, "chargingNeeds": DC, "timestamp": now()}
    assert await charger.call("NotifyEVChargingNeeds", said) == {"status": "NoChargingProfile"}
    row = await needs_of(bench, lambda row: row.answer == "NoChargingProfile")
    assert (row.energy_transfer, row.energy_wh) == ("DC", Decimal(30_000))
    assert not [frame for frame in charger.received if frame[2] == "SetChargingProfile"]
    await transaction.is_open("Charging")


# M: certificates


async def own_m_01(bench):
    """Nobody can be asked here: that is said of the one certificate, and is no error."""
    charger = await bench.boot()
    asked = {
        "source": "OCSP",
        "urls": ["http://127.0.0.1:9/ocsp"],
        "certificateHashData": keys.HASH,
    }
    answer = await charger.call("GetCertificateChainStatus", {"certificateStatusRequests": [asked]})
    (status,) = answer["certificateStatus"]
    assert (status["status"], status["source"], status["certificateHashData"]) == (
        "Failed",
        "OCSP",
        keys.HASH,
    )
    assert status["nextUpdate"] > now()


# N: streams of values


async def watched(bench) -> tuple:
    """A monitor of the EVSE's power that the station has."""
    charger = await bench.boot()
    monitor = await bench.database(
        Monitor.objects.create,
        station=bench.station,
        evse=bench.evse,
        component="EVSE",
        variable="Power",
        type="Periodic",
        value=1,
        monitor_id=5,
        state="set",
    )
    return charger, monitor


STREAM = {"id": 4, "params": {"interval": 5, "values": 2}, "variableMonitoringId": 5}


async def streaming(bench) -> tuple:
    charger, monitor = await watched(bench)
    opened = await charger.call("OpenPeriodicEventStream", {"constantStreamData": STREAM})
    assert opened == ACCEPTED
    return charger, monitor


async def own_n_01(bench):
    charger, monitor = await streaming(bench)
    data = [{"t": 0, "v": "7000"}, {"t": 2.5, "v": "7100"}]
    values = {"id": 4, "pending": 0, "basetime": now(), "data": data}
    before = len(charger.received)
    await charger.send_raw(json.dumps([6, "stream-1", "NotifyPeriodicEventStream", values]))
    assert await charger.call("ClosePeriodicEventStream", {"id": 99}) == {}
    # A SEND has no answer.
    assert len(charger.received) == before + 1
    found = await bench.readings(measurand="Power.Active.Import")
    assert [(one.value, one.unit) for one in found] == [(7000, "W"), (7100, "W")]
    await bench.database(monitor.refresh_from_db)
    assert (monitor.stream_id, monitor.last_value) == (4, "7100")
    assert await charger.call("ClosePeriodicEventStream", {"id": 4}) == {}
    await bench.database(monitor.refresh_from_db)
    assert monitor.stream_id is None


async def own_n_02(bench):
    charger, monitor = await watched(bench)
    unknown = {"constantStreamData": STREAM | {"variableMonitoringId": 77}}
    assert await charger.call("OpenPeriodicEventStream", unknown) == REJECTED
    await bench.database(monitor.refresh_from_db)
    assert monitor.stream_id is None


async def own_n_03(bench):
    charger, monitor = await streaming(bench)
    await bench.database(monitor.refresh_from_db)
    asked = await bench.portal(
        charger, "AdjustPeriodicEventStream", ACCEPTED, streams.adjust, monitor=monitor, interval_s=30
    )
    assert asked == {"id": 4, "params": {"interval": 30}}
    await bench.until(lambda: Monitor.objects.filter(pk=monitor.pk, stream_interval_s=30).exists())


async def own_n_04(bench):
    charger, monitor = await watched(bench)
    await bench.send(charger, "GetPeriodicEventStream", {}, {"constantStreamData": [STREAM]})
    await bench.until(lambda: Monitor.objects.filter(pk=monitor.pk, stream_id=4).exists())


# Q: bidirectional power


async def own_q_01(bench):
    charger, transaction = await charging(bench)
    session = await transaction.is_open()
    asked = await bench.portal(
        charger,
        "NotifyAllowedEnergyTransfer",
        ACCEPTED,
        charging_needs.allow_transfer,
        session=session,
        allowed=["DC", "DC_BPT"],
    )
    assert asked == {"transactionId": transaction.id, "allowedEnergyTransfer": ["DC", "DC_BPT"]}
    await needs_of(bench, lambda row: row.allowed_transfer == ["DC", "DC_BPT"])


async def own_q_02(bench):
    charger = await bench.boot()
    await bench.send(charger, "AFRRSignal", {"timestamp": "2026-06-15T12:00:00Z", "signal": -5})


# R: the grid


async def controls(bench, control_id: str, **facts) -> DerControl:
    await bench.ingest()
    return await bench.until(
        lambda: DerControl.objects.filter(station=bench.station, control_id=control_id, **facts).first()
    )


async def controlled(bench):
    charger = await bench.boot()
    asked = {
        "isDefault": True,
        "controlId": "c1",
        "controlType": "LimitMaxDischarge",
        "limitMaxDischarge": DISCHARGE,
    }
    await bench.send(charger, "SetDERControl", asked)
    row = await controls(bench, "c1")
    assert (row.control_type, row.settings, row.is_default) == ("LimitMaxDischarge", DISCHARGE, True)
    return charger


async def own_r_01(bench):
    charger = await controlled(bench)
    await bench.send(charger, "ClearDERControl", {"isDefault": True, "controlId": "c1"})
    await controls(bench, "c1", ended_at__isnull=False)


async def own_r_02(bench):
    charger = await bench.boot()
    await bench.send(charger, "GetDERControl", {"requestId": 9})
    settings = {"priority": 2, "setpoint": 10, "unit": "PctMaxVar"}
    held = {"id": "v1", "isDefault": False, "isSuperseded": True, "fixedVar": settings}
    report = {"requestId": 9, "tbc": False, "fixedVar": [held]}
    assert await charger.call("ReportDERControl", report) == {}
    row = await controls(bench, "v1")
    assert (row.control_type, row.settings, row.is_superseded) == ("FixedVar", settings, True)


async def own_r_03(bench):
    charger = await controlled(bench)
    for started in (True, False):
        said = {"controlId": "c1", "started": started, "timestamp": now()}
        assert await charger.call("NotifyDERStartStop", said) == {}
        await controls(bench, "c1", is_running=started)
    assert await bench.events("grid") == ["DERControl c1", "DERControl c1"]


async def own_r_04(bench):
    charger = await bench.boot()
    alarm = {"controlType": "VoltWatt", "gridEventFault": "OverVoltage", "timestamp": now()}
    assert await charger.call("NotifyDERAlarm", alarm) == {}
    assert await charger.call("NotifyDERAlarm", alarm | {"alarmEnded": True}) == {}
    assert await bench.events("grid") == ["VoltWatt", "VoltWatt"]
    rows = Event.objects.filter(station=bench.station, kind="grid").order_by("pk")
    assert await bench.database(lambda: list(rows.values_list("severity", "is_cleared"))) == [
        (4, False),
        (7, True),
    ]


# S: batteries


async def own_s_01(bench):
    charger = await bench.boot()
    asked = {"idToken": {"idToken": bench.token, "type": "ISO14443"}, "requestId": 12}
    await bench.send(charger, "RequestBatterySwap", asked)
    refused = {"status": "Rejected", "statusInfo": {"reasonCode": "NoBatteryAvailable"}}
    assert not (await bench.send(charger, "RequestBatterySwap", asked, refused)).accepted


async def own_s_02(bench):
    charger = await bench.boot()
    card = {"idToken": bench.token, "type": "ISO14443"}
    for kind, serial, charge in (("BatteryIn", "B-1", 20), ("BatteryOut", "B-2", 95)):
        battery = {"evseId": 3, "serialNumber": serial, "soC": charge, "soH": 90}
        said = {"eventType": kind, "requestId": 5, "idToken": card, "batteryData": [battery]}
        assert await charger.call("BatterySwap", said) == {}
    assert await bench.events("other") == ["BatteryIn", "BatteryOut"]
    rows = Event.objects.filter(station=bench.station, kind="other").order_by("pk")
    assert await bench.database(lambda: list(rows.values_list("variable", "value"))) == [
        ("5", "B-1"),
        ("5", "B-2"),
    ]
