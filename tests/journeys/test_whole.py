"""The main job, whole: find, book, pay, charge, watch, stop, invoice, export; real processes and browsers."""

import csv
import io
import re

import pytest
from playwright.sync_api import expect

from tests import pdf
from tests.journeys.conftest import DESK, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

#: The demo's fleets charge and pay meanwhile.
MINE = "WHERE user_id = (SELECT id FROM accounts_user WHERE email = 'driver2@example.com')"


def test_from_an_empty_page_to_the_accountants_file(portal, visitor, tmp_path):
    driver, operator = visitor(), visitor(DESK)

    # The operator watches.
    operator.goto("/ops/")
    sign_in(operator, "operator@example.com")
    expect(operator.get_by_role("heading", level=1)).to_be_visible()

    # The driver finds a site and takes the first free slot on the fast charger.
    driver.goto("/")
    driver.get_by_role("link", name="Berlin Hauptbahnhof").first.click()
    driver.get_by_role("link", name="Book a time").click()
    slot = driver.locator("input[type=radio]:not([disabled])").first
    slot.check(force=True)
    driver.get_by_role("button", name="Hold this slot").click()

    # Not signed in yet; the slot is still chosen afterwards.
    sign_in(driver, "driver2@example.com")
    driver.get_by_role("button", name="Hold this slot").click()
    expect(driver.get_by_role("heading", name="Check and pay")).to_be_visible()

    # A declined card is said on the provider's page and takes nothing.
    driver.get_by_role("button", name="Add a card").click()
    give_card(driver, "4000 0000 0000 0002")
    expect(driver.get_by_text("Your card was declined")).to_be_visible()
    give_card(driver, "4242 4242 4242 4242")
    expect(driver.get_by_text("4242").first).to_be_visible()

    # The amount stands on the button; it is held, not taken.
    pay = driver.get_by_role("button", name=re.compile("Book and hold"))
    held = re.search(r"€([\d.]+)", pay.inner_text())[1]
    pay.click()
    expect(driver.get_by_text("Confirmed").first).to_be_visible()
    booking = driver.url
    assert portal.query(f"SELECT state, amount FROM billing_payment {MINE}")[0] == (
        "held",
        pytest.approx(float(held)),
    )

    # The charger keeps the place; the same slot can't be had a second time.
    driver.get_by_role("button", name="Start charging").click()
    driver.wait_for_url("**/x/**", timeout=30_000)
    session = driver.locator("[id^=session-]").first
    expect(session).to_contain_text(re.compile(r"Energy\s+(?!0\.00)\d"), timeout=60_000)
    assert not session.evaluate("() => performance.getEntriesByType('navigation')[0].type === 'reload'")

    # The operator sees the same charge, pushed to the wallboard's page without a reload.
    operator.goto("/ops/sessions/")
    expect(operator.locator("main table").get_by_text("Berlin Hauptbahnhof").first).to_be_visible()
    operator.goto("/ops/chargers/")
    operator.get_by_role("link", name="Charger 1").first.click()
    expect(operator.locator("main").get_by_text("Charging").first).to_be_visible()

    # Stop: confirmed, then the receipt by itself.
    driver.get_by_role("link", name="Stop charging").or_(
        driver.get_by_role("button", name="Stop charging")
    ).first.click()
    driver.get_by_role("button", name="Stop charging").click()
    driver.wait_for_url("**/r/**", timeout=60_000)
    expect(driver.get_by_role("heading", level=1)).to_be_visible()
    portal.until(f"SELECT state FROM billing_payment {MINE}", expected="captured")
    portal.until(f"SELECT count(*) FROM billing_invoice {MINE}", expected=1)
    number, gross, net, tax = portal.query(f"SELECT number, gross, net, tax FROM billing_invoice {MINE}")[0]
    assert gross == net + tax > 0
    assert portal.query(f"SELECT amount_captured FROM billing_payment {MINE}")[0][0] == gross
    expect(driver.get_by_text(f"€{gross:.2f}").first).to_be_visible()

    # The invoice as PDF says the same.
    link = driver.get_by_role("link", name="Invoice as PDF").first.get_attribute("href")
    said = pdf.text(driver.request.get(link).body())
    assert number in said
    assert f"{gross:.2f}" in said

    # The booking is used, and the mails went out.
    driver.goto(booking)
    expect(driver.get_by_text("Used").or_(driver.get_by_text("Charged")).first).to_be_visible()
    portal.until(
        "SELECT count(*) FROM outbox_sentmail WHERE subject LIKE %s", f"%{number}%", expected=1, seconds=30
    )

    # The accountant exports it.
    accountant = visitor(DESK)
    accountant.goto("/fin/invoices/")
    sign_in(accountant, "accountant@example.com")
    expect(accountant.get_by_role("link", name=number, exact=True)).to_be_visible()
    with accountant.expect_download() as download:
        accountant.get_by_role("link", name=re.compile("CSV")).first.click()
    path = tmp_path / "invoices.csv"
    download.value.save_as(path)
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))
    assert any(number in cell for row in rows for cell in row)

    # Somebody else sees none of it.
    stranger = visitor()
    stranger.goto("/login/")
    sign_in(stranger, "driver@example.com")
    expect(stranger.get_by_role("heading", level=1)).to_be_visible()
    assert stranger.request.get(booking).status == 404
    assert stranger.request.get(f"{portal.url}/ops/").status == 403
    assert stranger.request.get(f"{portal.url}/fin/invoices/").status == 403


def give_card(page, number: str) -> None:
    page.locator("input[name=number]").fill(number)
    page.locator("input[name=expiry]").fill("12/34")
    page.locator("input[name=cvc]").fill("123")
    page.get_by_role("button", name="Save card").click()
