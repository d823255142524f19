"""The message log: calls with their answers, filters, pages, CSV."""

import csv
import io
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from monitoring import journal
from stations.models import Message
from tests import make


@pytest.fixture
def station(db):
    return make.station()


def say(
    station, at, *, action="Heartbeat", inbound=True, kind="call", connection=None, message_id="", frame=""
):
    message_id = message_id or str(uuid4())
    return Message.objects.create(
        id=uuid4(),
        at=at,
        station=station,
        connection=connection or uuid4(),
        from_station=inbound,
        kind=kind,
        message_id=message_id,
        action=action,
        version="1.6",
        frame=frame or json.dumps([2, message_id, action, {}]),
    )


def answer(call, milliseconds=20, kind="result", frame="[3]"):
    return say(
        call.station,
        call.at + timedelta(milliseconds=milliseconds),
        action=call.action,
        inbound=not call.from_station,
        kind=kind,
        connection=call.connection,
        message_id=call.message_id,
        frame=frame,
    )


def log(client, station, query=""):
    return client.get(reverse("ops:charger_messages", args=[station.pk]) + query)


@pytest.fixture
def signed_in(client, station):
    client.force_login(make.member(operator=station.site.operator, role="technician"))
    return client


def test_a_call_and_its_answer_are_one_row(signed_in, station):
    now = timezone.now()
    call = say(station, now, action="BootNotification")
    answer(call, 42)
    # The same id on another socket, and from the other side, is another message.
    say(station, now, inbound=False, kind="result", message_id=call.message_id)
    say(station, now - timedelta(seconds=1), action="Reset", inbound=False, message_id=call.message_id)
    say(make.station(), now)
    rows = log(signed_in, station).context["log"]
    assert [(row.action, row.latency_ms, row.inbound) for row in rows] == [
        ("BootNotification", 42, True),
        ("Reset", None, False),
    ]


def test_errors_and_rubbish_are_marked(signed_in, station):
    now = timezone.now()
    call = say(station, now)
    answer(call, kind="error", frame='[4,"1","NotSupported","",{}]')
    say(station, now - timedelta(seconds=1), kind="bad", action="", frame="<script>alert(1)</script>")
    page = log(signed_in, station)
    assert ["NotSupported" in row.error or row.error for row in page.context["log"]] == [True, "not OCPP"]
    assert "<script>alert" not in page.content.decode()


def test_filters(signed_in, station):
    now = timezone.now().replace(microsecond=0)
    say(station, now, action="MeterValues")
    say(station, now - timedelta(hours=2), action="Reset", inbound=False)

    def actions(query):
        return [row.action for row in log(signed_in, station, query).context["log"]]

    assert actions("?action=meter") == ["MeterValues"]
    assert actions("?direction=out") == ["Reset"]
    local = timezone.localtime(now - timedelta(hours=1), station.site.zone).strftime("%Y-%m-%dT%H:%M")
    assert actions(f"?since={local}") == ["MeterValues"]
    assert actions(f"?until={local}") == ["Reset"]
    assert log(signed_in, station, f"?since={local}&until={local}").context["form"].errors
    assert actions("?since=yesterday") == ["MeterValues", "Reset"]


def test_pages_leave_nothing_out(signed_in, station, monkeypatch):
    monkeypatch.setattr(journal, "PAGE", 3)
    at = timezone.now()
    # Several in the same instant, as a burst leaves them.
    made = {say(station, at - timedelta(seconds=number // 4)).id for number in range(10)}
    seen, before = [], ""
    while True:
        context = log(signed_in, station, f"?before={before.replace('+', '%2B')}").context
        seen += [row.id for row in context["log"]]
        before = context["following"]
        if not before:
            break
    assert len(seen) == 10 and set(seen) == made
    assert len(log(signed_in, station, "?before=nonsense").context["log"]) == 3


def test_queries_do_not_grow(signed_in, station, django_assert_num_queries):
    for number in range(30):
        answer(say(station, timezone.now() - timedelta(seconds=number)))
    with django_assert_num_queries(2):
        journal.page(station, {}, "")


def test_csv(signed_in, station):
    now = timezone.now()
    call = say(station, now, action="=cmd()", frame="@SUM(A1)")
    answer(call)
    say(station, now - timedelta(seconds=1), action="Reset", inbound=False)
    url = reverse("ops:charger_messages_csv", args=[station.pk])
    answered = signed_in.get(url)
    text = b"".join(answered.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["action"] for row in rows] == ["'=cmd()", "Reset"]
    assert rows[0]["request"] == "'@SUM(A1)" and rows[0]["latency_ms"] == "20"
    only = signed_in.get(url + "?direction=out")
    assert b"".join(only.streaming_content).count(b"\r\n") == 2 and "direction" in only["Content-Disposition"]


def test_who_may_read(client, station):
    operator = station.site.operator
    for person, status in [
        (make.member(operator=operator, role="support"), 200),
        (make.member(operator=operator, role="accountant"), 403),
        (make.member(operator=make.operator()), 404),
        (make.user(), 403),
    ]:
        client.force_login(person)
        assert log(client, station).status_code == status
        assert client.get(reverse("ops:charger_messages_csv", args=[station.pk])).status_code == status
