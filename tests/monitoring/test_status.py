"""The public status page, and what machines that watch the portal read."""

import json
import logging
import uuid
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import override_settings
from django.utils import timezone

from evportal.logs import ContextFilter, JsonFormatter
from evportal.middleware import request_id
from monitoring.uptime.models import ConditionChange, Outage
from stations import speaking
from stations.models import Station
from tests import make

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def site():
    cache.clear()
    site = make.site(name="Harbour", operator=make.operator(slug="north", name="North"))
    now = timezone.now()
    for number in (1, 2):
        evse = make.evse(
            station=make.station(site=site, identity=f"SECRET-{number}", vendor="ACME"), state="available"
        )
        Station.objects.filter(pk=evse.station_id).update(
            connection=uuid.uuid4(), connected_at=now - 99 * HOUR
        )
        ConditionChange.objects.create(evse=evse, at=now - 99 * HOUR, condition="up")
        if number == 2:
            Outage.objects.create(evse=evse, begins_at=now - 2 * HOUR, cause="faulted", note="Hidden note")
            type(evse).objects.filter(pk=evse.pk).update(state="faulted")
    return site


def test_it_tells_everybody_what_works_and_nobodys_secrets(site, client):
    page = client.get("/status/").content.decode()
    assert "1 of 2 charging points doesn" in page
    assert "Harbour" in page and "1 of 2 free" in page
    assert "1 charging point: a fault" in page and page.count("<rect") >= 90
    for secret in ("SECRET", "ACME", "Hidden note"):
        assert secret not in page


def test_private_sites_are_not_there(site, client):
    make.evse(station=make.station(site=make.site(name="Depot", operator=site.operator, is_public=False)))
    assert "Depot" not in client.get("/status/north/").content.decode()
    hidden = make.site(is_public=False)
    assert client.get(f"/status/{hidden.operator.slug}/").status_code == 404
    assert client.get("/status/nobody/").status_code == 404


def test_it_is_made_once_a_minute_for_all(site, client, django_assert_max_num_queries):
    client.get("/status/north/")
    Outage.objects.all().delete()
    with django_assert_max_num_queries(1):
        page = client.get("/status/north/")
    assert "a fault" in page.content.decode()
    assert page["Cache-Control"] == "public, max-age=60"
    client.force_login(make.user())
    assert client.get("/status/north/")["Cache-Control"].startswith("private")


def test_nothing_there_yet(client):
    cache.clear()
    assert "no public sites" in client.get("/status/").content.decode()


# /metrics


def test_metrics_tell_the_parts(site, client):
    client.get("/status/")
    text = client.get("/metrics").content.decode()
    for line in (
        'evportal_chargers{connected="yes"} 2.0',
        'evportal_evses{state="faulted"} 1.0',
        'evportal_outages_open{cause="faulted"} 1.0',
        "evportal_ingest_batches_waiting 0.0",
        "evportal_mail_waiting 0.0",
        'evportal_ingest_lag_seconds_bucket{le="+Inf"}',
        'evportal_http_request_seconds_count{method="GET",status="2xx",view="status"}',
    ):
        assert line in text
    assert "SECRET" not in text


def test_metrics_are_for_this_machine_or_whoever_has_the_token(client):
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 403
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 403
    # A proxy on this machine asks for somebody else.
    assert client.get("/metrics", headers={"x-forwarded-for": "203.0.113.9"}).status_code == 403
    assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200
    with override_settings(METRICS_TOKEN="s3cret-token"):
        assert client.get("/metrics").status_code == 403
        assert client.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 403
        right = client.get(
            "/metrics", REMOTE_ADDR="203.0.113.9", headers={"authorization": "Bearer s3cret-token"}
        )
        assert right.status_code == 200


# Logs


def test_a_log_line_names_request_and_station():
    record = logging.makeLogRecord(
        {"name": "stations", "levelname": "INFO", "msg": "Booted %s", "args": ("now",), "evse": 2}
    )
    request, station = request_id.set("abc12345"), speaking.station.set("CP-1")
    try:
        ContextFilter().filter(record)
    finally:
        request_id.reset(request)
        speaking.station.reset(station)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert told["message"] == "Booted now" and told["evse"] == 2
    assert (told["request_id"], told["station"]) == ("abc12345", "CP-1")


def test_an_injected_line_break_stays_within_its_line():
    record = logging.makeLogRecord({"msg": "id %s", "args": ('x\n{"level": "CRITICAL"}',)})
    ContextFilter().filter(record)
    line = JsonFormatter().format(record)
    assert len(line.splitlines()) == 1 and "request_id" not in json.loads(line)


def test_a_task_carries_the_id_of_its_request():
    from evportal import logs

    headers: dict = {}
    token = request_id.set("abc12345")
    logs._send_on(headers=headers)
    request_id.reset(token)

    class Task:
        class request:
            x_request_id = headers["x_request_id"]

    logs._take_over(task=Task)
    assert request_id.get() == "abc12345"
    logs._let_go()
    assert request_id.get() == "-"
