"""A technician where no network reaches: what is entered is kept, said to wait, and stored once."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 400
STORED = (
    "SELECT (SELECT count(*) FROM monitoring_note WHERE text = %s), "
    "(SELECT count(*) FROM monitoring_checklistitem WHERE done_at IS NOT NULL AND order_id = %s), "
    "(SELECT count(*) FROM monitoring_photo WHERE order_id = %s)"
)


def test_without_a_network_and_back(portal, visitor):
    phone = visitor()
    phone.goto("/field/?q=NL-BER-01")
    sign_in(phone, "operator@example.com")
    phone.wait_for_url(re.compile("/field/chargers/"))
    phone.get_by_role("button", name="Note", exact=True).click()
    phone.wait_for_url(re.compile("/field/jobs/"))
    job = int(re.search(r"/jobs/(\d+)/", phone.url).group(1))
    queue = phone.locator("[data-queue-list]")
    expect(queue).to_be_hidden()

    phone.context.set_offline(True)
    phone.get_by_role("button", name=re.compile("^Done.*Cable")).click()
    phone.get_by_label("Note", exact=True).fill("No network in the garage")
    phone.get_by_role("button", name="Add the note").click()
    photos = [{"name": f"plug-{n}.jpg", "mimeType": "image/jpeg", "buffer": JPEG} for n in (1, 2)]
    phone.locator("#photo-file").set_input_files(photos)
    phone.get_by_role("button", name="Add the photos").click()
    expect(queue.get_by_role("listitem")).to_have_text(
        [re.compile("Done.*Cable"), "No network in the garage", "plug-1.jpg", "plug-2.jpg"]
    )
    expect(queue).to_contain_text("No network")
    nothing = (0, 0, 0)
    assert portal.query(STORED, "No network in the garage", job, job)[0] == nothing

    # Being typed when the network is back: stays.
    phone.get_by_label("Note", exact=True).fill("Half a sentence")
    phone.context.set_offline(False)
    expect(queue).to_be_hidden(timeout=20_000)
    expect(phone.locator("#notes")).to_contain_text("No network in the garage")
    expect(phone.locator("#photos li")).to_have_count(2)
    expect(phone.get_by_role("button", name=re.compile("^Not done.*Cable"))).to_be_visible()
    expect(phone.get_by_label("Note", exact=True)).to_have_value("Half a sentence")
    assert portal.query(STORED, "No network in the garage", job, job)[0] == (1, 1, 2)
    phone.reload()
    expect(phone.locator("#notes p")).to_have_count(1)
    expect(queue).to_be_hidden()
