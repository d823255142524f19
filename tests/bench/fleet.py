"""The operator's screens over a large fleet: 2,000 chargers of which 300 charge, and a list of 10,000.

The wallboard is opened in Chromium while all of them are connected and every charging one reports each ten
seconds; then one more charger fails and recovers, and the clock runs from its frame until the wallboard's
feed shows it.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import statistics
import time
from itertools import count
from typing import TYPE_CHECKING

import psycopg
from playwright.sync_api import Page, sync_playwright
from websockets.sync.client import connect

from tests.bench.portal import PASSWORD
from tests.browser import chromium_path

if TYPE_CHECKING:
    from tests.bench.portal import Portal

CHARGERS, CHARGING, LISTED = 2000, 300, 10_000
#: How long the chargers stay: longer than everything here takes.
ON_LINE_S = 400
#: Each charging one reports every ten seconds.
EVERY_S = 10
PAINTS, EVENTS, ASKED = 7, 20, 40
EMAIL = "dispatcher@bench.example"

OPERATOR = f"""
from allauth.account.models import EmailAddress
from evportal.accounts.models import Membership, Operator, User
user = User.objects.create_user("{EMAIL}", "{PASSWORD}")
EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
Membership.objects.create(user=user, operator=Operator.objects.get(slug="bench"), role="manager")
"""
#: Sites of twenty chargers, as operators have them, instead of one with thousands.
SITES = """
from stations.models import Site, Station
first = Site.objects.get(slug="bench")
for number, pk in enumerate(Station.objects.order_by("pk").values_list("pk", flat=True)):
    if number % 20 == 0:
        site = Site.objects.create(operator=first.operator, slug=f"bench-{number}", name=f"Bench {number}",
                                   latitude=52, longitude=13)
    Station.objects.filter(pk=pk).update(site=site)
"""
#: Whether the feed's line about the witness says so.
SAYS = """what => [...document.querySelectorAll('#feed li')]
    .some(line => line.textContent.includes(`CP02000 / 1: ${what}`))"""


class Witness:
    """One more charger, whose faults are waited for."""

    def __init__(self, portal: Portal, identity: str):
        key = base64.b64encode(f"{identity}:{PASSWORD}".encode()).decode()
        self._socket = connect(
            portal.url.replace("{id}", identity),
            subprotocols=["ocpp1.6"],
            additional_headers={"Authorization": f"Basic {key}"},
            compression=None,
            ping_interval=None,
        )
        self._ids = count(1)
        self.call("BootNotification", {"chargePointVendor": "Bench", "chargePointModel": "Witness"})
        self.tell(faulted=False)

    def call(self, action: str, payload: dict) -> None:
        self._socket.send(json.dumps([2, f"w{next(self._ids)}", action, payload]))

    def tell(self, *, faulted: bool) -> None:
        status, code = ("Faulted", "GroundFailure") if faulted else ("Available", "NoError")
        self.call("StatusNotification", {"connectorId": 1, "status": status, "errorCode": code})

    def close(self) -> None:
        self._socket.close()


def measure(portal: Portal, start_load) -> dict[str, float]:
    """Seconds and milliseconds; `start_load` begins a load in a process of its own."""
    portal.manage("shell", "--no-imports", "-c", OPERATOR)
    portal.enter_stations(LISTED - CHARGERS, prefix="LIST")
    portal.manage("shell", "--no-imports", "-c", SITES)
    idle = start_load(
        portal.url,
        stations=CHARGERS - CHARGING - 1,
        first=CHARGING + 1,
        mode="idle",
        no_authorize=True,
        no_transaction=True,
        duration=ON_LINE_S,
    )
    busy = start_load(portal.url, stations=CHARGING, mode="open", rate=CHARGING / EVERY_S, duration=ON_LINE_S)
    witness = None
    try:
        _settle(portal)
        witness = Witness(portal, f"CP{CHARGERS:05d}")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
            page = browser.new_context(
                base_url=f"http://127.0.0.1:{portal.port}",
                viewport={"width": 1280, "height": 900},
                # Waiting for what the page says is done by scripts that its policy would not let in.
                bypass_csp=True,
            ).new_page()
            _sign_in(page)
            found = {"paint_ms": _paint(page), "event_s": _event(page, witness), "list_ms": _list(page)}
            browser.close()
    finally:
        if witness:
            witness.close()
        for load in (idle, busy):
            os.killpg(load.pid, signal.SIGKILL)
            load.communicate()
    return found


def _settle(portal: Portal, seconds: float = 180) -> None:
    """Wait until all of them are on the line and what their arrival told has been worked off."""
    until = time.monotonic() + seconds
    with psycopg.connect(portal.env["DATABASE_URL"], autocommit=True) as database:
        while True:
            ready, charging, waiting = database.execute(
                "SELECT (SELECT count(*) FROM stations_evse WHERE state = 'available'),"
                " (SELECT count(*) FROM stations_session WHERE last_reading_at IS NOT NULL),"
                " (SELECT count(*) FROM stations_batch WHERE done_at IS NULL)"
            ).fetchone()
            # Of those that report, a batch or two is always on its way.
            if ready >= CHARGERS - CHARGING - 1 and charging >= CHARGING and waiting <= 3:
                break
            if time.monotonic() > until:
                raise RuntimeError(f"{ready} are ready, {charging} charge, {waiting} batches wait")
            time.sleep(0.5)
    time.sleep(10)


def _sign_in(page: Page) -> None:
    page.goto("/login/?next=/ops/")
    page.fill("input[type=email]", EMAIL)
    page.fill("input[type=password]", PASSWORD)
    page.press("input[type=password]", "Enter")
    page.wait_for_url("**/ops/")


def _paint(page: Page) -> float:
    """The median first paint of the wallboard."""
    found = []
    for _turn in range(PAINTS):
        page.goto("/ops/")
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
        found.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
    return statistics.median(found)


def _event(page: Page, witness: Witness) -> float:
    """From the frame to the feed, the p95."""
    page.goto("/ops/")
    page.wait_for_timeout(5000)
    found = []
    for turn in range(EVENTS):
        faulted = turn % 2 == 0
        began = time.perf_counter()
        witness.tell(faulted=faulted)
        # Asked again and again from here: the page's own frames are not what is measured.
        while not page.evaluate(SAYS, "Faulted" if faulted else "Available"):
            if time.perf_counter() - began > 15:
                raise RuntimeError("the wallboard never showed the fault")
            page.wait_for_timeout(20)
        found.append(time.perf_counter() - began)
        page.wait_for_timeout(300)
    return sorted(found)[int(len(found) * 0.95) - 1]


def _list(page: Page) -> float:
    """The filtered list of chargers as HTML, the p95."""
    found = []
    for turn in range(ASKED):
        began = time.perf_counter()
        answer = page.request.get(f"/ops/chargers/?q=LIST0{turn % 8}&state=offline")
        found.append((time.perf_counter() - began) * 1000)
        assert answer.ok and "LIST0" in answer.text()
    return sorted(found)[int(len(found) * 0.95) - 1]
