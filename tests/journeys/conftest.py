"""A real browser that reaches nothing but this machine."""

import re

import pytest
from playwright.sync_api import sync_playwright

from tests.browser import chromium_path

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def visitor(browser, portal):
    """`visitor(size)`: somebody at a browser of their own; errors in the console fail the test."""
    contexts, complaints = [], []

    def open_page(size=PHONE):
        context = browser.new_context(viewport=size, base_url=portal.url)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("request", lambda request: _stays_here(request.url, complaints))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints, complaints


def _stays_here(url: str, complaints: list[str]) -> None:
    if not re.match(r"(https?|wss?)://(127\.0\.0\.1|localhost)[:/]|data:|blob:", url):
        complaints.append(f"a request left this machine: {url}")


def sign_in(page, email: str, password: str = "charge-it-now") -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
