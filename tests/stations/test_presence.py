"""Who speaks for a station: the newest socket, and only its own close makes the station offline."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from stations import presence
from stations.models import Node
from tests import make

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def come(station, channel, connection=None, now=NOW):
    arrival = presence.Arrival(station.pk, connection or uuid4(), "1.6")
    return presence.come(arrivals=[arrival], channel=channel, now=now)[0].node


def go(station, connection):
    departure = presence.Departure(station.pk, connection, NOW)
    return presence.go(departures=[departure], now=NOW + timedelta(minutes=1))


def test_the_first_socket_takes_over_from_nobody():
    station, socket = make.station(), uuid4()
    assert come(station, "node-a", socket) == ""
    station.refresh_from_db()
    assert (station.connection, station.node, station.ocpp_version) == (socket, "node-a", "1.6")
    assert station.connected_at == station.last_seen_at == NOW


def test_a_newer_socket_learns_which_process_held_the_station():
    station = make.station()
    come(station, "node-a")
    assert come(station, "node-b") == "node-a"


def test_the_old_sockets_close_changes_nothing():
    station, old, new = make.station(), uuid4(), uuid4()
    come(station, "node-a", old)
    come(station, "node-b", new)
    assert go(station, old) == []
    station.refresh_from_db()
    assert (station.connection, station.node) == (new, "node-b")


def test_its_own_close_makes_it_offline():
    station, socket = make.station(), uuid4()
    come(station, "node-a", socket)
    assert go(station, socket) == [station.pk]
    station.refresh_from_db()
    assert not station.is_online
    assert station.disconnected_at == NOW + timedelta(minutes=1)


def test_two_sockets_in_one_moment_the_later_one_counts():
    station, first, second = make.station(), uuid4(), uuid4()
    arrivals = [presence.Arrival(station.pk, each, "1.6") for each in (first, second)]
    before = presence.come(arrivals=arrivals, channel="node-a", now=NOW)
    assert [(each.node, each.registration) for each in before] == [("", "Accepted")] * 2
    station.refresh_from_db()
    assert station.connection == second


def test_a_process_that_was_given_up_for_lost_takes_its_stations_back():
    station, socket = make.station(), uuid4()
    seen = {station.pk: (socket, NOW)}
    assert presence.beat(channel="node-a", seen=seen, now=NOW) == [station.pk]
    station.refresh_from_db()
    assert (station.connection, station.node) == (socket, "node-a")
    assert presence.beat(channel="node-a", seen=seen, now=NOW) == []


def test_a_beat_writes_down_who_was_heard_lately():
    station, other = make.station(), make.station()
    for each in (station, other):
        come(each, "node-a", now=NOW - timedelta(hours=1))
    station.refresh_from_db(), other.refresh_from_db()
    heard = NOW - timedelta(seconds=3)
    seen = {station.pk: (station.connection, heard), other.pk: (other.connection, NOW - timedelta(hours=1))}
    presence.beat(channel="node-a", seen=seen, now=NOW)
    station.refresh_from_db(), other.refresh_from_db()
    assert station.last_seen_at == heard
    assert other.last_seen_at == NOW - timedelta(hours=1)


def test_the_end_of_a_process_leaves_no_station_online():
    station, elsewhere = make.station(), make.station()
    presence.beat(channel="node-a", seen={}, now=NOW)
    come(station, "node-a")
    come(elsewhere, "node-b")
    presence.end(channel="node-a", now=NOW)
    station.refresh_from_db(), elsewhere.refresh_from_db()
    assert (station.is_online, elsewhere.is_online) == (False, True)
    assert not Node.objects.filter(channel="node-a").exists()
