"""The pages about certificates: a charger's tab, the overview, and what can be done from them."""

from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from stations import commands, events
from stations.certificates import installed, issuing, local
from stations.certificates.hashes import hash_data
from stations.models import Certificate, Command, Event, InstalledCertificate, RootCertificate, Station
from tests import make
from tests.stations.certificates import papers

pytestmark = pytest.mark.django_db


@pytest.fixture
def station():
    return make.station(connection=uuid4(), node="nobody", ocpp_version="2.0.1", name="Post 1")


@pytest.fixture
def manager(client, station):
    person = make.member(operator=station.site.operator)
    from allauth.mfa.models import Authenticator

    Authenticator.objects.create(user=person, type="totp", data={"secret": "not needed here"})
    client.force_login(person)
    return person


def issue(station, **more):
    row = issuing.request(
        station=station, csr=papers.csr(station.identity), received_at=timezone.now(), **more
    )
    assert issuing.sign(row.pk)
    row.refresh_from_db()
    return row


def do(client, station, verb, **data):
    url = reverse("ops:charger_do", args=[station.pk, verb])
    return client.post(url, {"once": str(uuid4()), **data})


def page(client, name, *args):
    return client.get(reverse(f"ops:{name}", args=args)).content.decode()


def answer(command, **response):
    """What follows when the charger has answered a call."""
    Command.objects.filter(pk=command.pk).update(status="sent")
    commands.finish(command.pk, status="answered", response=response)
    command.refresh_from_db()
    installed.command_finished(command)
    issuing.command_finished(command)


def put_on(station, certificate, kind="CSMSRootCertificate"):
    fields = hash_data(certificate, certificate).fields()
    return InstalledCertificate.objects.create(station=station, kind=kind, seen_at=timezone.now(), **fields)


def test_the_tab_shows_all_of_it(client, station, manager):
    assert "has not asked for a certificate" in page(client, "charger_certificates", station.pk)
    row = issue(station)
    refused = issuing.request(station=station, csr="no", received_at=timezone.now())
    put_on(station, local.load_certificate(local.root_of("csms")))
    text = page(client, "charger_certificates", station.pk)
    names = ("Portal (CSMS) root", "evportal chargers root", "its only one")
    for words in (row.serial_number, refused.problem, *names):
        assert words in text, words
    assert station.identity not in text.split("<main")[1].split("What happened")[0]
    overview = page(client, "certificates")
    assert row.serial_number in overview and "Post 1" in overview


@pytest.mark.parametrize(
    ("version", "verb", "sent"),
    [
        ("1.6", "renew-certificate", [("ExtendedTriggerMessage", "SignChargePointCertificate")]),
        ("2.0.1", "renew-certificate", [("TriggerMessage", "SignChargingStationCertificate")]),
        (
            "1.6",
            "read-certificates",
            [("GetInstalledCertificateIds", "CentralSystem"), ("GetInstalledCertificateIds", "Manufacturer")],
        ),
        ("2.1", "read-certificates", [("GetInstalledCertificateIds", "{}")]),
        ("1.6", "name-organisation", [("ChangeConfiguration", "CpoName")]),
        ("2.1", "name-organisation", [("SetVariables", "OrganizationName")]),
    ],
)
def test_what_can_be_asked_of_a_charger(client, station, manager, version, verb, sent):
    Station.objects.update(ocpp_version=version)
    extra = {"use": "ChargingStationCertificate"} if verb == "renew-certificate" else {}
    made = do(client, station, verb, **extra)
    rows = list(Command.objects.order_by("created_at"))
    assert made["Location"] == reverse("ops:command", args=[rows[-1].pk])
    assert [row.action for row in rows] == [action for action, _words in sent]
    for row, (_action, words) in zip(rows, sent, strict=True):
        assert words in str(row.payload) and row.created_by == manager


def test_a_root_is_installed_read_and_deleted(client, station, manager):
    form = client.get(reverse("ops:charger_do", args=[station.pk, "install-root"]))
    assert "evportal chargers root" in form.content.decode()
    assert do(client, station, "install-root", root="nonsense").status_code == 200
    do(client, station, "install-root", root="own-CSMSRootCertificate-0")
    command = Command.objects.get()
    root = local.load_certificate(local.root_of("csms"))
    assert command.payload == {"certificateType": "CSMSRootCertificate", "certificate": papers.pem(root)}
    answer(command, status="Accepted")
    row = InstalledCertificate.objects.get()
    assert installed.named(row) == hash_data(root, root)

    other = papers.Issuer().certificate
    read = installed.read(station=station)
    chain = [
        {"certificateType": "CSMSRootCertificate", "certificateHashData": hash_data(root, root).wire()},
        {
            "certificateType": "V2GCertificateChain",
            "certificateHashData": hash_data(other, other).wire(),
            "childCertificateHashData": [hash_data(root, other).wire()],
        },
    ]
    answer(read, status="Accepted", certificateHashDataChain=chain)
    found = InstalledCertificate.objects.values_list("kind", "is_child")
    assert sorted(found) == [
        ("CSMSRootCertificate", False),
        ("V2GCertificateChain", False),
        ("V2GCertificateChain", True),
    ]

    Command.objects.all().delete()
    row = InstalledCertificate.objects.get(kind="CSMSRootCertificate")
    asked = client.get(
        reverse("ops:charger_do", args=[station.pk, "delete-certificate"]), {"certificate": row.pk}
    )
    assert "only root by which it knows this portal" in asked.content.decode()
    assert do(client, station, "delete-certificate", certificate=row.pk).status_code == 200
    assert not Command.objects.exists(), "the last root goes only for who says that they know"
    do(client, station, "delete-certificate", certificate=row.pk, sure="on")
    command = Command.objects.get()
    assert command.payload == {"certificateHashData": hash_data(root, root).wire()}
    answer(command, status="Failed")
    assert InstalledCertificate.objects.filter(pk=row.pk).exists()
    again = installed.delete(row=row)
    answer(again, status="Accepted")
    assert not InstalledCertificate.objects.filter(kind="CSMSRootCertificate").exists()
    codes = set(Event.objects.values_list("code", flat=True))
    assert {"RootInstalled", "CertificateDeleted", "DeleteCertificateRefused"} <= codes


def test_another_chargers_certificate_is_not_deleted_here(client, station, manager):
    row = put_on(make.station(), papers.Issuer().certificate)
    assert do(client, station, "delete-certificate", certificate=row.pk, sure="on").status_code == 200
    assert not Command.objects.exists()


def test_an_offline_charger_gets_nothing(client, station, manager):
    Station.objects.update(connection=None)
    assert do(client, station, "read-certificates").status_code == 200
    assert not Command.objects.exists()


def test_revoking_asks_first(client, station, manager):
    row = issue(station)
    url = reverse("ops:certificate_revoke", args=[row.pk])
    assert "be undone" in client.get(url).content.decode()
    assert client.post(url, {"reason": "no reason"}).status_code == 200
    assert client.post(url, {"reason": "keyCompromise"}).status_code == 302
    row.refresh_from_db()
    assert (row.revocation_reason, row.revoked_by) == ("keyCompromise", manager)
    assert "Revoked" in page(client, "charger_certificates", station.pk)
    assert row.serial_number not in page(client, "certificates")


def test_roots_are_added_once_and_forgotten(client, station, manager):
    operator, url = station.site.operator, reverse("ops:root_add")
    issuer = papers.Issuer("MO root")
    data = {"operator": operator.pk, "kind": "MORootCertificate", "name": "MO"}
    wrong = {
        "": "required",
        "nonsense": "not a certificate of an authority",
        papers.pem(issuer.leaf("x")): "may not sign others",
        papers.pem(issuer.certificate, issuer.certificate): "one certificate at a time",
    }
    for pem, words in wrong.items():
        answered = client.post(url, data | {"certificate": pem})
        assert answered.status_code == 200 and words in answered.content.decode(), words
    pem = papers.pem(issuer.certificate)
    refused = client.post(url, data | {"certificate": pem, "admits_stations": "on"})
    assert "can admit chargers" in refused.content.decode()
    other = make.operator()
    assert client.post(url, data | {"operator": other.pk, "certificate": pem}).status_code == 200
    assert not RootCertificate.objects.exists()
    assert client.post(url, data | {"certificate": f"Our root:\n{pem}"}).status_code == 302
    row = RootCertificate.objects.get()
    assert (row.certificate, row.subject) == (pem, "CN=MO root")
    assert "there already" in client.post(url, data | {"certificate": pem}).content.decode()
    assert client.post(reverse("ops:root_delete", args=[row.pk])).status_code == 302
    assert not RootCertificate.objects.exists()


def test_renewal_is_asked_for_once_a_day_and_told(settings, station):
    from datetime import timedelta

    from stations.certificates.renewal import renew_due

    row = issue(station)
    now = timezone.now()
    assert renew_due(now) == 0, "not taken by the charger yet"
    Certificate.objects.update(status="installed")
    Command.objects.all().delete()
    assert renew_due(now) == 0, "a year to go"
    soon = row.not_after - timedelta(days=settings.OCPP_CERTIFICATE_RENEW_DAYS)
    assert [renew_due(soon + timedelta(hours=hours)) for hours in (-1, 1, 2, 23, 26)] == [0, 1, 0, 0, 1]
    assert Command.objects.filter(payload={"requestedMessage": "SignChargingStationCertificate"}).count() == 2
    severities = Event.objects.filter(code="CertificateExpiring").values_list("severity", flat=True)
    assert set(severities) == {6}
    late = row.not_after - timedelta(days=6)
    assert renew_due(late) == 1
    assert Event.objects.filter(code="CertificateExpiring", severity=4).count() == 1
    newer = issue(station)
    Certificate.objects.filter(pk=newer.pk).update(
        status="installed", not_after=row.not_after + timedelta(days=300)
    )
    assert renew_due(late + timedelta(days=2)) == 0, "its successor is there"


def test_events_of_other_kinds_are_not_on_the_tab(client, station, manager):
    now = timezone.now()
    events.record(
        [
            Event(station=station, kind=kind, code=f"Code{kind}", at=now, received_at=now)
            for kind in ("firmware", "security")
        ]
    )
    text = page(client, "charger_certificates", station.pk)
    assert "Codesecurity" in text and "Codefirmware" not in text
