"""A returning driver on a phone: three taps from the site's page to a confirmed slot with a saved card."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import sign_in
from tests.journeys.test_whole import give_card

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_three_taps(portal, visitor):
    driver = visitor()
    driver.goto("/login/")
    sign_in(driver, "driver@example.com")
    driver.wait_for_url("**/me/")
    driver.goto("/me/cards/")
    driver.get_by_role("button", name=re.compile("[Aa]dd a card")).first.click()
    give_card(driver, "4242 4242 4242 4242")
    expect(driver.get_by_text("4242").first).to_be_visible()

    driver.goto("/")
    # Not where the other journeys take the first slots.
    driver.get_by_role("link", name="Hamburg HafenCity").first.click()
    # One: a time. Two: hold it. Three: book it, with the card that is saved.
    driver.locator("a.chip[href*='slot=']").first.click()
    expect(driver.locator("input[type=radio]:checked")).to_have_count(1)
    driver.get_by_role("button", name="Hold this slot").click()
    driver.get_by_role("button", name=re.compile("Book and hold")).click()
    expect(driver.get_by_text("Confirmed").first).to_be_visible()

    # They are late, and then stay longer: both from the booking's page.
    driver.get_by_role("button", name="Wait for me").click()
    expect(driver.get_by_text("We keep the charger for you until")).to_be_visible()
    driver.get_by_role("link", name="Change the end").click()
    driver.locator("input[type=radio]").first.check(force=True)
    driver.get_by_role("button", name="Change the end").click()
    expect(driver.get_by_text("Your slot now ends at")).to_be_visible()
