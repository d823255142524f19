"""Signed sessions over real sockets: verified, billed from what was signed, or held; and what people see."""

import base64
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing import actions, documents
from billing.models import Cdr, Invoice
from monitoring.models import Alert, Kind, Rule
from monitoring.rules import rounds
from stations import signed_checks
from stations.models import MeterKey, Session, Setting, SignedCheck, SignedValue
from stations.ocmf import keys, record
from tests import make
from tests.billing import money
from tests.billing.conftest import provider, running_provider  # noqa: F401
from tests.charger import Charger
from tests.ocmf import Meter, reading
from tests.pdf import text as text_of

PASSWORD = "charger-password-1"
Status = MeterKey.Status


@pytest.fixture(autouse=True)
def _no_second_factor(settings):
    settings.STAFF_MFA_REQUIRED = False


class Place:
    """A driver with a card at a charger whose meter signs."""

    def __init__(self, **operator):
        self.site = make.site(operator=make.operator(**operator))
        self.station = make.station(site=self.site, identity="CP-1", password=PASSWORD)
        self.evse = make.evse(station=self.station, max_power_w=22_000)
        money.tariff(evse=self.evse)
        self.driver = make.user()
        money.card(self.driver)
        self.token = make.id_token(operator=self.site.operator, token="04A2B3C4", user=self.driver).token
        self.meter = Meter()


@pytest.fixture
def place(transactional_db, provider):  # noqa: F811
    return Place()


def moment(minutes: int) -> tuple[str, str]:
    """So many minutes ago, as OCPP and as OCMF write it."""
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z"), at.strftime("%Y-%m-%dT%H:%M:%S,000+0000")


async def charge(door, place, version, *, forge=lambda text: text, end_kwh="15.02", meter=None):
    """Half an hour, 10.00 to 15.00 kWh by the plain readings; what was signed is a little more exact."""
    meter = meter or place.meter
    begun, ended = moment(30), moment(1)
    begin = meter.sign(reading("B", 10.0, begun[1]))
    end = forge(meter.sign(reading("E", float(end_kwh), ended[1])))
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as one:
        if version == "1.6":
            said = [
                {
                    "timestamp": at,
                    "sampledValue": [{"value": text, "format": "SignedData", "context": context}],
                }
                for at, text, context in (
                    (begun[0], begin, "Transaction.Begin"),
                    (ended[0], end, "Transaction.End"),
                )
            ]
            await one.start(place.token, meter_wh=10_000, timestamp=begun[0])
            await one.stop(15_000, timestamp=ended[0], transactionData=said)
            return
        await one.start(
            place.token, timestamp=begun[0], meterValue=[signed_201(meter, 10_000, begin, begun[0])]
        )
        await one.stop(0, timestamp=ended[0], meterValue=[signed_201(meter, 15_000, end, ended[0])])


def signed_16(text, context):
    return {"value": text, "format": "SignedData", "context": context}


def signed_201(meter, wh, text, at):
    about = {
        "signedMeterData": base64.b64encode(text.encode()).decode(),
        "signingMethod": "ECDSA-secp256r1-SHA256",
        "encodingMethod": "OCMF",
        "publicKey": base64.b64encode(f"oca:base16:asn1:{meter.key}".encode()).decode(),
    }
    context = "Transaction.Begin" if '"B"' in text else "Transaction.End"
    register = {"value": wh, "context": context, "unitOfMeasure": {"unit": "Wh"}, "signedMeterValue": about}
    return {"timestamp": at, "sampledValue": [register]}


def bill() -> Cdr:
    """As the worker does it."""
    return actions.bill(session=Session.objects.with_place().get())


def trust(place) -> MeterKey:
    return signed_checks.enter_key(evse=place.evse, text=place.meter.key, by=None)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_signed_session_is_billed_from_what_was_signed(door, place, database, version):
    await database(trust, place)
    await charge(door, place, version)
    cdr = await database(bill)
    session = await database(lambda: Session.objects.select_related("signed_check").get())
    check = session.signed_check
    assert (check.verdict, check.reason, check.notes) == ("good", "", [])
    assert (session.energy_wh, session.review) == (Decimal(5020), "")
    assert (check.start_wh, check.stop_wh) == (Decimal(10000), Decimal(15020))
    # 5.02 kWh at 0.49, not the 5.00 of the plain readings.
    assert (cdr.state, cdr.gross) == (Cdr.State.SETTLED, Decimal("2.46"))

    again = await database(signed_checks.verify, session=session)
    assert again.checked_at == check.checked_at
    await database(lambda: look(session, place))


def look(session, place):
    """What the driver, the operator and the file say."""
    page = Client().get(reverse("billing:receipt", args=[session.link])).content.decode()
    assert "Verified" in page and "M-1" in page and place.meter.key in page
    german = Client(headers={"accept-language": "de"}).get(reverse("billing:receipt", args=[session.link]))
    assert "Signierte Messwerte" in german.content.decode()

    got = Client().get(reverse("billing:signed_xml", args=[session.link]))
    root = ElementTree.fromstring(got.content)
    texts = [each.text for each in root.iter("signedData")]
    kept = [signed_checks.plain_text(row.data) for row in SignedValue.objects.order_by("at")]
    assert texts == kept and len(texts) == 2
    assert {each.text for each in root.iter("publicKey")} == {place.meter.key}

    printed = text_of(documents.pdf(Invoice.objects.get()))
    assert "Signed meter values" in printed and "Verified" in printed
    assert place.meter.key[:60] in printed and '"PG": "T2"' in printed

    boss = make.member(operator=place.site.operator)
    client = Client()
    client.force_login(boss)
    shown = client.get(reverse("ops:session", args=[session.pk])).content.decode()
    assert "from the signed registers" in shown
    said = client.get(f"/api/v1/sessions/{session.pk}/").json()["signed_check"]
    assert (said["verdict"], said["start_wh"], said["stop_wh"]) == ("good", 10000, 15020)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_forged_session_is_held_and_alerts(door, place, database, version):
    await database(trust, place)
    await charge(door, place, version, forge=lambda text: text.replace("15.02", "15.92"))
    cdr = await database(bill)
    session = await database(lambda: Session.objects.select_related("signed_check").get())
    assert (session.signed_check.verdict, session.signed_check.is_held) == ("bad", True)
    assert cdr.state == Cdr.State.REVIEW
    assert "does not fit its signature" in cdr.review
    # The figure for the person who decides is of the plain readings.
    assert (session.energy_wh, cdr.gross) == (Decimal(5000), Decimal("2.45"))

    def alerts():
        rounds.check(now=timezone.now(), all_kinds=True)
        rounds.check(now=timezone.now(), all_kinds=True)
        [alert] = Alert.objects.filter(kind=Kind.SIGNED)
        return alert

    alert = await database(alerts)
    assert alert.station_id == place.station.pk
    assert "does not fit its signature" in alert.title
    assert await database(Rule.objects.filter(kind=Kind.SIGNED).exists)


async def test_a_key_that_the_charger_tells_is_used_and_said_to_be_so(door, place, database):
    await charge(door, place, "2.0.1")
    cdr = await database(bill)
    check = await database(SignedCheck.objects.get)
    assert (check.verdict, check.notes, cdr.state) == ("good", ["learned_key"], Cdr.State.SETTLED)
    assert (await database(MeterKey.objects.get)).status == Status.LEARNED


async def test_a_key_that_changes_is_flagged_and_waits_for_a_person(door, place, database):
    other = Meter()
    await database(lambda: MeterKey.objects.create(
        evse=place.evse, key=other.key, fingerprint=keys.read(other.key).fingerprint, status=Status.LEARNED
    ))  # fmt: skip
    await charge(door, place, "2.0.1")
    cdr = await database(bill)
    check = await database(SignedCheck.objects.get)
    assert (check.verdict, check.reason, cdr.state) == ("inconsistent", "key_changed", Cdr.State.REVIEW)
    assert check.notes == ["new_key"]

    def confirm():
        new = MeterKey.objects.get(status=Status.CHANGED)
        signed_checks.confirm_key(key=new, by=None)
        session = Session.objects.with_place().get()
        return actions.correct(session=session, previous_energy_wh=session.energy_wh)

    # A person finds that the meter was exchanged: the bill goes out, from what was signed.
    cdr = await database(confirm)
    assert (cdr.state, cdr.gross) == (Cdr.State.SETTLED, Decimal("2.46"))
    assert await database(lambda: sorted(MeterKey.objects.values_list("status", flat=True))) == [
        "retired",
        "trusted",
    ]


@pytest.mark.parametrize(
    ("country", "choice", "state"),
    [
        ("DE", "", Cdr.State.REVIEW),
        ("AT", "", Cdr.State.SETTLED),
        ("DE", "bill", Cdr.State.SETTLED),
        ("AT", "hold", Cdr.State.REVIEW),
    ],
)
async def test_without_a_key_the_law_or_the_operator_decides(door, place, database, country, choice, state):
    def arrange():
        place.site.country = country
        place.site.save()
        place.site.operator.unproven_meter_values = choice
        place.site.operator.save()

    await database(arrange)
    await charge(door, place, "1.6")
    cdr = await database(bill)
    check = await database(SignedCheck.objects.get)
    assert (check.verdict, cdr.state) == ("unknown_key", state)
    # What nobody could verify is not billed from.
    assert (await database(Session.objects.get)).energy_wh == Decimal(5000)


async def test_1_6_tells_its_key_in_its_configuration(door, place, database):
    await database(lambda: Setting.objects.create(
        station=place.station, path="MeterPublicKey1", variable="MeterPublicKey1", value=place.meter.key
    ))  # fmt: skip
    await charge(door, place, "1.6")
    await database(bill)
    check = await database(SignedCheck.objects.get)
    assert (check.verdict, check.notes) == ("good", ["learned_key"])


async def test_a_meter_that_signs_and_then_does_not(door, place, database):
    await database(trust, place)
    async with Charger(door.url, "CP-1", PASSWORD) as one:
        await one.start(place.token, meter_wh=10_000, timestamp=moment(30)[0])
        await one.stop(15_000, timestamp=moment(1)[0])
    cdr = await database(bill)
    check = await database(SignedCheck.objects.get)
    assert (check.verdict, check.reason, cdr.state) == ("missing", "no_values", Cdr.State.REVIEW)


async def test_one_that_never_signs_is_billed_as_ever(door, place, database):
    async with Charger(door.url, "CP-1", PASSWORD) as one:
        await one.start(place.token, meter_wh=10_000, timestamp=moment(30)[0])
        await one.stop(15_000, timestamp=moment(1)[0])
    cdr = await database(bill)
    assert (cdr.state, await database(SignedCheck.objects.exists)) == (Cdr.State.SETTLED, False)


# The simulator, the admin and the API


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_the_simulators_meters_verify(version):
    from stations.ocmf import signature
    from stations.simulator.signing import SigningMeter
    from stations.simulator.station import Reading
    from stations.simulator.tokens import Token

    meter = SigningMeter("CP-1", 1, "Model")
    assert meter.public_key == SigningMeter("CP-1", 1, "Model").public_key
    text = meter.sign(Reading(12_345.6, 0, (), None), datetime.now(UTC), "B", Token("04A2B3C4"))
    one = record.parse(text)
    assert signature.check(one, keys.read(meter.public_key)) is signature.Checked.GOOD
    assert (one.readings[0].wh, one.readings[0].time_status) == (Decimal(12345), "S")


@pytest.mark.django_db
def test_keys_over_the_api(client):
    evse = make.evse()
    client.force_login(make.member(operator=evse.station.site.operator))
    meter = Meter()
    bad = client.post("/api/v1/meter-keys/", {"evse": evse.public_id, "key": "no"}, "application/json")
    assert bad.status_code == 400 and "no public key" in bad.content.decode()
    made = client.post(
        "/api/v1/meter-keys/", {"evse": evse.public_id, "key": meter.key, "note": "M-1"}, "application/json"
    )
    assert made.status_code == 201
    assert (made.json()["status"], made.json()["curve"]) == ("trusted", "secp256r1")
    gone = client.patch(f"/api/v1/meter-keys/{made.json()['id']}/", {"status": "retired"}, "application/json")
    assert gone.json()["status"] == "retired"
    # A retired key stays so, also if the charger tells it again.
    told = SignedValue(evse=evse, public_key=meter.key, data="", context="")
    assert signed_checks.learn(evse, [told]) == []


@pytest.mark.django_db
def test_keys_in_the_admin(client):
    evse = make.evse()
    client.force_login(make.member(operator=evse.station.site.operator))
    add = reverse("admin:stations_meterkey_add")
    wrong = client.post(add, {"evse": evse.pk, "key": "no key", "note": ""})
    assert "no public key" in wrong.content.decode()
    assert client.post(add, {"evse": evse.pk, "key": Meter().key, "note": ""}).status_code == 302
    first = MeterKey.objects.get()
    assert (first.status, first.confirmed_by is not None) == (Status.TRUSTED, True)
    other = Meter()
    signed_checks.learn(evse, [SignedValue(evse=evse, public_key=other.key, data="", context="")])
    told = MeterKey.objects.get(status=Status.CHANGED)
    client.post(
        reverse("admin:stations_meterkey_changelist"),
        {"action": "confirm_chosen", "_selected_action": [told.pk]},
    )
    told.refresh_from_db(), first.refresh_from_db()
    assert (told.status, first.status) == (Status.TRUSTED, Status.RETIRED)
