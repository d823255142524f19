"""What the portal itself needs of any charger, where its operator has written no template for it. Pure."""

from __future__ import annotations

#: What a bill and the live pages rest on. Not every charger has all of them: those refuse what they lack.
_MEASURANDS = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC"


def wanted(protocol: str, *, heartbeat_s: int, meter_s: int) -> dict[str, str]:
    """`protocol` as templates name it: "1.6" or "2.x"."""
    if protocol == "1.6":
        return {
            "HeartbeatInterval": str(heartbeat_s),
            "MeterValueSampleInterval": str(meter_s),
            "MeterValuesSampledData": _MEASURANDS,
            "ClockAlignedDataInterval": "900",
            "MeterValuesAlignedData": "Energy.Active.Import.Register",
            # The portal has decided already when it starts a charge.
            "AuthorizeRemoteTxRequests": "false",
            "StopTransactionOnInvalidId": "true",
            "TransactionMessageAttempts": "10",
            "TransactionMessageRetryInterval": "30",
            "WebSocketPingInterval": "60",
        }
    return {
        "OCPPCommCtrlr/HeartbeatInterval": str(heartbeat_s),
        "OCPPCommCtrlr/WebSocketPingInterval": "60",
        # When a node dies, its chargers must not all be back in the same second; 1.6 has no setting for it.
        "OCPPCommCtrlr/RetryBackOffWaitMinimum": "5",
        "OCPPCommCtrlr/RetryBackOffRandomRange": "15",
        "OCPPCommCtrlr/RetryBackOffRepeatTimes": "3",
        "OCPPCommCtrlr/MessageAttempts[TransactionEvent]": "10",
        "OCPPCommCtrlr/MessageAttemptInterval[TransactionEvent]": "30",
        "SampledDataCtrlr/TxUpdatedInterval": str(meter_s),
        "SampledDataCtrlr/TxUpdatedMeasurands": _MEASURANDS,
        "SampledDataCtrlr/TxStartedMeasurands": "Energy.Active.Import.Register",
        "SampledDataCtrlr/TxEndedMeasurands": "Energy.Active.Import.Register",
        "AlignedDataCtrlr/Interval": "900",
        "AlignedDataCtrlr/Measurands": "Energy.Active.Import.Register",
        "AuthCtrlr/AuthorizeRemoteStart": "false",
        "TxCtrlr/StopTxOnInvalidId": "true",
    }
