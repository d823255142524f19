"""What a portal may read and change on a station: one table for 1.6 keys and 2.x variables."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass
class Settings:
    """Live values; times in seconds."""

    heartbeat_interval: int = 300
    sample_interval: int = 60
    connection_timeout: int = 60
    message_attempts: int = 3
    message_retry_interval: int = 60
    ping_interval: int = 30
    local_authorize_offline: bool = True
    local_pre_authorize: bool = False
    allow_offline_for_unknown: bool = False
    authorize_remote: bool = False
    stop_on_invalid_id: bool = True
    stop_on_ev_disconnect: bool = True
    unlock_on_ev_disconnect: bool = True
    cache_enabled: bool = True
    list_enabled: bool = True
    shows_cost: bool = True
    shows_messages: bool = True
    #: 2.x: whether it says that it can be told limits; 1.6 says so among its feature profiles.
    smart_charging: bool = True
    password: str = ""
    organisation: str = ""
    connector_count: int = 1
    max_list_length: int = 500
    max_stack_level: int = 10
    max_periods: int = 24
    # The same in each version's words.
    rate_units_16: str = "Current,Power"
    rate_units: str = "A,W"
    monitoring_enabled: bool = True
    feature_profiles: str = (
        "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"
    )
    tx_start_point: str = "Authorized"
    tx_stop_point: str = "Authorized,EVConnected"
    measurands: str = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC"
    started_measurands: str = "Energy.Active.Import.Register"
    ended_measurands: str = "Energy.Active.Import.Register"
    security_profile: int = 1
    network_priority: str = "1"
    items_per_message: int = 10
    bytes_per_message: int = 8000
    max_keys: int = 20
    cpo_name: str = ""


@dataclass(frozen=True)
class Entry:
    """How one setting is called on the wire: a 1.6 key, and a 2.x component and variable."""

    name: str
    key: str | None
    component: str | None
    variable: str | None
    access: str = "ReadWrite"
    least: int = 0
    instance: str = ""
    unit: str = ""
    values: str = ""
    #: Taken at once, but of use only after a restart.
    needs_reboot: bool = False

    @property
    def kind(self) -> str:
        return _KINDS[self.name]

    def read(self, settings: Settings) -> str:
        value = getattr(settings, self.name)
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _lists(self, text: str) -> bool:
        return not self.values or set(text.split(",")) <= set(self.values.split(","))

    def write(self, settings: Settings, text: str) -> bool:
        """False when the text is no legal value; then nothing has changed."""
        value: Any = text
        if self.kind == "bool":
            if text.lower() not in ("true", "false"):
                return False
            value = text.lower() == "true"
        elif self.kind == "int":
            if not text.isascii() or not text.isdigit() or int(text) < self.least:
                return False
            value = int(text)
        elif len(text) < self.least or not self._lists(text):
            return False
        setattr(settings, self.name, value)
        return True


_KINDS = {field.name: str(field.type) for field in fields(Settings)}

TABLE = (
    Entry("heartbeat_interval", "HeartbeatInterval", "OCPPCommCtrlr", "HeartbeatInterval", least=1),
    Entry("sample_interval", "MeterValueSampleInterval", "SampledDataCtrlr", "TxUpdatedInterval"),
    Entry("connection_timeout", "ConnectionTimeOut", "TxCtrlr", "EVConnectionTimeOut", least=1),
    Entry(
        "message_attempts",
        "TransactionMessageAttempts",
        "OCPPCommCtrlr",
        "MessageAttempts",
        least=1,
        instance="TransactionEvent",
    ),
    Entry(
        "message_retry_interval",
        "TransactionMessageRetryInterval",
        "OCPPCommCtrlr",
        "MessageAttemptInterval",
        instance="TransactionEvent",
        unit="s",
    ),
    Entry("ping_interval", "WebSocketPingInterval", "OCPPCommCtrlr", "WebSocketPingInterval"),
    Entry("local_authorize_offline", "LocalAuthorizeOffline", "AuthCtrlr", "LocalAuthorizeOffline"),
    Entry("local_pre_authorize", "LocalPreAuthorize", "AuthCtrlr", "LocalPreAuthorize"),
    Entry(
        "allow_offline_for_unknown", "AllowOfflineTxForUnknownId", "AuthCtrlr", "OfflineTxForUnknownIdEnabled"
    ),
    Entry("authorize_remote", "AuthorizeRemoteTxRequests", "AuthCtrlr", "AuthorizeRemoteStart"),
    Entry("stop_on_invalid_id", "StopTransactionOnInvalidId", "TxCtrlr", "StopTxOnInvalidId"),
    Entry(
        "stop_on_ev_disconnect",
        "StopTransactionOnEVSideDisconnect",
        "TxCtrlr",
        "StopTxOnEVSideDisconnect",
        "ReadOnly",
    ),
    Entry(
        "unlock_on_ev_disconnect",
        "UnlockConnectorOnEVSideDisconnect",
        "OCPPCommCtrlr",
        "UnlockOnEVSideDisconnect",
        "ReadOnly",
    ),
    Entry("cache_enabled", "AuthorizationCacheEnabled", "AuthCacheCtrlr", "Enabled"),
    Entry("list_enabled", "LocalAuthListEnabled", "LocalAuthListCtrlr", "Enabled"),
    Entry("shows_cost", "CustomDisplayCostAndPrice", "TariffCostCtrlr", "Enabled", "ReadOnly"),
    Entry("shows_messages", None, "DisplayMessageCtrlr", "Available", "ReadOnly"),
    Entry("password", "AuthorizationKey", "SecurityCtrlr", "BasicAuthPassword", "WriteOnly", least=16),
    Entry("organisation", "CpoName", "SecurityCtrlr", "OrganizationName"),
    Entry("connector_count", "NumberOfConnectors", None, None, "ReadOnly"),
    Entry("max_list_length", "LocalAuthListMaxLength", "LocalAuthListCtrlr", "Entries", "ReadOnly"),
    Entry(
        "max_stack_level",
        "ChargeProfileMaxStackLevel",
        "SmartChargingCtrlr",
        "ProfileStackLevel",
        "ReadOnly",
    ),
    Entry(
        "max_periods", "ChargingScheduleMaxPeriods", "SmartChargingCtrlr", "PeriodsPerSchedule", "ReadOnly"
    ),
    Entry("rate_units_16", "ChargingScheduleAllowedChargingRateUnit", None, None, "ReadOnly"),
    Entry("rate_units", None, "SmartChargingCtrlr", "RateUnit", "ReadOnly"),
    Entry("smart_charging", None, "SmartChargingCtrlr", "Available", "ReadOnly"),
    Entry("monitoring_enabled", None, "MonitoringCtrlr", "Enabled", "ReadOnly"),
    Entry("feature_profiles", "SupportedFeatureProfiles", None, None, "ReadOnly"),
    Entry("tx_start_point", None, "TxCtrlr", "TxStartPoint", "ReadOnly"),
    Entry("tx_stop_point", None, "TxCtrlr", "TxStopPoint", "ReadOnly"),
    Entry("measurands", "MeterValuesSampledData", "SampledDataCtrlr", "TxUpdatedMeasurands", "ReadOnly"),
    Entry("started_measurands", None, "SampledDataCtrlr", "TxStartedMeasurands", "ReadOnly"),
    Entry("ended_measurands", None, "SampledDataCtrlr", "TxEndedMeasurands", "ReadOnly"),
    Entry("security_profile", "SecurityProfile", "SecurityCtrlr", "SecurityProfile", "ReadOnly"),
    Entry(
        "network_priority",
        None,
        "OCPPCommCtrlr",
        "NetworkConfigurationPriority",
        least=1,
        values="1,2",
        needs_reboot=True,
    ),
    Entry("cpo_name", "CpoName", "SecurityCtrlr", "OrganizationName"),
    Entry("max_keys", "GetConfigurationMaxKeys", None, None, "ReadOnly"),
    *(
        Entry(name, None, "DeviceDataCtrlr", variable, "ReadOnly", instance=action)
        for name, variable in (
            ("items_per_message", "ItemsPerMessage"),
            ("bytes_per_message", "BytesPerMessage"),
        )
        for action in ("GetReport", "GetVariables", "SetVariables")
    ),
)

BY_KEY = {entry.key: entry for entry in TABLE if entry.key}
BY_VARIABLE = {(entry.component, entry.variable, entry.instance): entry for entry in TABLE if entry.component}
