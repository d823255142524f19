"""A dispatcher's first minute: a charger fails, its cause is on screen, a command is two clicks away."""

import re
import time

import httpx
import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import DESK, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_from_a_failing_charger_to_its_cause_and_a_command(portal, visitor):
    dispatcher = visitor(DESK)
    dispatcher.goto("/ops/")
    sign_in(dispatcher, "operator@example.com")
    feed = dispatcher.locator("#board-feed")
    expect(feed).to_be_visible()
    failure = feed.get_by_role("link", name=re.compile("Charger 2.*fault", re.I))
    expect(failure).to_have_count(0)

    online = "SELECT connection IS NOT NULL FROM stations_station WHERE identity = %s"
    portal.until(online, "NL-BER-02", expected=True, seconds=60)
    began = time.monotonic()
    told = httpx.post(
        f"{portal.control}/stations/NL-BER-02/evses/1/fault", json={"code": "GroundFailure"}, timeout=10
    )
    assert told.is_success, told.text
    expect(failure.first).to_be_visible(timeout=25_000)
    failure.first.click()
    expect(dispatcher.get_by_text("GroundFailure").first).to_be_visible()
    assert time.monotonic() - began < 30

    # Two clicks: the command, and the answer to what it asks.
    dispatcher.locator("a[href*='/do/restart/']").first.click()
    dispatcher.get_by_role("button", name="Restart", exact=True).click()
    dispatcher.wait_for_url(re.compile("/ops/commands/"))
    expect(dispatcher.get_by_text("Accepted").first).to_be_visible(timeout=20_000)
