"""Firmware, campaigns and logs for machines."""

from uuid import uuid4

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile

from stations import logs
from stations.firmware import campaigns
from stations.models import Campaign, FirmwareImage, FirmwareUpdate, LogRequest
from tests import make
from tests.api import caller

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forget():
    cache.clear()


@pytest.fixture
def operator():
    return make.operator()


@pytest.fixture
def api(operator):
    return caller(operator=operator)


@pytest.fixture
def station(operator):
    return make.station(
        site=make.site(operator=operator),
        identity="CP/1",
        vendor="Vendor",
        model="AC-22",
        firmware="1.0.0",
        ocpp_version="2.0.1",
        connection=uuid4(),
        node="x!y",
    )


def test_an_image_by_file_or_by_address(api):
    fields = {"vendor": "Vendor", "model_pattern": "AC*", "version": "2.0.0"}
    large = SimpleUploadedFile("new.bin", b"x" * 3_000_000)  # above the limit of all other bodies
    made = api.post("firmware-images/", fields | {"file": large}, format="multipart")
    assert made.status_code == 201, made.data
    assert (made.data["size"], made.data["name"], made.data["url"]) == (3_000_000, "new.bin", "")
    assert "file" not in made.data
    elsewhere = api.post("firmware-images/", fields | {"url": "https://example.com/f.bin"})
    assert elsewhere.status_code == 201 and elsewhere.data["size"] is None
    assert api.get("firmware-images/?version=2.0.0").data["results"][0]["id"] == elsewhere.data["id"]
    for wrong in ({}, {"url": "http://example.com/f"}, {"url": "https://e.com/f", "signature": "AA"}):
        refused = api.post("firmware-images/", fields | wrong)
        assert refused.status_code == 409 and refused.data["detail"], wrong
    assert api.post("firmware-images/", {"vendor": "Vendor"}).status_code == 400
    assert api.delete(f"firmware-images/{made.data['id']}/").status_code == 204
    assert FirmwareImage.objects.count() == 1


def test_one_charger_is_updated(api, operator, station):
    image = make.firmware_image(operator=operator)
    made = api.post(f"firmware-images/{image.pk}/install/", {"station": "CP/1", "retries": 3})
    assert made.status_code == 201, made.data
    assert (made.data["station"], made.data["state"], made.data["from_version"]) == (
        "CP/1",
        "requested",
        "1.0.0",
    )
    assert [step["status"] for step in made.data["steps"]] == ["requested"]
    again = api.post(f"firmware-images/{image.pk}/install/", {"station": "CP/1"})
    assert again.status_code == 409 and "under way" in again.data["detail"]
    found = api.get("firmware-updates/?station=CP/1").data["results"]
    assert [each["id"] for each in found] == [made.data["id"]]
    theirs = make.station()
    assert api.post(f"firmware-images/{image.pk}/install/", {"station": theirs.identity}).status_code == 400
    assert FirmwareUpdate.objects.count() == 1


def test_a_campaign(api, operator, station):
    image = make.firmware_image(operator=operator)
    made = api.post(
        "firmware-campaigns/",
        {"image": image.pk, "sites": [station.site.slug], "wave_size": 5, "busy": "skip"},
    )
    assert made.status_code == 201, made.data
    path = f"firmware-campaigns/{made.data['id']}/"
    assert made.data["counts"]["pending"] == 1 and made.data["state"] == "scheduled"
    campaigns.drive(Campaign.objects.get().starts_at)
    assert api.get(path).data["counts"]["running"] == 1
    rows = api.get(path + "stations/").data["results"]
    assert [(row["station"], row["state"]) for row in rows] == [("CP/1", "running")]
    assert api.post(path + "pause/").data["state"] == "paused"
    assert api.post(path + "pause/").status_code == 409
    assert api.post(path + "resume/").data["state"] == "running"
    assert api.post(path + "retry/").status_code == 409
    assert api.post(path + "cancel/").data["state"] == "cancelled"
    nobody = api.post("firmware-campaigns/", {"image": image.pk, "version": "0.1"})
    assert nobody.status_code == 409 and "nothing to update" in nobody.data["detail"]


def test_a_log(api, station):
    made = api.post("logs/", {"station": "CP/1", "kind": "SecurityLog"})
    assert made.status_code == 201, made.data
    path = f"logs/{made.data['id']}/"
    assert (made.data["state"], made.data["has_file"]) == ("requested", False)
    assert api.get(path + "file/").status_code == 404
    wanted = LogRequest.objects.get()
    logs.store(request=wanted, ticket=wanted.tickets.get(), pieces=[b"log ", b"text"], name="a.log")
    assert api.get(path).data["has_file"] is True
    file = api.get(path + "file/", HTTP_RANGE="bytes=4-")
    assert file.status_code == 206 and b"".join(file.streaming_content) == b"text"
    assert file["Content-Disposition"] == 'attachment; filename="a.log"'
    assert api.post("logs/", {"station": "CP/1", "kind": "DataCollectorLog"}).status_code == 409
    assert api.get("logs/?state=uploaded").data["results"][0]["id"] == wanted.pk
