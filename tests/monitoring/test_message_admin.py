"""The message log in the admin: whose rows, which of them, how many; and no password in it."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from monitoring import message_admin
from stations.configuration import masking
from tests import make

LIST = "admin:stations_loggedmessage_changelist"


@pytest.fixture(autouse=True)
def _no_second_factor(settings):
    settings.STAFF_MFA_REQUIRED = False


@pytest.fixture
def station(db):
    return make.station(identity="NORTH-1")


@pytest.fixture
def manager(client, station):
    client.force_login(make.member(operator=station.site.operator))
    return client


def found(client, query=""):
    return [row.message_id for row in client.get(reverse(LIST) + query).context["cl"].result_list]


def page(client, row):
    """The row's own page, by the address that the list gives it."""
    changelist = client.get(reverse(LIST)).context["cl"]
    shown = next(each for each in changelist.result_list if each.pk == row.pk)
    return client.get(changelist.url_for_result(shown))


def reply(call, frame, milliseconds=42, kind="result"):
    return make.logged(
        station=call.station,
        at=call.at + timedelta(milliseconds=milliseconds),
        from_station=not call.from_station,
        kind=kind,
        connection=call.connection,
        message_id=call.message_id,
        action=call.action,
        frame=frame,
    )


def test_filters_and_search(manager, station):
    other = make.station(site=station.site, identity="SOUTH-2")
    make.logged(station=station, message_id="a", action="BootNotification")
    make.logged(station=other, message_id="b", action="Reset", from_station=False, version="2.0.1")
    make.logged(station=other, message_id="c", kind="bad", action="", frame="nonsense")
    for query, expected in [
        ("", {"a", "b", "c"}),
        ("?direction=in", {"a", "c"}),
        ("?direction=out", {"b"}),
        ("?ocpp=2.0.1", {"b"}),
        ("?kind__exact=bad", {"c"}),
        ("?action__icontains=boot", {"a"}),
        (f"?station__id__exact={other.pk}", {"b", "c"}),
        ("?q=b", {"b"}),
        ("?q=south", {"b", "c"}),
        ("?q=NORTH-1&kind__exact=call", {"a"}),
        ("?q=nobody", set()),
    ]:
        assert set(found(manager, query)) == expected, query


def test_a_range_of_dates_and_the_day_before_now_without_one(manager, station):
    now = timezone.localtime()
    yesterday = now - timedelta(days=1, hours=2)
    make.logged(station=station, message_id="new", at=now)
    make.logged(station=station, message_id="old", at=yesterday)
    assert found(manager) == ["new"]

    def at(name, moment):
        return f"at_{name}_0={moment:%Y-%m-%d}&at_{name}_1={moment:%H:%M:%S}"

    assert found(manager, f"?{at('from', yesterday - timedelta(hours=1))}") == ["new", "old"]
    # Without a beginning it is the day before the end.
    assert found(manager, f"?{at('to', yesterday + timedelta(hours=1))}") == ["old"]
    # What is no date is as if it weren't there.
    assert found(manager, "?at_from_0=yesterday&at_from_1=noon") == ["new"]


def test_only_the_own_rows_and_only_for_those_who_may_read_messages(client, station):
    mine = make.logged(station=station, message_id="mine")
    theirs = make.logged(station=make.station(identity="FOREIGN-9"), message_id="theirs")
    elsewhere = make.station(site=make.site(operator=station.site.operator), identity="EAST-3")
    make.logged(station=elsewhere, message_id="elsewhere")
    operator = station.site.operator
    client.force_login(make.member(operator=operator, role="technician", sites=[station.site]))
    assert found(client) == ["mine"]
    assert found(client, "?q=FOREIGN-9") == found(client, "?q=theirs") == []
    # Neither its rows nor its name, though its key is known.
    answer = client.get(f"{reverse(LIST)}?station__id__exact={theirs.station_id}")
    assert not answer.context["cl"].result_list and "FOREIGN-9" not in answer.content.decode()
    for row, status in [(mine, 200), (theirs, 302)]:
        for key in (f"{row.at.isoformat()}_{row.pk}", str(row.pk)):
            url = reverse("admin:stations_loggedmessage_change", args=[key.replace("_", "_5F")])
            assert client.get(url).status_code == status
            assert client.post(url, {"frame": "x"}).status_code == 403
            delete = reverse("admin:stations_loggedmessage_delete", args=[key.replace("_", "_5F")])
            assert client.post(delete, {"post": "yes"}).status_code in (302, 403)
    for nonsense in ("x", "yesterday_x", f"2026-13-01_{mine.pk}"):
        url = reverse("admin:stations_loggedmessage_change", args=[nonsense])
        assert client.get(url).status_code == 302
    mine.refresh_from_db()
    assert mine.frame != "x"
    client.force_login(make.member(operator=operator, role="accountant"))
    assert client.get(reverse(LIST)).status_code == 403
    client.force_login(make.user(is_staff=True, is_superuser=True))
    assert set(found(client)) == {"mine", "theirs", "elsewhere"}


def test_a_call_and_its_reply_are_on_each_others_page(manager, station):
    call = make.logged(station=station, action="BootNotification", frame='[2,"1","BootNotification",{}]')
    answer = reply(call, '[3,"1",{"status":"Accepted"}]')
    # The same id on another socket is another message.
    make.logged(station=station, message_id=call.message_id, kind="result", frame="[3,other]")
    for row in (call, answer):
        text = page(manager, row).content.decode()
        assert "[2,&quot;1&quot;,&quot;BootNotification&quot;" in text
        assert (
            "&quot;status&quot;:&quot;Accepted&quot;" in text and "42 ms" in text and "[3,other]" not in text
        )
    alone = make.logged(station=station, frame="<script>alert(1)</script>", kind="bad", action="")
    text = page(manager, alone).content.decode()
    assert "no reply yet" in text and "<script>alert(1)" not in text


def test_rows_are_counted_up_to_a_bound(manager, station, monkeypatch):
    monkeypatch.setattr(message_admin, "MOST", 60)
    for _n in range(70):
        make.logged(station=station)
    with CaptureQueriesContext(connection) as queries:
        changelist = manager.get(reverse(LIST)).context["cl"]
    assert changelist.result_count == 60 and len(changelist.result_list) == 50
    counted = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert counted and all("LIMIT 60" in sql for sql in counted)
    # One partition a day: nothing that is asked has no beginning in time.
    log = [query["sql"] for query in queries if 'FROM "stations_message"' in query["sql"]]
    assert log and all('"stations_message"."at" >=' in sql for sql in log)


def test_what_takes_too_long_is_given_up_with_a_sentence(manager, station, monkeypatch):
    def slow(*args, **kwargs):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")

    monkeypatch.setattr(message_admin, "PATIENCE_MS", 50)
    monkeypatch.setattr(message_admin.LoggedMessageAdmin, "get_search_results", slow)
    answer = manager.get(reverse(LIST) + "?q=x")
    assert answer.status_code == 302 and answer["Location"] == reverse(LIST)
    monkeypatch.undo()
    assert "Choose a charger or a shorter time" in manager.get(reverse(LIST)).content.decode()


def test_no_password_is_in_it_nor_on_the_chargers_page(manager, station):
    secret = "A1B2C3D4E5F6A7B8C9D0"  # noqa: S105
    frames = {
        "ChangeConfiguration": [2, "1", "ChangeConfiguration", {"key": masking.KEY_16, "value": secret}],
        "GetConfiguration": [3, "2", {"configurationKey": [{"key": masking.KEY_16, "value": secret}]}],
    }
    for action, frame in frames.items():
        # Stored as the socket stores it.
        text = masking.masked_frame(json.dumps(frame), len(frame) - 1)
        kind = "call" if frame[0] == 2 else "result"
        row = make.logged(station=station, action=action, frame=text, kind=kind, from_station=False)
        shown = page(manager, row).content.decode()
        assert secret not in shown and masking.MASK in shown
    log = manager.get(reverse("ops:charger_messages", args=[station.pk])).content.decode()
    assert secret not in log and masking.MASK in log
