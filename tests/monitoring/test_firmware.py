"""Firmware, campaigns, logs and customer inquiries as operators' people see and do them."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from monitoring import live
from stations import customer_information, logs
from stations.firmware import campaigns, publications, updates
from stations.models import (
    Campaign,
    CustomerInformationPart,
    CustomerInquiry,
    FirmwareImage,
    FirmwareUpdate,
    LogRequest,
    Publication,
)
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator():
    return make.operator()


@pytest.fixture
def station(operator):
    """Online; what is sent to it stays in its queue."""
    return make.station(
        site=make.site(operator=operator),
        vendor="Vendor",
        model="AC-22",
        firmware="1.0.0",
        ocpp_version="2.0.1",
        connection=uuid4(),
        node="specific.x!y",
    )


@pytest.fixture
def image(operator):
    return make.firmware_image(operator=operator, model_pattern="AC*")


@pytest.fixture
def manager(client, operator):
    person = make.member(operator=operator)
    client.force_login(person)
    return person


def text(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def page(client, where, *args):
    response = client.get(reverse(f"ops:{where}", args=args))
    assert response.status_code == 200
    return text(response)


def post(client, where, *args, **data):
    return client.post(reverse(f"ops:{where}", args=args), data, follow=True)


def test_firmware_is_added_by_its_file(client, manager):
    data = {"operator": manager.memberships.get().operator_id, "vendor": "Vendor", "model_pattern": "AC*"}
    none = post(client, "firmware_new", **data, version="2.0.0")
    assert "Give a file or an address" in text(none) and not FirmwareImage.objects.exists()
    file = SimpleUploadedFile("new.bin", b"software")
    done = text(post(client, "firmware_new", **data, version="2.0.0", file=file))
    image = FirmwareImage.objects.get()
    assert (image.size, image.created_by) == (8, manager)
    assert "The firmware can be installed now." in done and image.sha256[:12] in done
    wrong = text(post(client, "firmware_new", **data, version="3", url="http://example.com/f.bin"))
    assert "Only https addresses" in wrong


def test_an_image_is_withdrawn(client, manager, image):
    assert "AC*" in page(client, "firmware")
    assert "It is not offered any more." in text(post(client, "firmware_retire", image.pk))
    assert "No firmware yet" in page(client, "firmware")


def test_one_charger_is_updated_and_says_how_far_it_is(client, manager, station, image):
    other = make.firmware_image(operator=image.operator, vendor="Other", version="9.9")
    form = page(client, "charger_update", station.pk)
    assert str(image) in form and str(other) not in form
    done = text(post(client, "charger_update", station.pk, image=image.pk, retries=2))
    update = FirmwareUpdate.objects.get()
    assert (update.created_by, update.command.action) == (manager, "UpdateFirmware")
    assert "The charger is told." in done and "Asked" in done
    again = text(post(client, "charger_update", station.pk, image=image.pk, retries=2))
    assert "Another update of this charger is under way." in again
    updates.report(station=station, status="Downloading", request_id=update.pk, received_at=timezone.now())
    seen = page(client, "charger_firmware", station.pk)
    assert "Downloading" in seen and f'id="firmware-{station.pk}" data-live' in seen


def test_times_are_those_of_the_site(client, manager, station, image):
    tomorrow = timezone.localtime(timezone.now() + timedelta(days=1), station.site.zone)
    post(
        client,
        "charger_update",
        station.pk,
        image=image.pk,
        retries=0,
        retrieve_at=f"{tomorrow:%Y-%m-%dT%H:%M}",
    )
    assert FirmwareUpdate.objects.get().retrieve_at == tomorrow.replace(second=0, microsecond=0)


def test_a_charger_that_nothing_fits(client, manager, station):
    make.firmware_image(operator=station.site.operator, vendor="Other")
    assert "No firmware of yours fits" in page(client, "charger_update", station.pk)


def test_a_controller_publishes(client, manager, station, image):
    done = text(post(client, "charger_publish", station.pk, image=image.pk))
    assert "The controller is told to fetch it." in done
    publications.report(
        station=station,
        status="Published",
        request_id=Publication.objects.get().pk,
        locations=["https://controller.local/f"],
        received_at=timezone.now(),
    )
    assert "https://controller.local/f" in page(client, "charger_firmware", station.pk)
    assert "offer it no longer" in text(post(client, "publication_withdraw", Publication.objects.get().pk))
    assert Publication.objects.get().withdrawal.action == "UnpublishFirmware"


def test_a_log_is_asked_for_and_downloaded(client, manager, station):
    form = page(client, "charger_log", station.pk)
    assert "Security log" in form and "Data collector" not in form
    done = text(post(client, "charger_log", station.pk, kind="SecurityLog"))
    assert "The charger is asked." in done
    wanted = LogRequest.objects.get()
    assert client.get(reverse("ops:log_file", args=[wanted.pk])).status_code == 404
    evil = b"<script>alert(1)</script>"
    logs.store(request=wanted, ticket=wanted.tickets.get(), pieces=[evil], name="a.html")
    assert "a.html" in page(client, "charger_firmware", station.pk)
    file = client.get(reverse("ops:log_file", args=[wanted.pk]))
    assert b"".join(file.streaming_content) == evil
    assert file["Content-Disposition"] == 'attachment; filename="a.html"'
    assert file["Content-Type"] == "application/octet-stream"
    assert file["X-Content-Type-Options"] == "nosniff"


def test_who_may_not_read_messages_sees_no_logs(client, operator, station):
    client.force_login(make.member(operator=operator, role="accountant"))
    seen = page(client, "charger_firmware", station.pk)
    assert "Runs" in seen and "Request a log" not in seen and "No log was asked for" not in seen


def test_a_campaign_is_looked_at_before_it_is_made(client, manager, station, image):
    data = {
        "image": image.pk,
        "wave_size": 5,
        "pause_minutes": 0,
        "stop_percent": 10,
        "busy": "wait",
        "name": "Spring",
    }
    preview = text(post(client, "campaign_new", **data))
    assert "It reaches 1 charger" in preview and station.name in preview
    assert "Start for 1 charger" in preview and not Campaign.objects.exists()
    # Another one has come meanwhile: it is shown before anything is done to it.
    make.station(site=station.site, vendor="Vendor", model="AC-11", firmware="1.0.0")
    assert "It reaches 2 chargers" in text(post(client, "campaign_new", **data, confirmed="1"))
    assert not Campaign.objects.exists()
    made = text(post(client, "campaign_new", **data, confirmed="2"))
    campaign = Campaign.objects.get()
    assert (campaign.created_by, campaign.rows.count()) == (manager, 2)
    assert "0 of 2 done" in made and "Waiting" in made
    nobody = text(post(client, "campaign_new", **data, version="0.1"))
    assert "It reaches 0 chargers" in nobody and "Start for" not in nobody


def test_a_campaign_is_watched_and_steered(client, manager, station, image):
    campaign = campaigns.create(image=image, stations=[station], name="Spring", stop_percent=0)
    campaigns.drive(timezone.now())
    seen = page(client, "campaign", campaign.pk)
    assert "Under way" in seen and "1 under way" in seen
    FirmwareUpdate.objects.update(state="failed", problem="The charger could not install it.")
    assert "Go on" in text(post(client, "campaign_act", campaign.pk, "pause"))
    campaigns.drive(timezone.now())
    failed = client.get(reverse("ops:campaign", args=[campaign.pk]) + "?state=failed")
    assert "could not install it" in text(failed) and "Retry what failed" in text(failed)
    post(client, "campaign_act", campaign.pk, "retry")
    assert campaign.rows.get().state == "pending"
    assert "Cancelled" in text(post(client, "campaign_act", campaign.pk, "cancel"))
    assert "The campaign is over." in text(post(client, "campaign_act", campaign.pk, "cancel"))
    assert post(client, "campaign_act", campaign.pk, "explode").status_code == 404
    assert "Spring" in page(client, "firmware")


def test_a_driver_is_asked_about_and_the_answer_is_shown_once(client, manager, station):
    driver = make.user(email="driver@example.com")
    card = make.id_token(operator=station.site.operator, user=driver)
    make.session(evse=make.evse(station=station), user=driver, id_token=card, token=card.token, minutes=5)
    strange = text(post(client, "customers", email="nobody@example.com", what="report"))
    assert "has charged at no charger of OCPP 2.x of yours" in strange
    assert "1 charger is asked." in text(post(client, "customers", email="Driver@example.com", what="report"))
    inquiry = CustomerInquiry.objects.get()
    assert inquiry.report and not inquiry.clear and card.token not in page(client, "customers")
    CustomerInformationPart.objects.create(inquiry=inquiry, seq_no=0, is_last=True, data="All of it")
    CustomerInquiry.objects.update(state="answered")
    assert "Show once" in page(client, "customers")
    shown = post(client, "customer_show", inquiry.pk)
    assert "All of it" in text(shown) and shown["Cache-Control"] == "no-store"
    again = text(post(client, "customer_show", inquiry.pk))
    assert "All of it" not in again and "It was shown already" in again
    assert "1 charger is asked." in text(post(client, "customers", email="driver@example.com", what="clear"))
    assert CustomerInquiry.objects.filter(clear=True, report=False).count() == 1
    assert customer_information.purge(timezone.now() + timedelta(days=30)) == 0, "one is shown, one waits"


def test_an_update_is_pushed_to_who_watches_the_charger(
    station, image, monkeypatch, django_capture_on_commit_callbacks
):
    live.keep_watching([live.station_group(station.pk)])
    pushed = []
    monkeypatch.setattr(live, "_publish", lambda group, fragments, zone: pushed.append(fragments()))
    with django_capture_on_commit_callbacks(execute=True):
        updates.start(station=station, image=image, keep_for=timedelta(hours=1))
    assert "2.0.0" in pushed[-1][f"firmware-{station.pk}"]
