"""Monitors, what they tell, and the events of it; streams and DER controls of 2.1."""

import asyncio
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from stations import monitors, streams
from stations.models import DefaultMonitor, DerControl, Event, Monitor, Reading, SmartCharging, State
from tests.charger import CallError, Charger, now


async def until(database, question):
    for _n in range(100):
        found = await database(question)
        if found:
            return found
        await asyncio.sleep(0.03)
    raise AssertionError("it never came true")


def results(payload, number=50, status="Accepted"):
    return {
        "setMonitoringResult": [
            {
                "status": status,
                "type": one["type"],
                "severity": one["severity"],
                "component": one["component"],
                "variable": one["variable"],
                **({"id": number + n} if status == "Accepted" else {}),
            }
            for n, one in enumerate(payload["setMonitoringData"])
        ]
    }


def event(number=1, value="true", component="Connector", variable="Problem", evse=1, **more):
    place = {"evse": {"id": evse, "connectorId": 1}} if evse else {}
    return {
        "eventId": number,
        "timestamp": now(),
        "trigger": "Alerting",
        "actualValue": value,
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": component, **place},
        "variable": {"name": variable},
        **more,
    }


def notice(*events):
    return {"generatedAt": now(), "seqNo": 0, "eventData": list(events)}


@pytest.mark.parametrize(
    ("most", "most_bytes", "sizes"),
    [
        (None, None, [5]),
        (2, None, [2, 2, 1]),
        (None, 92, [3, 2]),
        (None, 91, [2, 2, 1]),
        (1, 10, [1] * 5),
        (3, 1000, [3, 2]),
    ],
)
def test_as_many_to_a_message_as_it_takes(most, most_bytes, sizes):
    items = [{"severity": n, "x": "y"} for n in range(5)]
    found = list(monitors.portions(items, most, most_bytes))
    assert [len(one) for one in found] == sizes and sum(found, []) == items
    if most_bytes and most_bytes > 60:
        whole = [json.dumps({"setMonitoringData": one}, separators=(",", ":")) for one in found]
        assert all(len(text) <= most_bytes for text in whole)


async def test_set_read_back_and_clear(online, database, place, ingest_all):
    async with online("2.0.1") as (charger, _session):
        await database(SmartCharging.objects.create, station=place.station, monitors_per_message=1)
        charger.on("SetVariableMonitoring", lambda payload: results(payload, 50 + len(charger.received)))
        wishes = [
            monitors.Wish("EVSE", "Temperature", "UpperThreshold", 80, 4, evse_number=1),
            monitors.Wish("EVSE", "Temperature", "Periodic", 60, 8, evse_number=1),
        ]
        rows = await database(monitors.set_monitors, station=place.station, wishes=wishes)
        first, second = [await charger.expect("SetVariableMonitoring") for _n in range(2)]
        assert len(first["setMonitoringData"]) == len(second["setMonitoringData"]) == 1
        assert await until(database, lambda: Monitor.objects.in_place().count() == 2)

        await database(monitors.read_back, station=place.station)
        asked = await charger.expect("GetMonitoringReport")
        known = await database(Monitor.objects.get, pk=rows[0].pk)
        report = {"requestId": asked["requestId"], "seqNo": 0, "generatedAt": now()}
        place_ = {
            "component": {"name": "EVSE", "evse": {"id": 1}},
            "variable": {"name": "Temperature"},
        }
        words = {"transaction": False, "type": "UpperThreshold", "severity": 2}
        mine = [words | {"id": known.monitor_id, "value": 85}]
        await charger.call(
            "NotifyMonitoringReport",
            report | {"tbc": True, "monitor": [{**place_, "variableMonitoring": mine}]},
        )
        other = [words | {"id": 3, "value": 99, "type": "LowerThreshold"}]
        await charger.call(
            "NotifyMonitoringReport",
            report | {"seqNo": 1, "monitor": [{**place_, "variableMonitoring": other}]},
        )
        await ingest_all()
        rows = await database(lambda: {row.monitor_id: row for row in Monitor.objects.in_place()})
        assert set(rows) == {known.monitor_id, 3}
        assert (rows[known.monitor_id].value, rows[known.monitor_id].severity) == (85, 2)

        charger.on(
            "ClearVariableMonitoring",
            lambda payload: {
                "clearMonitoringResult": [{"id": n, "status": "Accepted"} for n in payload["id"]]
            },
        )
        await database(monitors.clear_monitors, station=place.station, monitor_ids=[3])
        assert await until(database, lambda: Monitor.objects.in_place().count() == 1)


async def test_a_refused_monitor_says_why(online, database, place):
    async with online("2.0.1") as (charger, _session):
        charger.on("SetVariableMonitoring", lambda payload: results(payload, status="UnknownVariable"))
        [row] = await database(
            monitors.set_monitors, station=place.station, wishes=[monitors.Wish("X", "Y", "Delta", 1)]
        )
        assert await until(database, lambda: Monitor.objects.filter(pk=row.pk, state="rejected").first())
        await database(row.refresh_from_db)
        assert row.reason == "UnknownVariable"


def test_1_6_has_no_monitors(place):
    with pytest.raises(monitors.CanNotMonitor):
        monitors.read_back(station=place.station)


async def test_defaults_go_to_stations_that_can_monitor_once_a_boot(online, database, place):
    async with online("2.0.1") as (charger, _session):
        assert await database(monitors.push_due, timezone.now()) == 0
        can = await database(SmartCharging.objects.create, station=place.station, has_monitoring=True)
        await database(
            DefaultMonitor.objects.create,
            operator=place.site.operator,
            component="Connector",
            variable="Problem",
            type="Delta",
            value=1,
            severity=3,
            per_evse=True,
        )
        charger.on("SetVariableMonitoring", results)
        assert await database(monitors.push_due, timezone.now()) == 1
        sent = await charger.expect("SetVariableMonitoring")
        [one] = sent["setMonitoringData"]
        assert one["component"]["evse"] == {"id": 1, "connectorId": 1} and one["severity"] == 3
        assert await until(database, lambda: Monitor.objects.in_place().count() == 1)
        assert await database(monitors.push_due, timezone.now()) == 0
        await charger.boot()
        charger.on("GetMonitoringReport", {"status": "EmptyResultSet"})
        assert await database(monitors.push_due, timezone.now() + timedelta(minutes=1)) == 1
        # It has lost them in its restart, so they are set again.
        await charger.expect("GetMonitoringReport")
        await charger.expect("SetVariableMonitoring")
        assert await until(database, lambda: Monitor.objects.in_place().count() == 1)
        await database(can.refresh_from_db)
        assert can.monitors_pushed_at


@pytest.mark.parametrize(
    ("said", "monitored", "words", "severity"),
    [
        (2, 5, event(), 2),
        (None, 5, event(), 5),
        (None, None, event(), 3),
        (None, None, event(value="false"), 7),
        (None, 0, event(cleared=True), 7),
        (None, None, event(variable="Temperature", value="91"), 4),
        (None, None, event(variable="Temperature", value="91", trigger="Periodic"), 8),
    ],
)
def test_how_grave_an_event_is(said, monitored, words, severity):
    from stations import device_events

    assert device_events.severity(said, monitored, words) == severity


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_events_are_kept_once_and_a_problem_comes_and_goes(
    online, database, place, ingest_all, version
):
    async with online(version) as (charger, session):
        broken = event(7, techCode="E42", techInfo="Relay", cause=6, transactionId=session.transaction_id)
        await charger.call("NotifyEvent", notice(broken))
        await charger.call("NotifyEvent", notice(broken))
        await ingest_all()
        row = await database(lambda: Event.objects.get(kind="monitor"))
        assert (row.number, row.cause_number, row.code, row.text) == (
            7,
            6,
            "Connector.Problem",
            "E42 · Relay",
        )
        assert (row.evse_id, row.component, row.transaction_id) == (
            place.evse.pk,
            "Connector #1",
            session.transaction_id,
        )
        await database(place.evse.refresh_from_db)
        assert (place.evse.state, place.evse.error_code) == (State.FAULTED, "E42")
        # The state alone, which 2.x tells without a reason, wipes none out.
        await charger.status("Faulted")
        await ingest_all()
        await database(place.evse.refresh_from_db)
        assert (place.evse.state, place.evse.error_code) == (State.FAULTED, "E42")
        await charger.call("NotifyEvent", notice(event(8, "false")))
        await ingest_all()
        await database(place.evse.refresh_from_db)
        assert (place.evse.state, place.evse.error_code) == (State.OCCUPIED, "")
        faults = await database(
            lambda: list(Event.objects.filter(kind="fault").order_by("pk").values_list("code", "is_cleared"))
        )
        assert faults == [("E42", False), ("E42", True)]


async def test_a_monitors_event_has_its_severity_and_leaves_its_value(online, database, place, ingest_all):
    async with online("2.0.1") as (charger, _session):
        monitor = await database(
            Monitor.objects.create,
            station=place.station,
            component="ChargingStation",
            variable="Temperature",
            type="UpperThreshold",
            value=75,
            severity=1,
            monitor_id=9,
            state="set",
        )
        hot = event(1, "81.5", "ChargingStation", "Temperature", 0, variableMonitoringId=9)
        await charger.call("NotifyEvent", notice(hot))
        await ingest_all()
        assert await database(lambda: Event.objects.get().severity) == 1
        await database(monitor.refresh_from_db)
        assert monitor.last_value == "81.5"


async def test_the_station_as_a_whole(door, place, database, ingest_all):
    async with Charger(door.url, "CP-1", "charger-password-1") as charger:
        await charger.boot()
        await charger.status("Available", evse=1)
        await charger.status("Faulted", evse=0, errorCode="ReaderFailure", vendorErrorCode="V1")
        await ingest_all()
        await database(place.station.refresh_from_db)
        assert (place.station.state, place.station.error_code) == (State.FAULTED, "ReaderFailure")
        await database(place.evse.refresh_from_db)
        assert place.evse.state == State.AVAILABLE
        told = await database(Event.objects.get)
        assert (told.kind, told.evse_id, told.code, told.severity) == ("fault", None, "ReaderFailure", 2)
        await charger.status("Available", evse=0)
        await ingest_all()
        await database(place.station.refresh_from_db)
        assert (place.station.state, place.station.error_code) == (State.AVAILABLE, "")
        assert await database(Event.objects.filter(is_cleared=True).count) == 1


async def test_a_stream_of_a_meter_becomes_readings_and_nobody_answers_it(
    online, database, place, ingest_all
):
    async with online("2.1") as (charger, session):
        monitor = await database(
            Monitor.objects.create,
            station=place.station,
            evse=place.evse,
            component="EVSE",
            variable="Power",
            type="Periodic",
            value=1,
            monitor_id=5,
            state="set",
        )
        stream = {"id": 4, "params": {"interval": 5, "values": 2}, "variableMonitoringId": 5}
        opened = await charger.call("OpenPeriodicEventStream", {"constantStreamData": stream})
        assert opened == {"status": "Accepted"}
        unknown = {"constantStreamData": stream | {"id": 8, "variableMonitoringId": 77}}
        assert (await charger.call("OpenPeriodicEventStream", unknown))["status"] == "Rejected"
        data = [{"t": 0, "v": "7000"}, {"t": 2.5, "v": "7100"}, {"t": 3, "v": "none"}]
        values = {"id": 4, "pending": 0, "basetime": now(), "data": data}
        before = len(charger.received)
        await charger.send_raw(json.dumps([6, "s-1", "NotifyPeriodicEventStream", values]))
        await charger.send_raw(json.dumps([6, "s-2", "NotifyPeriodicEventStream", {"id": "x"}]))
        await charger.send_raw(json.dumps([6, "s-3", "Heartbeat", {}]))
        await charger.send_raw(json.dumps([5, "s-4", "InternalError", "", {}]))
        await charger.call("Heartbeat", {})
        # The heartbeat's answer alone: SEND and CALLRESULTERROR have none, right or wrong.
        assert len(charger.received) == before + 1
        with pytest.raises(CallError, match="NotSupported"):
            await charger.call("NotifyPeriodicEventStream", values)
        await ingest_all()
        found = await database(
            lambda: list(Reading.objects.filter(measurand="Power.Active.Import").order_by("at"))
        )
        assert [(one.value, one.unit, one.evse_id) for one in found] == [
            (7000, "W", place.evse.pk),
            (7100, "W", place.evse.pk),
        ]
        assert {one.session_id for one in found} == {session.pk}
        await database(monitor.refresh_from_db)
        assert monitor.last_value == "none"
        await database(streams.adjust, monitor=monitor, interval_s=30)
        assert (await charger.expect("AdjustPeriodicEventStream")) == {"id": 4, "params": {"interval": 30}}
        assert await until(database, lambda: Monitor.objects.filter(stream_interval_s=30).exists())
        assert await charger.call("ClosePeriodicEventStream", {"id": 4}) == {}
        await database(monitor.refresh_from_db)
        assert monitor.stream_id is None


async def test_der_controls(online, database, place, ingest_all):
    from stations import commands

    async with online("2.1") as (charger, _session):
        payload = {
            "isDefault": True,
            "controlId": "c1",
            "controlType": "LimitMaxDischarge",
            "limitMaxDischarge": {"priority": 1, "pctMaxDischargePower": 50},
        }
        await database(commands.send, station=place.station, action="SetDERControl", payload=payload)
        row = await until(database, DerControl.objects.first)
        assert row.settings == payload["limitMaxDischarge"] and row.is_default
        await charger.call(
            "NotifyDERStartStop",
            {"controlId": "c1", "started": True, "timestamp": now(), "supersededIds": ["c0"]},
        )
        alarm = {"controlType": "VoltWatt", "gridEventFault": "OverVoltage", "timestamp": now()}
        await charger.call("NotifyDERAlarm", alarm)
        await charger.call("NotifyDERAlarm", alarm | {"alarmEnded": True, "timestamp": now()})
        var = {"id": "v1", "isDefault": False, "isSuperseded": False}
        settings = {"priority": 2, "setpoint": 10, "unit": "PctMaxVar"}
        await charger.call("ReportDERControl", {"requestId": 1, "fixedVar": [var | {"fixedVar": settings}]})
        await ingest_all()
        await database(row.refresh_from_db)
        assert row.is_running
        reported = await database(DerControl.objects.get, control_id="v1")
        assert (reported.control_type, reported.settings) == ("FixedVar", settings)
        told = await database(lambda: list(Event.objects.order_by("pk").values_list("code", "is_cleared")))
        assert told == [("DERControl c1", False), ("VoltWatt", False), ("VoltWatt", True)]
        clear = {"isDefault": True, "controlType": "LimitMaxDischarge"}
        await database(commands.send, station=place.station, action="ClearDERControl", payload=clear)
        assert await until(
            database, lambda: DerControl.objects.filter(control_id="c1", ended_at__isnull=False).exists()
        )
