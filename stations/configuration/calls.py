"""The calls that read or change settings, no longer than the station takes them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson

from stations.configuration import names
from stations.configuration.names import Name

Call = tuple[str, dict]

#: Keys that 1.6 defines, for stations that answer no question about all of them.
KEYS_16 = (
    "AllowOfflineTxForUnknownId",
    "AuthorizationCacheEnabled",
    "AuthorizeRemoteTxRequests",
    "BlinkRepeat",
    "ClockAlignedDataInterval",
    "ConnectionTimeOut",
    "ConnectorPhaseRotation",
    "ConnectorPhaseRotationMaxLength",
    "GetConfigurationMaxKeys",
    "HeartbeatInterval",
    "LightIntensity",
    "LocalAuthorizeOffline",
    "LocalPreAuthorize",
    "MaxEnergyOnInvalidId",
    "MeterValuesAlignedData",
    "MeterValuesAlignedDataMaxLength",
    "MeterValuesSampledData",
    "MeterValuesSampledDataMaxLength",
    "MeterValueSampleInterval",
    "MinimumStatusDuration",
    "NumberOfConnectors",
    "ResetRetries",
    "StopTransactionOnEVSideDisconnect",
    "StopTransactionOnInvalidId",
    "StopTxnAlignedData",
    "StopTxnAlignedDataMaxLength",
    "StopTxnSampledData",
    "StopTxnSampledDataMaxLength",
    "SupportedFeatureProfiles",
    "SupportedFeatureProfilesMaxLength",
    "TransactionMessageAttempts",
    "TransactionMessageRetryInterval",
    "UnlockConnectorOnEVSideDisconnect",
    "WebSocketPingInterval",
    "LocalAuthListEnabled",
    "LocalAuthListMaxLength",
    "SendLocalListMaxLength",
    "ReserveConnectorZeroSupported",
    "ChargeProfileMaxStackLevel",
    "ChargingScheduleAllowedChargingRateUnit",
    "ChargingScheduleMaxPeriods",
    "ConnectorSwitch3to1PhaseSupported",
    "MaxChargingProfilesInstalled",
    "AdditionalRootCertificateCheck",
    "CertificateSignedMaxChainSize",
    "CertificateStoreMaxLength",
    "CpoName",
    "SecurityProfile",
    "SupportedFileTransferProtocols",
)
#: Variables that 2.x stations must have, for those that give no report.
VARIABLES_2X = (
    "OCPPCommCtrlr/HeartbeatInterval",
    "OCPPCommCtrlr/NetworkConfigurationPriority",
    "OCPPCommCtrlr/NetworkProfileConnectionAttempts",
    "OCPPCommCtrlr/OfflineThreshold",
    "OCPPCommCtrlr/MessageTimeout[Default]",
    "OCPPCommCtrlr/MessageAttempts[TransactionEvent]",
    "OCPPCommCtrlr/MessageAttemptInterval[TransactionEvent]",
    "OCPPCommCtrlr/ResetRetries",
    "OCPPCommCtrlr/UnlockOnEVSideDisconnect",
    "OCPPCommCtrlr/WebSocketPingInterval",
    "DeviceDataCtrlr/ItemsPerMessage[GetReport]",
    "DeviceDataCtrlr/ItemsPerMessage[GetVariables]",
    "DeviceDataCtrlr/ItemsPerMessage[SetVariables]",
    "DeviceDataCtrlr/BytesPerMessage[GetReport]",
    "DeviceDataCtrlr/BytesPerMessage[GetVariables]",
    "DeviceDataCtrlr/BytesPerMessage[SetVariables]",
    "AuthCtrlr/AuthorizeRemoteStart",
    "AuthCtrlr/LocalAuthorizeOffline",
    "AuthCtrlr/LocalPreAuthorize",
    "TxCtrlr/EVConnectionTimeOut",
    "TxCtrlr/StopTxOnEVSideDisconnect",
    "TxCtrlr/StopTxOnInvalidId",
    "TxCtrlr/TxStartPoint",
    "TxCtrlr/TxStopPoint",
    "SampledDataCtrlr/TxStartedMeasurands",
    "SampledDataCtrlr/TxUpdatedInterval",
    "SampledDataCtrlr/TxUpdatedMeasurands",
    "SampledDataCtrlr/TxEndedInterval",
    "SampledDataCtrlr/TxEndedMeasurands",
    "AlignedDataCtrlr/Interval",
    "AlignedDataCtrlr/Measurands",
    "SecurityCtrlr/OrganizationName",
    "SecurityCtrlr/SecurityProfile",
    "ClockCtrlr/DateTime",
    "ClockCtrlr/TimeSource",
)


@dataclass(frozen=True)
class Limits:
    """How much a station takes in one call; where it did not say, what nearly all of them take."""

    keys: int = 50
    get_items: int = 50
    get_bytes: int = 32_000
    set_items: int = 20
    set_bytes: int = 32_000
    report_items: int = 50
    report_bytes: int = 32_000


#: Where a station tells its limits, by the field of `Limits`.
LIMITS = {
    "keys": "GetConfigurationMaxKeys",
    "get_items": "DeviceDataCtrlr/ItemsPerMessage[GetVariables]",
    "get_bytes": "DeviceDataCtrlr/BytesPerMessage[GetVariables]",
    "set_items": "DeviceDataCtrlr/ItemsPerMessage[SetVariables]",
    "set_bytes": "DeviceDataCtrlr/BytesPerMessage[SetVariables]",
    "report_items": "DeviceDataCtrlr/ItemsPerMessage[GetReport]",
    "report_bytes": "DeviceDataCtrlr/BytesPerMessage[GetReport]",
}


def limits(kept: dict[str, str | None]) -> Limits:
    """From what a station is known to be set to; what makes no sense counts as not said."""
    found = {}
    for field, path in LIMITS.items():
        text = (kept.get(path) or "").strip()
        if text.isascii() and text.isdigit() and 0 < int(text) < 10**9:
            found[field] = int(text)
    return Limits(**found)


def chunks(items: Iterable, *, most: int, most_bytes: int, overhead: int = 0) -> Iterator[list]:
    """Items in their order, never more in one list than `most`, nor more bytes as JSON than `most_bytes`.

    One item that is too long for any message goes alone: only the station can say that it is.
    """
    chunk: list = []
    size = overhead
    for item in items:
        length = len(orjson.dumps(item)) + 1
        if chunk and (len(chunk) >= most or size + length > most_bytes):
            yield chunk
            chunk, size = [], overhead
        chunk.append(item)
        size += length
    if chunk:
        yield chunk


#: The frame around a list: `[2,"<36>","SetVariables",{"setVariableData":[` and its end, rounded up.
FRAME = 100


def read_all(version: str, request_id: int) -> list[Call]:
    if names.is_16(version):
        return [("GetConfiguration", {})]
    return [("GetBaseReport", {"requestId": request_id, "reportBase": "FullInventory"})]


def read_standard(version: str, limits: Limits) -> list[Call]:
    """Ask by name, where a station can't be asked for everything."""
    if names.is_16(version):
        return read(version, [Name(key) for key in KEYS_16], limits)
    return read(version, [names.parse(version, path) for path in VARIABLES_2X], limits)


def read(version: str, wanted: Iterable[Name], limits: Limits) -> list[Call]:
    if names.is_16(version):
        keys = [name.variable for name in wanted]
        return [
            ("GetConfiguration", {"key": some})
            for some in chunks(keys, most=limits.keys, most_bytes=limits.get_bytes)
        ]
    data = [names.to_wire(name) for name in wanted]
    return [
        ("GetVariables", {"getVariableData": some})
        for some in chunks(data, most=limits.get_items, most_bytes=limits.get_bytes, overhead=FRAME)
    ]


def read_components(request_id: int, components: Iterable[str], limits: Limits) -> list[Call]:
    """2.x: everything that these components have, as reports."""
    data = [{"component": {"name": name}} for name in components]
    return [
        ("GetReport", {"requestId": request_id, "componentVariable": some})
        for some in chunks(data, most=limits.report_items, most_bytes=limits.report_bytes, overhead=FRAME)
    ]


def write(version: str, wanted: Iterable[tuple[Name, str]], limits: Limits) -> list[Call]:
    if names.is_16(version):
        return [("ChangeConfiguration", {"key": name.variable, "value": value}) for name, value in wanted]
    data = [{**names.to_wire(name), "attributeValue": value} for name, value in wanted]
    return [
        ("SetVariables", {"setVariableData": some})
        for some in chunks(data, most=limits.set_items, most_bytes=limits.set_bytes, overhead=FRAME)
    ]
