"""Updates of one station: what is sent to each version, what it says, and what its boot proves."""

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone

from stations.exceptions import Refused
from stations.firmware import publications, updates
from stations.models import Command, Event, FirmwareImage, FirmwareUpdate, Publication, Station
from tests import make
from tests.charger import Charger

VERSIONS = ["1.6", "2.0.1", "2.1"]
PASSWORD = "charger-password-1"


@pytest.fixture
async def setting(door, database, settings, ingest_all):
    """One scripted charger, online and booted, and firmware for it."""
    settings.PUBLIC_URL = door.http

    class Setting:
        async def connect(self, version):
            self.site = await database(make.site)
            self.station = await database(make.station, site=self.site)
            self.image = await database(make.firmware_image, operator=self.site.operator)
            self.charger = Charger(door.url, self.station.identity, PASSWORD, version=version)
            await self.charger.__aenter__()
            await self.boot("1.0.0")
            await database(self.station.refresh_from_db)
            return self.charger

        async def boot(self, firmware):
            if self.charger.version == "1.6":
                return await self.charger.boot(firmwareVersion=firmware)
            station = {"vendorName": "Vendor", "model": "Model", "firmwareVersion": firmware}
            return await self.charger.boot(chargingStation=station)

        async def start(self, **more):
            self.update = await database(updates.start, station=self.station, image=self.image, **more)
            return self.update

        async def say(self, status, *, signed=False, request_id=None):
            action = "SignedFirmwareStatusNotification" if signed else "FirmwareStatusNotification"
            number = {} if request_id is None else {"requestId": request_id}
            await self.charger.call(action, {"status": status} | number)

        async def now(self):
            await ingest_all()
            await database(self.update.refresh_from_db)
            return self.update.state

        async def answered(self):
            for _attempt in range(200):
                await database(self.update.refresh_from_db)
                if self.update.state != "requested":
                    return
                await self._pause()
            raise AssertionError("nobody heard of the answer")

        async def _pause(self):
            await asyncio.sleep(0.02)

    made = Setting()
    yield made
    if hasattr(made, "charger"):
        await made.charger.close()


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_is_sent(setting, door, version):
    charger = await setting.connect(version)
    if version == "2.1":
        charger.on("UpdateFirmware", {"status": "Accepted"})
    update = await setting.start(retries=3, retry_interval_s=60)
    sent = await charger.expect("UpdateFirmware")
    location = sent["location"] if version == "1.6" else sent["firmware"]["location"]
    assert location.startswith(f"{door.http}/files/firmware/") and len(location) < 512
    assert (sent["retries"], sent["retryInterval"]) == (3, 60)
    if version == "1.6":
        assert "requestId" not in sent and sent["retrieveDate"].endswith("Z")
    else:
        assert sent["requestId"] == update.pk
        assert set(sent["firmware"]) == {"location", "retrieveDateTime"}
    await setting.answered()
    assert await setting.now() == "accepted"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("numbered", [True, False])
async def test_the_way_to_the_end(setting, database, version, numbered):
    await setting.connect(version)
    update = await setting.start()
    await setting.answered()
    numbered = update.pk if numbered and version != "1.6" else None
    for status, expected in [
        ("Downloading", "downloading"),
        ("Downloaded", "downloaded"),
        ("Downloaded", "downloaded"),
        ("Installing", "installing"),
        ("Installed", "installed"),
    ]:
        await setting.say(status, request_id=numbered)
        assert await setting.now() == expected
    await setting.boot("2.0.0")
    assert await setting.now() == "done"
    # Said once more, afterwards: kept, and nothing moves.
    await setting.say("Installed", request_id=numbered)
    await setting.say("InstallationFailed", request_id=numbered)
    assert await setting.now() == "done"
    steps = await database(lambda: list(update.steps.values_list("status", flat=True)))
    assert steps.count("Downloaded") == 1
    assert steps[:2] == ["requested", "Accepted"] and "booted" in steps


@pytest.mark.parametrize("version", VERSIONS)
async def test_installed_is_said_but_the_old_version_boots(setting, database, version):
    await setting.connect(version)
    await setting.start()
    await setting.answered()
    await setting.say("Installed")
    assert await setting.now() == "installed"
    await setting.boot("1.0.0")
    assert await setting.now() == "failed"
    assert setting.update.problem == "The charger says it is installed, but still runs 1.0.0."
    event = await database(Event.objects.get)
    assert (event.kind, event.code, event.severity) == ("firmware", "Firmware.InstallationFailed", 4)
    # It restarts once more, and then it is the new one.
    await setting.boot("2.0.0")
    assert await setting.now() == "done"


async def test_installed_is_ingested_after_the_boot_that_refutes_it(setting, database):
    await setting.connect("1.6")
    await setting.start()
    await setting.answered()
    await setting.say("Installed")
    await setting.boot("1.0.0")  # decided at once, while the word before it still waits
    assert await setting.now() == "failed"


async def test_a_restart_on_the_way_is_no_failure(setting):
    await setting.connect("2.0.1")
    update = await setting.start()
    await setting.answered()
    await setting.say("InstallRebooting", request_id=update.pk)
    assert await setting.now() == "rebooting"
    await setting.boot("1.0.0")
    assert await setting.now() == "rebooting"


async def test_late_words_do_not_turn_an_update_back(setting, database):
    await setting.connect("2.0.1")
    await setting.start()
    await setting.answered()
    await setting.say("Installing")
    assert await setting.now() == "installing"
    earlier = setting.update.state_at - timedelta(seconds=5)
    await database(
        updates.report,
        station=setting.station,
        status="Downloading",
        request_id=setting.update.pk,
        received_at=earlier,
    )
    assert await setting.now() == "installing"
    steps = await database(lambda: list(setting.update.steps.values_list("status", flat=True)))
    assert "Downloading" in steps


async def test_unasked_and_foreign_words_become_events(setting, database, ingest_all):
    await setting.connect("2.0.1")
    await setting.say("Downloading", request_id=4711)
    await setting.say("Idle")
    await ingest_all()
    event = await database(Event.objects.get)
    assert (event.code, event.text, event.severity) == (
        "Firmware.Downloading",
        "Not asked for by the portal.",
        8,
    )


async def test_another_stations_number_moves_nothing(setting, database, door, ingest_all):
    await setting.connect("2.0.1")
    await setting.start()
    await setting.answered()
    other = await database(make.station)
    async with Charger(door.url, other.identity, PASSWORD, version="2.0.1") as stranger:
        await stranger.boot()
        await stranger.call(
            "FirmwareStatusNotification", {"status": "DownloadFailed", "requestId": setting.update.pk}
        )
    assert await setting.now() == "accepted"


@pytest.mark.parametrize(
    ("answer", "state"), [("Rejected", "failed"), ("InvalidCertificate", "failed"), ("Accepted", "accepted")]
)
async def test_what_the_charger_answers(setting, database, answer, state):
    charger = await setting.connect("2.0.1")
    charger.on("UpdateFirmware", {"status": answer})
    await setting.start()
    await setting.answered()
    assert await setting.now() == state
    codes = await database(lambda: list(Event.objects.values_list("code", flat=True)))
    assert codes == (["Firmware.InvalidCertificate"] if answer == "InvalidCertificate" else [])


async def test_a_newer_one_takes_the_place(setting, database):
    charger = await setting.connect("2.0.1")
    first = await setting.start()
    await setting.answered()
    with pytest.raises(updates.UpdateUnderWay):
        await setting.start()
    charger.on("UpdateFirmware", {"status": "AcceptedCanceled"})
    await setting.start(replace=True)
    await setting.answered()
    assert await setting.now() == "accepted"
    await database(first.refresh_from_db)
    assert (first.state, first.problem) == ("cancelled", "A newer update took its place.")
    # What the charger still says of the first is of no importance.
    await setting.say("Downloading", request_id=first.pk)
    assert await setting.now() == "accepted"
    await database(first.refresh_from_db)
    assert first.state == "cancelled"


async def test_21_says_why(setting, database, ingest_all):
    charger = await setting.connect("2.1")
    await setting.start()
    await setting.answered()
    payload = {
        "status": "InstallationFailed",
        "requestId": setting.update.pk,
        "statusInfo": {"reasonCode": "NoMem", "additionalInfo": "No space left"},
    }
    await charger.call("FirmwareStatusNotification", payload)
    assert await setting.now() == "failed"
    event = await database(Event.objects.get)
    assert event.text == "NoMem No space left"


# --- without a charger: rows and the clock --------------------------------------------------------

pytestmark = pytest.mark.django_db


@pytest.fixture
def station():
    return make.station(vendor="Vendor", model="AC-22", firmware="1.0.0", ocpp_version="2.0.1")


@pytest.fixture
def image(station):
    return make.firmware_image(operator=station.site.operator, model_pattern="AC*")


def test_an_offline_charger_is_not_updated_unless_it_may_wait(
    station, image, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        update = updates.start(station=station, image=image)
    update.refresh_from_db()
    assert (update.state, update.problem) == ("failed", "The charger is not connected.")
    with django_capture_on_commit_callbacks(execute=True):
        waiting = updates.start(station=station, image=image, keep_for=timedelta(days=7))
    waiting.refresh_from_db()
    assert waiting.state == "requested" and waiting.command.status == "queued"
    ticket = waiting.tickets.get()
    assert ticket.expires_at >= waiting.command.expires_at + timedelta(hours=23)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "DC-150"}, "is for Vendor AC*"),
        ({"vendor": "Other"}, "is for Vendor AC*"),
        ({"vendor": "", "model": ""}, "has never said what it is"),
    ],
)
def test_firmware_for_something_else_is_refused(station, image, change, words):
    Station.objects.filter(pk=station.pk).update(**change)
    station.refresh_from_db()
    with pytest.raises(Refused, match=words.replace("*", r"\*")):
        updates.start(station=station, image=image)
    assert not FirmwareUpdate.objects.exists() and not Command.objects.exists()


def test_other_peoples_and_withdrawn_firmware_is_refused(station, image):
    with pytest.raises(Refused, match="not offered"):
        updates.start(station=station, image=make.firmware_image(model_pattern="AC*"))
    FirmwareImage.objects.filter(pk=image.pk).update(is_retired=True)
    image.refresh_from_db()
    with pytest.raises(Refused, match="not offered"):
        updates.start(station=station, image=image)


def test_times_that_can_not_be(station, image):
    later = timezone.now() + timedelta(hours=2)
    with pytest.raises(Refused, match="before it is downloaded"):
        updates.start(station=station, image=image, retrieve_at=later, install_at=later - timedelta(hours=1))
    Station.objects.filter(pk=station.pk).update(ocpp_version="1.6")
    station.refresh_from_db()
    with pytest.raises(Refused, match="only with signed firmware"):
        updates.start(station=station, image=image, install_at=later)


def test_silence_is_a_failure_in_the_end(station, image):
    update = updates.start(station=station, image=image, keep_for=timedelta(hours=1))
    assert updates.expire(update.expires_at - timedelta(seconds=1)) == 0
    assert updates.expire(update.expires_at + timedelta(seconds=1)) == 1
    assert updates.expire(update.expires_at + timedelta(seconds=1)) == 0
    update.refresh_from_db()
    assert (update.state, update.problem) == ("failed", updates.NO_NEWS)


def test_who_said_installed_and_does_not_restart_is_asked_once(station, image):
    update = updates.start(station=station, image=image, keep_for=timedelta(hours=1))
    FirmwareUpdate.objects.filter(pk=update.pk).update(state="installed")
    Station.objects.filter(pk=station.pk).update(
        connection="00000000-0000-0000-0000-000000000001", node="x!y"
    )
    now = update.state_at
    assert updates.ask_silent(now + timedelta(minutes=9)) == 0
    assert updates.ask_silent(now + timedelta(minutes=11)) == 1
    assert updates.ask_silent(now + timedelta(minutes=12)) == 0
    trigger = Command.objects.get(action="TriggerMessage")
    assert trigger.payload == {"requestedMessage": "BootNotification"}


# --- local controllers ---------------------------------------------------------------------------


async def test_a_controller_publishes_and_withdraws(setting, database, ingest_all):
    charger = await setting.connect("2.0.1")
    charger.on("UnpublishFirmware", {"status": "Unpublished"})
    made = await database(publications.publish, station=setting.station, image=setting.image)
    sent = await charger.expect("PublishFirmware")
    assert (sent["requestId"], sent["checksum"]) == (made.pk, setting.image.md5)

    async def say(status, **more):
        await charger.call(
            "PublishFirmwareStatusNotification", {"status": status, "requestId": made.pk} | more
        )
        await ingest_all()
        await database(made.refresh_from_db)
        return made.state

    assert await say("Downloading") == "running"
    assert await say("ChecksumVerified") == "running"
    assert await say("Published", location=["https://controller.local/fw.bin"]) == "published"
    assert made.locations == ["https://controller.local/fw.bin"]
    with pytest.raises(Refused, match="2.x"):
        await database(
            lambda: publications.publish(
                station=make.station(site=setting.site, ocpp_version="1.6"), image=setting.image
            )
        )
    await database(publications.unpublish, publication=made)
    await charger.expect("UnpublishFirmware")
    for _attempt in range(100):
        await database(made.refresh_from_db)
        if made.state == "unpublished":
            break
        await setting._pause()
    assert (made.state, made.locations) == ("unpublished", [])
    with pytest.raises(Refused, match="not published"):
        await database(publications.unpublish, publication=made)


async def test_a_controller_that_fails(setting, database, ingest_all):
    charger = await setting.connect("2.0.1")
    made = await database(publications.publish, station=setting.station, image=setting.image)
    await charger.expect("PublishFirmware")
    await charger.call(
        "PublishFirmwareStatusNotification", {"status": "InvalidChecksum", "requestId": made.pk}
    )
    await ingest_all()
    row = await database(Publication.objects.get)
    assert (row.state, row.status) == ("failed", "InvalidChecksum")
    event = await database(Event.objects.get)
    assert (event.code, event.severity) == ("PublishFirmware.InvalidChecksum", 4)
