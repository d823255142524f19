"""What a station said of its abilities, read into values; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: 1.6: configuration keys; the pricing key is the Open Charge Alliance's application note's.
KEYS_16 = (
    "SupportedFeatureProfiles",
    "LocalAuthListEnabled",
    "LocalAuthListMaxLength",
    "SendLocalListMaxLength",
    "AuthorizationCacheEnabled",
    "CustomDisplayCostAndPrice",
)
PROFILES = "SupportedFeatureProfiles"
#: 2.x: (component, variable, instance). What is waited for comes first: the first answer has it.
VARIABLES = (
    ("SmartChargingCtrlr", "Available", ""),
    ("SmartChargingCtrlr", "Enabled", ""),
    ("LocalAuthListCtrlr", "Available", ""),
    ("LocalAuthListCtrlr", "Enabled", ""),
    ("LocalAuthListCtrlr", "Entries", ""),
    ("LocalAuthListCtrlr", "ItemsPerMessage", ""),
    ("LocalAuthListCtrlr", "BytesPerMessage", ""),
    ("AuthCacheCtrlr", "Available", ""),
    ("AuthCacheCtrlr", "Enabled", ""),
    ("AuthCtrlr", "MasterPassGroupId", ""),
    ("DisplayMessageCtrlr", "Available", ""),
    ("DisplayMessageCtrlr", "SupportedFormats", ""),
    ("DisplayMessageCtrlr", "SupportedPriorities", ""),
    ("TariffCostCtrlr", "Available", "Cost"),
    ("TariffCostCtrlr", "Enabled", "Cost"),
    ("ReservationCtrlr", "Available", ""),
    ("ReservationCtrlr", "Enabled", ""),
)
VARIABLES_21 = (
    ("TariffCostCtrlr", "Available", "Tariff"),
    ("TariffCostCtrlr", "Enabled", "Tariff"),
    ("WebPaymentsCtrlr", "Available", ""),
    ("WebPaymentsCtrlr", "Enabled", ""),
)


def name(component: str, variable: str, instance: str = "") -> str:
    return f"{component}.{variable}" + (f"[{instance}]" if instance else "")


def from_configuration(answer: Mapping) -> dict[str, str]:
    """1.6 GetConfiguration.conf: key → value of what it knows."""
    return {
        row["key"]: str(row.get("value") or "")
        for row in answer.get("configurationKey") or []
        if row.get("key") in KEYS_16
    }


def from_variables(answer: Mapping) -> dict[str, str]:
    """2.x GetVariables.conf: name → value; a maximum says how many entries a list takes (MaxSet)."""
    told = {}
    for row in answer.get("getVariableResult") or []:
        if row.get("attributeStatus") == "Accepted":
            variable = row["variable"]
            key = name(row["component"]["name"], variable["name"], variable.get("instance") or "")
            kind = row.get("attributeType") or "Actual"
            told[key if kind == "Actual" else f"{key}/{kind}"] = str(row.get("attributeValue") or "")
    return told


@dataclass(frozen=True)
class Able:
    """What the portal may ask of the station. `None` for a number: it names no limit."""

    local_list: bool = False
    list_entries: int | None = None
    list_items: int | None = None
    list_bytes: int | None = None
    cache: bool = False
    master_group: str | None = None
    messages: bool = False
    formats: tuple[str, ...] = field(default=())
    priorities: tuple[str, ...] = field(default=())
    cost: bool = False
    tariffs: bool = False
    web_payments: bool = False
    #: None where it hasn't said: then it is tried.
    reservations: bool | None = None
    #: None where it hasn't said: then it is tried.
    smart_charging: bool | None = None


def _yes(told: Mapping, key: str, otherwise: bool = False) -> bool:
    return told[key].strip().lower() == "true" if key in told else otherwise


def _number(told: Mapping, key: str) -> int | None:
    text = told.get(key, "").strip()
    return int(text) if text.isdecimal() and int(text) > 0 else None


def _words(told: Mapping, key: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in told.get(key, "").split(",") if word.strip())


def able(version: str, told: Mapping[str, str]) -> Able:
    if version in ("", "1.6"):
        return Able(
            local_list=_yes(told, "LocalAuthListEnabled"),
            list_entries=_number(told, "LocalAuthListMaxLength"),
            list_items=_number(told, "SendLocalListMaxLength"),
            cache=_yes(told, "AuthorizationCacheEnabled"),
            cost=_yes(told, "CustomDisplayCostAndPrice"),
            reservations="Reservation" in _words(told, PROFILES) if told.get(PROFILES) else None,
            smart_charging="SmartCharging" in _words(told, PROFILES) if told.get(PROFILES) else None,
        )

    def has(component: str, instance: str = "") -> bool:
        """Available where it says so, or where it is enabled; not where it is switched off."""
        enabled = name(component, "Enabled", instance)
        available = _yes(told, name(component, "Available", instance), enabled in told)
        return available and _yes(told, enabled, True)

    def if_said(component: str) -> bool | None:
        return has(component) if any(key.startswith(f"{component}.") for key in told) else None

    return Able(
        local_list=has("LocalAuthListCtrlr"),
        list_entries=_number(told, "LocalAuthListCtrlr.Entries/MaxSet"),
        list_items=_number(told, "LocalAuthListCtrlr.ItemsPerMessage"),
        list_bytes=_number(told, "LocalAuthListCtrlr.BytesPerMessage"),
        cache=has("AuthCacheCtrlr"),
        master_group=told.get("AuthCtrlr.MasterPassGroupId"),
        messages=has("DisplayMessageCtrlr"),
        formats=_words(told, "DisplayMessageCtrlr.SupportedFormats"),
        priorities=_words(told, "DisplayMessageCtrlr.SupportedPriorities"),
        cost=has("TariffCostCtrlr", "Cost"),
        tariffs=has("TariffCostCtrlr", "Tariff"),
        web_payments="WebPaymentsCtrlr.Enabled" in told or _yes(told, "WebPaymentsCtrlr.Available"),
        reservations=if_said("ReservationCtrlr"),
        smart_charging=if_said("SmartChargingCtrlr"),
    )
