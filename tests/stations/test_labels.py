"""QR-code sheets: what is printed is read again, from the very page that comes out."""

import pypdfium2
import pytest
import zxingcpp
from django.urls import reverse

from stations.labels import codes, sheet
from stations.labels.codes import MOST, SIZES, Label
from tests import make

ID = "DE*ABC*E1001*1"
LABEL = Label(f"https://charge.example/c/{ID}/", ID, "Yard · One", "Operator", "+49 30 1")


def pages(pdf: bytes) -> list[list[str]]:
    """The texts of each page's codes, as a camera would find them."""
    found = []
    for page in pypdfium2.PdfDocument(pdf):
        picture = page.render(scale=2, grayscale=True)
        rows = memoryview(bytes(picture.buffer)).cast("B", [picture.height, picture.stride])
        found.append([code.text for code in zxingcpp.read_barcodes(rows)])
    return found


def words(pdf: bytes) -> str:
    return "\n".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf))


@pytest.mark.parametrize("size", SIZES.values(), ids=str)
def test_the_codes_of_full_sheets_are_read_from_the_page(size):
    labels = [
        Label(f"https://charge.example/c/DE*ABC*E{n}*1/", f"DE*ABC*E{n}*1", "Yard", "Op", "")
        for n in range(size.per_sheet + 1)
    ]
    first, second = pages(sheet.pdf(labels, size=size, hint="Scan"))
    assert sorted(first) == sorted(label.url for label in labels[:-1]) and second == [labels[-1].url]


def test_a_label_says_whose_it_is_and_whom_to_call():
    text = words(sheet.pdf([LABEL], size=SIZES["large"], hint="Scan to see the price"))
    for word in ("DE*ABC*E1001*1", "Yard · One", "Operator", "+49 30 1", "Scan to see the price"):
        assert word in text.replace("\u200b", ""), (word, text)


def test_words_are_words_whatever_they_hold():
    odd = Label("https://charge.example/c/x/", "W" * 48, '#panic("x") $ _a_', "*Bold* \\ <b>", "")
    pdf = sheet.pdf([odd], size=SIZES["small"], hint="")
    assert pages(pdf) == [[odd.url]] and "*Bold*" in words(pdf)


def test_a_scratched_code_is_still_read():
    assert codes.code(LABEL.url).error in ("Q", "H")


@pytest.mark.django_db
class TestTheAction:
    @pytest.fixture(autouse=True)
    def _no_second_factor(self, settings):
        settings.STAFF_MFA_REQUIRED = False
        settings.PUBLIC_URL = "https://charge.example"

    def choose(self, client, row, **more):
        name = row._meta.model_name
        url = reverse(f"admin:stations_{name}_changelist")
        return client.post(url, {"action": "qr_sheet", "_selected_action": [row.pk], **more}, follow=True)

    def test_sites_chargers_and_evses_have_sheets(self, client):
        evse = make.evse(station=make.station(site=make.site(operator=make.operator())), public_id="DE*X*E1")
        client.force_login(make.member(operator=evse.station.site.operator, role="technician"))
        for row in (evse, evse.station, evse.station.site):
            assert "1 label." in self.choose(client, row).content.decode()
            answer = self.choose(client, row, size="small", hint="Look")
            assert answer["Content-Type"] == "application/pdf"
            assert pages(answer.content) == [["https://charge.example/c/DE*X*E1/"]]
        assert "Select a valid choice" in self.choose(client, evse, size="huge").content.decode()

    def test_the_code_leads_to_the_chargers_page(self, client):
        evse = make.evse()
        from stations.labels.pages import label

        assert client.get(label(evse).url.removeprefix("https://charge.example")).status_code == 200

    def test_where_only_displays_count_nothing_is_printed(self, client):
        evse = make.evse(station=make.station(site=make.site(static_codes=False)))
        client.force_login(make.member(operator=evse.station.site.operator))
        assert "printed code may be used" in self.choose(client, evse).content.decode()

    def test_another_operators_chargers_are_not_there(self, client):
        evse = make.evse()
        client.force_login(make.member(operator=make.operator()))
        answer = self.choose(client, evse, size="small")
        assert answer["Content-Type"] != "application/pdf" and evse.public_id not in answer.content.decode()

    def test_too_many_are_refused(self, client, monkeypatch):
        monkeypatch.setattr("stations.labels.pages.MOST", 1)
        station = make.station()
        for number in (1, 2):
            make.evse(station=station, number=number)
        client.force_login(make.member(operator=station.site.operator))
        assert "at most 1 EVSEs" in self.choose(client, station).content.decode()
        assert MOST == 500
