"""Words the simulator's tests share: the same act and the same news in either protocol version."""

from stations.simulator import Car

VERSIONS = ("1.6", "2.0.1", "2.1")
BOTH = ("1.6", "2.0.1")
TOMORROW = "2099-01-01T00:00:00Z"


def started(csms):
    """Payloads that start a transaction, in either version."""
    return csms.payloads("StartTransaction") + csms.payloads("TransactionEvent", eventType="Started")


def ended(csms):
    return csms.payloads("StopTransaction") + csms.payloads("TransactionEvent", eventType="Ended")


def reason(payload):
    return payload.get("reason") or payload["transactionInfo"]["stoppedReason"]


def samples(csms, measurand="Energy.Active.Import.Register"):
    """Every value sent of a measurand, in order."""
    return [
        float(sample["value"])
        for _, payload in csms.calls
        for value in payload.get("meterValue", []) + payload.get("transactionData", [])
        for sample in value["sampledValue"]
        if sample["measurand"] == measurand
    ]


async def remote_start(csms, version, token="APP", **more):
    if version == "1.6":
        return await csms.ask("RemoteStartTransaction", {"idTag": token, "connectorId": 1, **more})
    return await csms.ask(
        "RequestStartTransaction",
        {"idToken": {"idToken": token, "type": "Central"}, "remoteStartId": 42, "evseId": 1, **more},
    )


async def remote_stop(csms, version, charger):
    tx = charger.evse(1).transaction
    if version == "1.6":
        return await csms.ask("RemoteStopTransaction", {"transactionId": tx.portal_id})
    return await csms.ask("RequestStopTransaction", {"transactionId": tx.id})


async def charging(csms, charger, token="CARD", car=None):
    """A car that charges by card at EVSE 1, and the portal knows."""
    charger.evse(1).plug_in(car or Car())
    assert await charger.evse(1).swipe(token) == "started"
    await csms.wait(lambda: started(csms))
