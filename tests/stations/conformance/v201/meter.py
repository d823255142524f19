"""Block J: meter values, on the clock and sampled, in transactions and outside of them."""

import json
from decimal import Decimal

from tests import make
from tests.stations.conformance.v201.transaction import Transaction, accepted, charging, metered, plugged

SIGNED = {
    "signedMeterData": "AF5kYXRh",
    "signingMethod": "ECDSASECP256R1SHA256",
    "encodingMethod": "OCMF",
    "publicKey": "b2NhOmJhc2UxNjphc24xOjMwNTk=",
}
#: 2.1: the method and the key may be left out, as a variable tells the key; and there is more room.
SIGNED_21 = {"signedMeterData": "AF5k" * 8000, "encodingMethod": "OCMF"}


def signed(bench) -> dict:
    return {"signedMeterValue": SIGNED_21 if bench.is_21 else SIGNED}


async def reads(bench, *values: int, **filters) -> None:
    readings = await bench.readings(measurand="Energy.Active.Import.Register", **filters)
    assert sorted(reading.value for reading in readings) == [Decimal(value) for value in values]


async def tc_j_01(bench):
    charger = await bench.boot()
    values = [metered(2000, "Sample.Clock"), metered(2100, "Sample.Clock", location="Inlet")]
    assert await charger.call("MeterValues", {"evseId": 1, "meterValue": values}) == {}
    await reads(bench, 2000, 2100, context="Sample.Clock", session=None)


async def tc_j_02(bench):
    _charger, transaction = await charging(bench)
    await transaction.updated("MeterValueClock", "Charging", meter_wh=1200, context="Sample.Clock")
    session = await transaction.is_open()
    assert session.energy_wh == Decimal(200)
    await reads(bench, 1200, context="Sample.Clock", session=session)


async def tc_j_03(bench):
    _charger, transaction = await charging(bench)
    values = [metered(1200, "Sample.Clock"), metered(1400, "Transaction.End")]
    await transaction.ended("StopAuthorized", "Local", "EVConnected", meterValue=values)
    session = await transaction.is_over("Local", energy_wh=400)
    await reads(bench, 1200, context="Sample.Clock", session=session)
    await reads(bench, 1400, context="Transaction.End", session=session)


async def tc_j_04(bench):
    charger = await bench.boot()
    value = metered(2000, "Sample.Clock", **signed(bench))
    assert await charger.call("MeterValues", {"evseId": 1, "meterValue": [value]}) == {}
    await reads(bench, 2000, context="Sample.Clock")
    await is_kept_untouched(bench, "MeterValues")


async def tc_j_07(bench):
    _charger, transaction = await plugged(bench)
    session = await transaction.is_open()
    assert session.meter_start_wh == Decimal(1000)
    await reads(bench, 1000, context="Transaction.Begin", session=session)


async def tc_j_08(bench):
    """E02: the card comes first, and only the cable tells which EVSE it is."""
    charger = await bench.boot()
    evse = await bench.database(make.evse, station=bench.station, number=2)
    transaction = Transaction(bench, charger, evse=None)
    accepted(await transaction.started("Authorized", "Idle", token=bench.token))
    transaction.evse = 2
    await transaction.updated("CablePluggedIn", "EVConnected", meter_wh=7000, context="Transaction.Begin")
    await transaction.updated("MeterValuePeriodic", "Charging", meter_wh=7100)
    session = await transaction.is_open()
    assert session.evse_id == evse.pk
    assert (session.meter_start_wh, session.energy_wh) == (Decimal(7000), Decimal(100))
    await reads(bench, 7000, context="Transaction.Begin", session=session, evse=evse)


async def tc_j_09(bench):
    _charger, transaction = await charging(bench)
    await transaction.updated("MeterValuePeriodic", "Charging", meter_wh=1300)
    await transaction.updated("MeterValuePeriodic", "Charging", meter_wh=1600)
    session = await transaction.is_open()
    assert session.energy_wh == Decimal(600)
    await reads(bench, 1300, 1600, context="Sample.Periodic", session=session)


async def tc_j_10(bench):
    _charger, transaction = await charging(bench)
    values = [metered(1300), metered(1800, "Transaction.End")]
    await transaction.ended("StopAuthorized", "Local", "EVConnected", meterValue=values)
    session = await transaction.is_over("Local", energy_wh=800)
    await reads(bench, 1300, context="Sample.Periodic", session=session)
    await reads(bench, 1800, context="Transaction.End", session=session)


async def tc_j_11(bench):
    _charger, transaction = await charging(bench)
    value = metered(1900, "Transaction.End", **signed(bench))
    await transaction.ended("StopAuthorized", "Local", "EVConnected", meterValue=[value])
    await transaction.is_over("Local", energy_wh=900)
    await is_kept_untouched(bench, "TransactionEvent", times=transaction.sequence)


async def is_kept_untouched(bench, action: str, times: int = 1) -> None:
    """A signature holds for the very characters that were signed."""
    frames = await bench.logged(action, times)
    (sample,) = json.loads(frames[-1])[3]["meterValue"][0]["sampledValue"]
    assert sample["signedMeterValue"] == signed(bench)["signedMeterValue"]
