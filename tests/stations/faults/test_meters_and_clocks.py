"""RELIABILITY §3, rows 12–22: meters and clocks that can't be believed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing import prices
from stations.models import Quirk, SignedValue, Station
from tests.stations.faults.conftest import TAG, ago, event, start, stop, text, values

REGISTER = "Energy.Active.Import.Register"


async def charge(one, *meter_values, version="1.6", meter=(1000, 6000), times=None):
    """A whole charge of an hour with these MeterValues in between; returns its number."""
    times = times or (ago(hours=1), ago(minutes=1))
    if version == "1.6":
        number = (await one.call("StartTransaction", start(meter[0], at=times[0])))["transactionId"]
        for payload in meter_values:
            assert await one.call("MeterValues", payload | {"transactionId": number}) == {}
        assert await one.call("StopTransaction", stop(number, meter[1], at=times[1])) == {}
        return number
    await one.call("TransactionEvent", event("Started", 0, meter[0], at=times[0], tag=TAG))
    for seq_no, (at, sampled) in enumerate(meter_values, start=1):
        update = event("Updated", seq_no, at=at, meterValue=[{"timestamp": at, "sampledValue": sampled}])
        assert await one.call("TransactionEvent", update) == {}
    await one.call("TransactionEvent", event("Ended", 50, meter[1], at=times[1]))
    return "T-1"


def wh(value, minutes, **more):
    return values({"value": str(value)} | more, at=ago(minutes=minutes))


async def test_12_readings_out_of_order_and_repeated(charger, ask, ingest_all):
    async with charger() as one:
        await charge(one, wh(4000, 20), wh(2000, 40), wh(2000, 40), wh(3000, 30))
        await ingest_all()
    assert [reading.value for reading in await ask.readings()] == [2000, 3000, 4000]
    session = await ask.session()
    assert (session.energy_wh, session.review, session.flags) == (Decimal(5000), "", [])


async def test_12_events_out_of_order_and_repeated(charger, ask, ingest_all):
    async with charger("2.0.1") as one:
        await one.call("TransactionEvent", event("Started", 0, 1000, tag=TAG))
        for number in (3, 1, 2, 1):
            await one.call("TransactionEvent", event("Updated", number, 1000 + number * 1000))
        await ingest_all()
        assert (await ask.session()).energy_wh == 3000
    assert [reading.value for reading in await ask.readings()] == [1000, 2000, 3000, 4000]


async def test_13_a_reset_register_is_summed_in_segments_and_held(charger, ask, database, ingest_all):
    async with charger() as one:
        await charge(one, wh(4000, 40), wh(100, 30), wh(1500, 20), meter=(1000, 2500))
        await ingest_all()
    session = await ask.session()
    assert (session.energy_wh, session.flags) == (Decimal(5500), ["reset"])
    assert session.review == "The meter was reset during the session."
    assert (await database(prices.usage, session)).energy_wh == session.energy_wh


async def test_13_a_register_that_rolls_over(charger, ask, ingest_all):
    async with charger() as one:
        await charge(one, wh(999_500, 40), wh(800, 30), meter=(998_000, 2000))
        await ingest_all()
    session = await ask.session()
    assert (session.energy_wh, session.flags, session.review) == (Decimal(4000), ["rollover"], "")


async def test_13_a_reset_that_comes_to_light_late_corrects(charger, ask, ingest_all):
    """By start and stop alone it was a little; the readings that waited tell of more."""
    async with charger() as one:
        number = await charge(one, meter=(1000, 2500))
        assert (await ask.session()).energy_wh == 1500
        await one.call("MeterValues", wh(4000, 40) | {"transactionId": number})
        await ingest_all()
    session = await ask.session()
    assert (session.energy_wh, session.flags) == (Decimal(5500), ["reset"])


async def test_14_samples_of_the_session_and_start_of_a_lifetime(charger, ask, ingest_all):
    async with charger() as one:
        await charge(one, wh(1000, 40), wh(3000, 20), meter=(8_000_000, 8_005_000))
        await ingest_all()
    session = await ask.session()
    assert (session.energy_wh, session.flags, session.review) == (Decimal(5000), ["relative"], "")


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_15_stop_below_start_is_held(charger, ask, ingest_all, version):
    async with charger(version) as one:
        await charge(one, version=version, meter=(900_000, 100_000))
        await ingest_all()
    session = await ask.session()
    assert (session.energy_wh, session.review) == (Decimal(0), "The meter ran backwards.")


async def test_16_wh_labelled_kwh_are_more_than_can_be(charger, ask, ingest_all):
    async with charger() as one:
        await charge(one, wh(3000, 30, unit="kWh"), meter=(1000, 5_000_000))
        await ingest_all()
    assert (await ask.session()).review == "More energy than this charger can give in that time."


async def test_16_kwh_labelled_wh_are_less_than_the_power_says(charger, ask, ingest_all):
    power = {"measurand": "Power.Active.Import", "value": "11000", "unit": "W"}
    async with charger() as one:
        meters = [values(power, {"value": str(n)}, at=ago(minutes=60 - 10 * n)) for n in (1, 2, 3, 4, 5)]
        await charge(one, *meters, meter=(0, 9))
        await ingest_all()
    assert (await ask.session()).review.startswith("Far less energy than the power")


async def test_17_a_missing_unit_is_the_standards(charger, ask, ingest_all):
    power = {"measurand": "Power.Active.Import", "value": "7000"}
    async with charger() as one:
        await charge(one, values({"value": "2000"}, power, at=ago(minutes=30)))
        await ingest_all()
    assert {(reading.value, reading.unit) for reading in await ask.readings()} == {(2000, "Wh"), (7000, "W")}


@pytest.mark.parametrize("of_station", [True, False])
async def test_17_a_missing_unit_is_what_the_quirk_says(
    charger, ask, place, database, ingest_all, of_station
):
    about = {"station": place.station} if of_station else {"vendor": "vendor", "model": "MODEL"}
    await database(
        Quirk.objects.create, operator=place.site.operator, energy_unit="kWh", power_unit="kW", **about
    )
    power = {"measurand": "Power.Active.Import", "value": "7"}
    async with charger() as one:
        await one.boot()
        await charge(
            one, values({"value": "2"}, power, {"value": "2500", "unit": "Wh", "context": "Trigger"})
        )
        await ingest_all()
    found = {(reading.context, reading.value, reading.unit) for reading in await ask.readings()}
    assert found == {
        ("Sample.Periodic", 2000, "Wh"), ("Sample.Periodic", 7000, "W"), ("Trigger", 2500, "Wh"),
    }  # fmt: skip


@pytest.mark.parametrize("value", ["NaN", "1e308", "-Infinity", "1,5", "", "0x10", "9" * 30])
async def test_18_what_is_no_number_spoils_only_itself(charger, ask, ingest_all, value):
    soc = {"measurand": "SoC", "value": "50", "unit": "Percent"}
    async with charger() as one:
        await charge(one, values({"value": value}, soc, {"value": "3000", "context": "Sample.Clock"}))
        await ingest_all()
    assert {(reading.measurand, reading.value) for reading in await ask.readings()} == {
        ("SoC", 50), (REGISTER, 3000),
    }  # fmt: skip
    assert (await ask.session()).energy_wh == 5000


@pytest.mark.parametrize("value", [1e308, 1e15, -4.2])
async def test_18_numbers_beyond_reason_in_2_x(charger, ask, ingest_all, value):
    async with charger("2.0.1") as one:
        sampled = [{"value": value, "measurand": "SoC"}, {"value": 3000}]
        await charge(one, (ago(minutes=30), sampled), version="2.0.1")
        await ingest_all()
    session = await ask.session()
    assert (session.energy_wh, session.review, session.soc_percent) == (Decimal(5000), "", None)


@pytest.mark.parametrize(
    ("sampled", "flag"),
    [
        ({"value": "180", "measurand": "SoC", "unit": "Percent"}, "implausible"),
        ({"value": "-5"}, "negative"),
        ({"value": "5", "unit": "A"}, "unit"),
        ({"value": "9000000", "measurand": "Power.Active.Import", "unit": "W"}, "implausible"),
    ],
)
async def test_18_the_impossible_is_kept_and_flagged(charger, ask, ingest_all, sampled, flag):
    async with charger() as one:
        await charge(one, values(sampled))
        await ingest_all()
    [reading] = await ask.readings()
    assert reading.flag == flag
    session = await ask.session()
    assert (session.energy_wh, session.review, session.soc_percent) == (Decimal(5000), "", None)


async def test_18_a_jump_and_back_is_left_out(charger, ask, ingest_all):
    async with charger() as one:
        await charge(one, wh(2000, 40), wh(70_000_000, 30), wh(3000, 20))
        await ingest_all()
    session = await ask.session()
    assert (session.energy_wh, session.flags, session.review) == (Decimal(5000), ["spike"], "")


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_19_no_time_zone_is_utc(charger, ask, ingest_all, version):
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    zoneless = began.strftime("%Y-%m-%dT%H:%M:%S")
    async with charger(version) as one:
        await charge(one, version=version, times=(zoneless, ago(minutes=1)))
        await ingest_all()
    session = await ask.session()
    assert (session.started_at, session.review) == (began, "")
    if version == "2.0.1":
        assert (await ask.readings())[0].flag == "no_zone"


async def test_20_a_clock_that_is_ahead_is_corrected_and_told(charger, ask, database, place, ingest_all):
    """Two hours ahead, as local time that is labelled Z."""
    ahead = datetime.now(UTC) + timedelta(hours=2)
    async with charger() as one:
        number = (await one.call("StartTransaction", start(at=text(ahead))))["transactionId"]
        two = values({"value": "1100"}, at=text(ahead - timedelta(minutes=1)))
        two["meterValue"] += values({"value": "1200"}, at=text(ahead))["meterValue"]
        await one.call("MeterValues", two | {"transactionId": number})
        await ingest_all()
        session = await ask.session()
        assert abs(session.started_at - timezone.now()) < timedelta(minutes=1)
        assert session.flags == ["clock_skew"]
        first, second = await ask.readings()
        assert second.at - first.at == timedelta(minutes=1)
        assert abs(second.at - timezone.now()) < timedelta(minutes=1)
        assert {first.flag, second.flag} == {"clock_skew"}
    await database(place.station.refresh_from_db)
    assert abs(place.station.clock_offset_s + 7200) < 5
    assert (await ask.events()).count("ClockSkew") == 1


async def test_20_a_clock_that_is_behind_is_known_by_its_constancy(charger, ask, database, place, ingest_all):
    async with charger() as one:
        await one.status("Available", timestamp=ago(hours=5))
        await ingest_all()
        await database(place.station.refresh_from_db)
        assert place.station.clock_offset_s == 0, "it may have waited in a queue"
        # The same difference, a while later.
        seen = timezone.now() - timedelta(minutes=2)
        await database(Station.objects.update, clock_seen_at=seen)
        await one.status("Preparing", timestamp=ago(hours=5))
        await ingest_all()
        await one.call("StartTransaction", start(at=ago(hours=5)))
    session = await ask.session()
    assert abs(session.started_at - timezone.now()) < timedelta(minutes=1)
    assert "ClockSkew" in await ask.events()
    async with charger() as one:
        await one.status("Available", timestamp=ago(seconds=1))
        await ingest_all()
    await database(place.station.refresh_from_db)
    assert place.station.clock_offset_s == 0, "somebody has set it"


@pytest.mark.parametrize("said", ["1970-01-01T00:00:07Z", "2099-01-01T00:00:00Z", "2026-02-30T00:00:00Z"])
@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_21_no_clock_at_all(charger, ask, ingest_all, version, said):
    """Our receive time counts, and the readings still do."""
    async with charger(version) as one:
        if version == "1.6":
            await charge(one, values({"value": "1100"}, at=said), meter=(1000, 1200), times=(said, said))
        else:
            sampled = [{"value": 1100}]
            await charge(one, (said, sampled), version=version, meter=(1000, 1200), times=(said, said))
        await ingest_all()
    session = await ask.session()
    assert abs(session.started_at - timezone.now()) < timedelta(minutes=1)
    assert (session.energy_wh, session.review) == (Decimal(200), "")
    assert {reading.flag for reading in await ask.readings()} == {"bad_clock"}


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_22_start_after_stop_is_held(charger, ask, ingest_all, version):
    async with charger(version) as one:
        await charge(one, version=version, times=(ago(minutes=10), ago(minutes=50)))
        await ingest_all()
    session = await ask.session()
    assert (session.is_open, session.review) == (
        False,
        "It ended before it started, by the charger's clock.",
    )


# Beyond the rows: what is signed, and what is not a plain register


RD = '{"TM":"2026-06-15T12:00:00,000+0200 S","RV":%s,"RI":"1-0:1.8.0","RU":"kWh"}'
OCMF = f'OCMF|{{"FV":"1.0","RD":[{RD}]}}|{{"SD":"30"}}'


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_signed_values_are_kept_untouched_and_read_where_nothing_else_is_sent(
    charger, ask, database, ingest_all, version
):
    async with charger(version) as one:
        if version == "1.6":
            signed = {"format": "SignedData", "value": OCMF % "3.5", "context": "Sample.Periodic"}
            await charge(one, values(signed, at=ago(minutes=30)))
        else:
            about = {
                "signedMeterData": OCMF % "3.5",
                "signingMethod": "ECDSA-secp256r1-SHA256",
                "encodingMethod": "OCMF",
                "publicKey": "3059",
            }
            soc = {"value": 50, "measurand": "SoC", "signedMeterValue": about}
            await charge(one, (ago(minutes=30), [soc]), version=version)
        await ingest_all()
    [kept] = await database(lambda: list(SignedValue.objects.select_related("session")))
    session = await ask.session()
    assert (kept.data, kept.session) == (OCMF % "3.5", session)
    if version != "1.6":
        assert (kept.method, kept.encoding, kept.public_key) == ("ECDSA-secp256r1-SHA256", "OCMF", "3059")
    found = [reading for reading in await ask.readings(measurand=REGISTER) if reading.value == 3500]
    assert len(found) == 1
    assert (session.energy_wh, session.review) == (Decimal(5000), "")


async def test_phases_are_summed_where_no_total_is_sent(charger, ask, ingest_all):
    async with charger() as one:
        number = (await one.call("StartTransaction", start(0)))["transactionId"]
        for n in (1, 2):
            sampled = [{"value": str(n * 100), "phase": phase} for phase in ("L1", "L2", "L3")]
            payload = values(*sampled, at=ago(minutes=50 - 10 * n), transactionId=number)
            await one.call("MeterValues", payload)
        await ingest_all()
    assert (await ask.session()).energy_wh == 600


async def test_intervals_are_summed_where_no_register_is_sent(charger, ask, ingest_all):
    async with charger("2.0.1") as one:
        await one.call("TransactionEvent", event("Started", 0, tag=TAG))
        for n in (1, 2, 3):
            at = ago(minutes=50 - n)
            sampled = [{"value": 100 * n, "measurand": "Energy.Active.Import.Interval"}]
            update = event("Updated", n, at=at, meterValue=[{"timestamp": at, "sampledValue": sampled}])
            await one.call("TransactionEvent", update)
        await one.call("TransactionEvent", event("Ended", 30))
        await ingest_all()
    assert (await ask.session()).energy_wh == 600
