"""The live socket: who may listen to what, what is pushed, and when it ends."""

from collections import Counter
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from django.test import Client
from django.utils import timezone

from evportal.accounts.access import Access
from monitoring import consumer, live
from monitoring.routing import websocket_urlpatterns
from monitoring.tasks import push_later
from stations import signals
from stations.models import State
from tests import make
from tests.sockets import Browser

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]

application = URLRouter(websocket_urlpatterns)


class World:
    """Two operators, one charger with a running session at the first, and people around it."""

    def __init__(self):
        self.operator = make.operator()
        self.site = make.site(operator=self.operator)
        self.station = make.station(site=self.site, connection=uuid4(), connected_at=timezone.now())
        self.evse = make.evse(station=self.station, state=State.CHARGING)
        self.driver = make.user()
        self.session = make.session(evse=self.evse, user=self.driver, started_at=timezone.now(), power_w=7000)
        self.manager = make.member(operator=self.operator)
        self.stranger = make.member(operator=make.operator())

    def client(self, who):
        client = Client()
        if who:
            client.force_login(getattr(self, who))
        return client


@pytest.fixture
async def world():
    return await sync_to_async(World)()


async def browser(world, watch, who=None, **kwargs):
    client = await sync_to_async(world.client)(who)
    return Browser(application, watch, client=client, **kwargs)


ALLOWED = {
    "site": {None, "driver", "manager", "stranger"},
    "station": {"manager"},
    "session": {None, "driver", "manager", "stranger"},
    "ops": {"manager", "stranger"},
}


async def test_who_may_watch_what(world):
    watches = {
        "site": f"site:{world.site.pk}",
        "station": f"station:{world.station.pk}",
        "session": f"session:{world.session.link}",
        "ops": "ops",
    }
    for kind, watch in watches.items():
        for who in (None, "driver", "manager", "stranger"):
            socket = await browser(world, watch, who)
            assert await socket.open() == (None if who in ALLOWED[kind] else consumer.REFUSED), (kind, who)
            await socket.leave()


async def test_a_private_site_is_its_operators_alone(world):
    await sync_to_async(type(world.site).objects.update)(is_public=False)
    for who, code in [(None, consumer.REFUSED), ("stranger", consumer.REFUSED), ("manager", None)]:
        socket = await browser(world, f"site:{world.site.pk}", who)
        assert await socket.open() == code, who
        await socket.leave()


async def test_nonsense_and_what_is_not_there_are_refused(world):
    nonsense = ["", "everything", "site:", "site:x", "station:1;2", "session:../../etc", "site:" + "9" * 30]
    missing = [f"site:{2**59}", "session:" + "x" * 22]
    for watch in (*nonsense, *missing):
        socket = await browser(world, watch)
        assert await socket.open() == (consumer.MALFORMED if watch in nonsense else consumer.REFUSED), watch
        await socket.leave()


async def test_only_pages_of_the_portal_may_open_it(world):
    for origin in ("http://evil.example", None):
        socket = await browser(world, "ops", "manager", origin=origin)
        assert await socket.open() is not None


async def test_a_report_reaches_the_wallboard(world):
    socket = await browser(world, "ops", "manager")
    assert await socket.open() is None
    await sync_to_async(signals.status_changed.send_robust)(sender="test", evses=[world.evse])
    seen = await socket.swaps(
        f"site-{world.site.pk}", f"charger-{world.station.pk}", "board-kpis", "board-feed"
    )
    assert world.site.name in seen[f"site-{world.site.pk}"]
    assert "7.0" in seen["board-kpis"]
    await socket.leave()


async def test_the_charger_page_gets_header_cells_and_chart(world):
    socket = await browser(world, f"station:{world.station.pk}", "manager")
    assert await socket.open() is None
    await sync_to_async(signals.session_started.send_robust)(sender="test", session=world.session)
    seen = await socket.swaps(f"station-{world.station.pk}")
    assert {f"cell-{world.evse.pk}", f"meter-{world.station.pk}", f"commands-{world.station.pk}"} <= set(seen)
    assert "Charging" in seen[f"cell-{world.evse.pk}"]
    await socket.leave()


async def test_the_driver_gets_the_place_and_the_session(world):
    place = await browser(world, f"site:{world.site.pk}")
    session = await browser(world, f"session:{world.session.link}")
    assert await place.open() is None and await session.open() is None
    await sync_to_async(signals.readings_recorded.send_robust)(
        sender="test", session_ids=[world.session.pk], station_ids=[world.station.pk]
    )
    shown = await place.swaps(f"evse-{world.evse.pk}")
    assert set(shown) == {f"evse-{world.evse.pk}"}
    assert world.station.identity not in str(shown) and world.driver.email not in str(shown)
    assert set(await session.swaps(f"session-{world.session.link}")) == {f"session-{world.session.link}"}
    await place.leave()
    await session.leave()


async def test_anothers_news_do_not_arrive(world):
    socket = await browser(world, "ops", "stranger")
    assert await socket.open() is None
    await sync_to_async(live.push_stations)([world.station.pk])
    assert await socket.receive_nothing(1)
    await socket.leave()


async def test_pushes_are_gathered_to_one_a_second(world, monkeypatch):
    late = []
    monkeypatch.setattr(push_later, "apply_async", lambda args, countdown: late.append((args, countdown)))
    sent = []
    monkeypatch.setitem(live.SENDERS, "station", sent.append)
    await sync_to_async(live.keep_watching)([live.station_group(world.station.pk)])
    for _news in range(20):
        await sync_to_async(live.push_stations)([world.station.pk])
    assert sent == [world.station.pk]
    assert late == [(("station", str(world.station.pk)), 1)]
    await sync_to_async(push_later)("station", str(world.station.pk))
    assert len(sent) == 2


async def test_nobody_watching_costs_no_rendering(world, monkeypatch):
    monkeypatch.setattr(live, "_publish", lambda *args: pytest.fail("rendered for nobody"))
    await sync_to_async(live.push_stations)([world.station.pk])
    await sync_to_async(live.push_sessions)([world.session.pk])


async def test_the_socket_dies_with_the_role(world):
    sockets = [await browser(world, watch, "manager") for watch in ("ops", f"station:{world.station.pk}")]
    assert [await one.open() for one in sockets] == [None, None]
    await sync_to_async(lambda: world.manager.memberships.get().delete())()
    for socket in sockets:
        assert await socket.closed() == consumer.REFUSED
        await socket.leave()


async def test_it_dies_with_the_sign_in(world):
    client = await sync_to_async(world.client)("manager")
    socket = Browser(application, "ops", client=client)
    assert await socket.open() is None
    await sync_to_async(client.logout)()
    assert await socket.closed() == consumer.REFUSED
    await socket.leave()


async def test_fewer_sites_make_the_page_read_itself_again(world):
    other = await sync_to_async(make.site)(operator=world.operator)
    technician = await sync_to_async(make.member)(
        operator=world.operator, role="technician", sites=[world.site, other]
    )
    world.technician = technician
    socket = await browser(world, "ops", "technician")
    assert await socket.open() is None

    def take_away():
        technician.memberships.get().sites.remove(other)

    await sync_to_async(take_away)()
    assert await socket.closed() == consumer.CHANGED
    await socket.leave()


async def test_a_role_that_was_lost_unseen_is_found_at_the_next_look(world, monkeypatch):
    monkeypatch.setattr(consumer, "HEARTBEAT_SECONDS", 0.1)
    socket = await browser(world, "ops", "manager")
    await socket.send_input({"type": "websocket.connect"})
    # No signal is sent for this.
    await sync_to_async(world.manager.memberships.update)(is_active=False)
    assert await socket.closed() == consumer.REFUSED
    await socket.leave()


async def test_sockets_are_counted(world, monkeypatch):
    monkeypatch.setattr(consumer, "_open", Counter())
    monkeypatch.setitem(consumer.MOST, "address", 2)
    sockets = [await browser(world, f"site:{world.site.pk}", address="10.9.9.9") for _i in range(3)]
    assert [await one.open() for one in sockets] == [None, None, consumer.TOO_MANY]
    await sockets[0].leave()
    again = await browser(world, f"site:{world.site.pk}", address="10.9.9.9")
    assert await again.open() is None
    for one in (*sockets[1:], again):
        await one.leave()
    assert not consumer._open


async def test_figures_counted_before_the_news_are_not_reused(world):
    def read(since):
        return live.summary(Access.of(world.manager), "en", since=since)["board-kpis"]

    before = timezone.now()
    assert "7.0" in await sync_to_async(read)(before)
    await sync_to_async(type(world.session).objects.update)(power_w=9000)
    assert "7.0" in await sync_to_async(read)(before)
    assert "9.0" in await sync_to_async(read)(timezone.now())
