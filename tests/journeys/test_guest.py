"""Somebody without an account on a phone: the code at the charger, two taps, a charge, its receipt."""

import re

import pytest
from playwright.sync_api import expect

from tests import pdf

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

#: A free place of the demo's network, as the code on it says.
FREE = """
    SELECT evse.public_id FROM stations_evse evse
    JOIN stations_station station ON station.id = evse.station_id
    JOIN stations_site site ON site.id = station.site_id
    WHERE evse.state = 'available' AND station.connection IS NOT NULL
    AND site.is_public AND site.country = 'DE'
    ORDER BY evse.max_power_w DESC, evse.id
"""


def test_scan_pay_charge_stop_receipt(portal, visitor):
    guest = visitor()
    taps = []

    def tap(what):
        taps.append(what.inner_text())
        what.click()

    # Scanning opens the charger's page.
    portal.until(f"SELECT count(*) > 0 FROM ({FREE}) free", expected=True, seconds=60)
    for (charger,) in portal.query(FREE):
        guest.goto(f"/c/{charger}/")
        button = guest.get_by_role("button", name="Pay and charge")
        if button.count():
            break
    expect(guest.get_by_text(charger).first).to_be_visible()
    expect(guest.get_by_text(re.compile(r"We hold €\d+")).first).to_be_visible()
    assert guest.evaluate("document.documentElement.scrollWidth") <= 390

    # One: the button. Two: the wallet's, which gives card and address; nothing is typed.
    tap(button)
    tap(guest.get_by_role("button", name=re.compile("with the phone's wallet")))
    guest.wait_for_url("**/x/**", timeout=30_000)
    assert len(taps) == 2, taps

    # It runs, live, and its link is shown and mailed.
    live = guest.locator("[id^=session-]").first
    expect(live).to_contain_text(re.compile(r"Energy\s+(?!0\.00)\d"), timeout=60_000)
    link = guest.get_by_label("It leads back here from any browser").input_value()
    running = guest.url

    # The browser is closed: the code leads back in the same one, the link in any other.
    guest.goto(f"/c/{charger}/")
    assert guest.url == running
    elsewhere = visitor()
    elsewhere.goto(link)
    assert elsewhere.url == running
    stranger = visitor()
    stranger.goto(f"/c/{charger}/")
    expect(stranger.get_by_text("Somebody is charging here.")).to_be_visible()

    # Stop, confirmed; the receipt comes by itself.
    guest.get_by_role("link", name="Stop charging").click()
    guest.get_by_role("button", name="Stop charging").click()
    guest.wait_for_url("**/r/**", timeout=60_000)
    user = "(SELECT user_id FROM accounts_guest WHERE email = 'wallet@example.com')"
    portal.until(f"SELECT state FROM billing_payment WHERE user_id = {user}", expected="captured")
    portal.until(f"SELECT count(*) FROM billing_invoice WHERE user_id = {user}", expected=1)
    number, gross, captured = portal.query(
        "SELECT invoice.number, invoice.gross, payment.amount_captured FROM billing_invoice invoice "
        f"JOIN billing_payment payment ON payment.user_id = invoice.user_id WHERE invoice.user_id = {user}"
    )[0]
    assert gross == captured > 0
    expect(guest.get_by_text(f"€{gross:.2f}").first).to_be_visible()
    expect(guest.get_by_text("•••• 4242").first).to_be_visible()

    # Made out to a company, and issued anew.
    guest.get_by_role("link", name="Company, address or VAT id").click()
    guest.get_by_label("name or company").fill("Engines Ltd")
    guest.get_by_role("button", name="Save").click()
    guest.get_by_role("button", name="Issue it anew with my details").click()
    expect(guest.get_by_text("Engines Ltd").first).to_be_visible()
    href = guest.get_by_role("link", name="Invoice as PDF").first.get_attribute("href")
    assert "Engines Ltd" in pdf.text(guest.request.get(href).body())

    # The link is mailed, and so is a lost receipt's, to that address alone.
    mailed = "SELECT count(*) FROM outbox_sentmail WHERE \"to\" = 'wallet@example.com' AND text LIKE %s"
    portal.until(mailed, "%/g/%", expected=1, seconds=30)
    stranger.goto("/receipt/")
    stranger.get_by_label("Last four digits of the card").fill("4242")
    day = portal.query(f"SELECT started_at::date FROM stations_session WHERE user_id = {user}")[0][0]
    stranger.get_by_label("Day of the charge").fill(str(day))
    stranger.get_by_label("Amount charged").fill(f"{captured:.2f}".replace(".", ","))
    stranger.get_by_role("button", name="Find the receipt").click()
    expect(stranger.get_by_text("is on the way to you")).to_be_visible()
    assert "/receipt/" in stranger.url
    portal.until(mailed, "%last digits%", expected=1, seconds=30)
