"""Simulated chargers ask for certificates and hold roots: with the portal itself at the other end."""

import asyncio

import pytest
from cryptography import x509
from django.utils import timezone

from stations.certificates import installed, issuing, local, roots
from stations.models import Certificate, Event, InstalledCertificate, Station
from stations.simulator import Fleet, FleetConfig, StationConfig
from tests import make
from tests.stations.certificates import papers

PASSWORD = "charger-password-1"


@pytest.fixture
async def charger(door, database, request):
    await database(make.station, identity="CP-1", password=PASSWORD)
    wire = {"identity": "CP-1", "password": PASSWORD, "version": request.param}
    fleet = Fleet(
        FleetConfig(stations=(StationConfig.parse(wire),), url=door.url, speed=60, first_backoff_s=0.02)
    )
    await fleet.start()
    await fleet.ready()
    yield fleet["CP-1"]
    await fleet.stop()


async def until(database, condition):
    for _i in range(100):
        if await database(condition):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(await database(lambda: list(Event.objects.values_list("code", "text"))))


def station():
    return Station.objects.select_related("site__operator").get()


@pytest.mark.parametrize("charger", ["1.6", "2.0.1", "2.1"], indirect=True)
async def test_renewed_on_request(charger, database):
    await database(lambda: issuing.ask(station=station()))
    await until(database, Certificate.objects.filter(status="requested").exists)
    await database(issuing.sign_due, timezone.now())
    await until(database, Certificate.objects.filter(status="installed").exists)
    chain = charger.keyring.chains["ChargingStationCertificate"]
    row = await database(Certificate.objects.get)
    assert row.common_name == charger.station.serial and len(chain) == 2
    assert row.serial_number == f"{chain[0].serial_number:x}"
    assert not charger.keyring.waiting


@pytest.mark.parametrize("charger", ["1.6", "2.0.1", "2.1"], indirect=True)
async def test_roots_come_and_go(charger, database):
    await database(
        lambda: installed.install(
            station=station(), kind="CSMSRootCertificate", pem=local.root_of("csms").certificate
        )
    )
    await until(database, InstalledCertificate.objects.exists)
    [(kind, root)] = charger.keyring.roots
    assert (kind, root) == ("CSMSRootCertificate", await database(lambda: own_root()))
    await database(InstalledCertificate.objects.all().delete)
    await database(lambda: installed.read(station=station()))
    await until(database, InstalledCertificate.objects.exists)
    await database(lambda: installed.delete(row=InstalledCertificate.objects.select_related("station").get()))
    await until(database, lambda: not InstalledCertificate.objects.exists())
    assert not charger.keyring.roots
    await database(lambda: installed.read(station=station()))


def own_root():
    return local.load_certificate(local.root_of("csms"))


@pytest.mark.parametrize("charger", ["2.0.1"], indirect=True)
async def test_it_names_the_organisation_that_it_was_told(charger, database):
    charger.settings.organisation = "Somebody else"
    await database(lambda: issuing.ask(station=station()))
    await until(database, Certificate.objects.filter(status="refused").exists)
    assert "Somebody else" in (await database(Certificate.objects.get)).problem


@pytest.mark.parametrize("charger", ["1.6", "2.0.1"], indirect=True)
async def test_it_takes_no_certificate_that_is_not_its_own(charger, database, ingest_all):
    from stations import commands

    pem = papers.pem(papers.Issuer().leaf("CP-1"))
    await database(
        lambda: commands.send(
            station=station(), action="CertificateSigned", payload={"certificateChain": pem}
        )
    )
    ours = "ChargePoint" if charger.version == "1.6" else "ChargingStation"
    for _i in range(50):
        await asyncio.sleep(0.1)
        await ingest_all()
        if await database(Event.objects.filter(code=f"Invalid{ours}Certificate", severity=4).exists):
            return
    raise AssertionError("nothing was told")


@pytest.mark.django_db
def test_the_choices_of_a_charger_are_its_versions():
    operator = make.operator()
    issuer = papers.Issuer("MO")
    roots.add(
        operator=operator, kind="MORootCertificate", name="MO", certificate=papers.pem(issuer.certificate)
    )
    kinds = {version: [each[1] for each in listed(operator, version)] for version in ("1.6", "2.1")}
    assert kinds == {
        "1.6": ["CSMSRootCertificate"],
        "2.1": ["CSMSRootCertificate", "V2GRootCertificate", "MORootCertificate"],
    }
    assert x509.load_pem_x509_certificate(listed(operator, "2.1")[-1][3].encode()) == issuer.certificate


def listed(operator, version):
    from stations.ocpp.spelling_certificates import root_kinds

    return roots.choices(operator, root_kinds(version))
