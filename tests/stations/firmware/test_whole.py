"""The whole way with a simulated charger: over its socket, over HTTP, and by what it boots with."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stations import customer_information, logs
from stations.firmware import campaigns, updates
from stations.models import Batch, FileTicket, FirmwareUpdate, LogRequest
from stations.simulator import Fleet, FleetConfig, StationConfig
from stations.simulator.tokens import Token, Verdict
from stations.tasks import drive_firmware, ingest
from tests import make

CONTENT = b"the newest software\n" * 50_000
VERSIONS = ["1.6", "2.0.1", "2.1"]


def work():
    """What workers do, while more keeps coming."""
    for batch in Batch.objects.filter(done_at=None):
        ingest(str(batch.pk))
    assert not Batch.objects.exclude(error="").exists()


@pytest.fixture
async def house(door, settings, database):
    """A portal, and one simulated charger that has booted there."""
    settings.PUBLIC_URL = door.http
    fleets = []

    class House:
        async def charger(self, version):
            site = await database(make.site)
            self.operator = site.operator
            self.station = await database(make.station, site=site, identity="CP 1")
            await database(make.evse, station=self.station)
            wire = {"identity": "CP 1", "password": "charger-password-1", "version": version}
            config = FleetConfig(
                stations=(StationConfig.parse(wire),), url=door.url, speed=600, first_backoff_s=0.02
            )
            fleets.append(Fleet(config))
            await fleets[-1].start()
            await fleets[-1].ready()
            await database(self.station.refresh_from_db)
            return fleets[-1]["CP 1"]

        async def until(self, row, **expected):
            for _attempt in range(400):
                await database(work)
                await database(row.refresh_from_db)
                if all(getattr(row, name) == value for name, value in expected.items()):
                    return row
                await asyncio.sleep(0.02)
            raise AssertionError({name: getattr(row, name) for name in expected})

        async def steps(self, update, until):
            for _attempt in range(400):
                await database(work)
                found = await database(lambda: list(update.steps.values_list("status", flat=True)))
                if until in found:
                    break
                await asyncio.sleep(0.02)
            return found

    yield House()
    for fleet in fleets:
        await fleet.stop()


def signed(content: bytes) -> tuple[str, str]:
    """(certificate, signature) of somebody who may sign it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Maker")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    signature = key.sign(content, ec.ECDSA(hashes.SHA256()))
    return (
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        base64.b64encode(signature).decode(),
    )


async def image_for(house, database, **fields):
    fields = {"operator": house.operator, "vendor": "Evportal", "content": CONTENT} | fields
    return await database(make.firmware_image, **fields)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_charger_is_brought_to_a_new_version(house, database, version):
    charger = await house.charger(version)
    image = await image_for(house, database, version="2.0.0")
    update = await database(updates.start, station=house.station, image=image)
    await house.until(update, state="done")
    await database(house.station.refresh_from_db)
    assert house.station.firmware == charger.station.firmware == "2.0.0"
    # The boot is decided at once; the words before and after it are ingested when a worker comes to it.
    steps = await house.steps(update, until="Installed")
    assert steps[0] == "requested"
    assert {"Downloading", "Downloaded", "Installing", "booted", "done"} <= set(steps)
    await house.until(await database(FileTicket.objects.get), uses=1, bytes_moved=len(CONTENT))


@pytest.mark.parametrize("version", VERSIONS)
async def test_signed_firmware_is_verified_by_the_charger(house, database, version):
    await house.charger(version)
    certificate, signature = signed(CONTENT)
    image = await image_for(
        house, database, version="3.0.0", signing_certificate=certificate, signature=signature
    )
    update = await database(updates.start, station=house.station, image=image)
    await house.until(update, state="done")
    assert "SignatureVerified" in await house.steps(update, until="Installed")
    action = await database(lambda: FirmwareUpdate.objects.select_related("command").get().command.action)
    assert action == ("SignedUpdateFirmware" if version == "1.6" else "UpdateFirmware")


@pytest.mark.parametrize("version", VERSIONS)
async def test_firmware_that_somebody_else_signed_is_refused(house, database, version):
    charger = await house.charger(version)
    certificate, signature = signed(b"other software")
    image = await image_for(
        house, database, version="3.0.0", signing_certificate=certificate, signature=signature
    )
    update = await database(updates.start, station=house.station, image=image)
    await house.until(update, state="failed")
    assert update.problem == "The charger does not accept its signature."
    assert charger.station.firmware == "1.0.0"
    events = await database(lambda: list(house.station.events.values_list("code", "severity")))
    assert ("Firmware.InvalidSignature", 3) in events


@pytest.mark.parametrize(
    ("version", "kind"), [(v, "DiagnosticsLog") for v in VERSIONS] + [("1.6", "SecurityLog")]
)
async def test_a_charger_leaves_its_log(house, database, version, kind):
    await house.charger(version)
    wanted = await database(logs.request, station=house.station, kind=kind)
    await house.until(wanted, state="uploaded", status="Uploaded")
    text = await database(lambda: LogRequest.objects.get().file.read().decode())
    assert "CP 1 Evportal Simulator" in text and "charger-password-1" not in text
    assert wanted.name.startswith("CP_1-") and wanted.name.endswith(".log")
    assert wanted.size == len(text)


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_a_charger_tells_and_forgets_a_customer(house, database, version):
    charger = await house.charger(version)
    card = Token("04CARD")
    charger.tokens.remember(card, Verdict("Accepted"))
    inquiry = await database(
        customer_information.ask, station=house.station, token="04CARD", report=True, clear=True
    )
    await house.until(inquiry, state="answered")
    assert await database(customer_information.show, inquiry=inquiry) == "04CARD: Accepted"
    assert charger.tokens.recall(card, charger.now()) is None
    again = await database(customer_information.ask, station=house.station, token="04CARD", report=True)
    await house.until(again, state="answered")
    assert "Nothing is kept" in await database(customer_information.show, inquiry=again)


async def test_a_campaign_over_the_wire(house, database):
    charger = await house.charger("2.0.1")
    image = await image_for(house, database, version="2.0.0")
    made = await database(campaigns.create, image=image, stations=[house.station], name="All")
    await database(drive_firmware)
    await house.until(await database(FirmwareUpdate.objects.get), state="done")
    await database(drive_firmware)
    await database(made.refresh_from_db)
    row = await database(made.rows.get)
    assert (made.state, row.state, charger.station.firmware) == ("finished", "done", "2.0.0")
