"""What a 1.6 charge point answers to the portal's calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from . import certificates, maintenance, orders
from . import maintenance_calls as calls
from .clock import parse_stamp, stamp
from .point import Point
from .profiles import PURPOSES, TX, Profile, UnusableProfile
from .reservations import Reservation
from .screen import COST_VENDOR
from .settings import BY_KEY
from .tokens import Token, Verdict
from .transactions import Reason
from .transport import Answer

if TYPE_CHECKING:
    from .charger import SimulatedCharger

ROOTS = {
    "CentralSystemRootCertificate": "CSMSRootCertificate",
    "ManufacturerRootCertificate": "ManufacturerRootCertificate",
}


def verdict(info: dict) -> Verdict:
    """From an idTagInfo."""
    parent, expiry = info.get("parentIdTag"), info.get("expiryDate")
    return Verdict(info["status"], Token(parent) if parent else None, parse_stamp(expiry) if expiry else None)


class Answers16:
    """One method per action; each parses, lets the charger act, and renders."""

    def __init__(self, charger: SimulatedCharger) -> None:
        self._charger = charger

    def table(self) -> dict[str, Callable[[dict], Awaitable[dict | Answer]]]:
        return {
            **certificates.answers(self._charger, kinds=ROOTS, is_16=True),
            "CancelReservation": self.cancel_reservation,
            "ChangeAvailability": self.change_availability,
            "ChangeConfiguration": self.change_configuration,
            "ClearCache": self.clear_cache,
            "ClearChargingProfile": self.clear_charging_profile,
            "DataTransfer": self.data_transfer,
            "ExtendedTriggerMessage": self.trigger_message,
            "GetCompositeSchedule": self.get_composite_schedule,
            "GetConfiguration": self.get_configuration,
            "GetDiagnostics": self.get_diagnostics,
            "GetLocalListVersion": self.get_local_list_version,
            "GetLog": self.get_log,
            "RemoteStartTransaction": self.remote_start_transaction,
            "RemoteStopTransaction": self.remote_stop_transaction,
            "ReserveNow": self.reserve_now,
            "Reset": self.reset,
            "SendLocalList": self.send_local_list,
            "SetChargingProfile": self.set_charging_profile,
            "SignedUpdateFirmware": self.signed_update_firmware,
            "TriggerMessage": self.trigger_message,
            "UnlockConnector": self.unlock_connector,
            "UpdateFirmware": self.update_firmware,
        }

    async def remote_start_transaction(self, payload: dict) -> dict | Answer:
        charger, token = self._charger, Token(payload["idTag"])
        point = orders.choose(charger, payload.get("connectorId"), token)
        if not point or charger.rejects_by_mood():
            return {"status": "Rejected"}
        profile = None
        if wire := payload.get("chargingProfile"):
            try:
                profile = Profile.parse(wire, evse=point.number)
            except UnusableProfile:
                return {"status": "Rejected"}
        return Answer(
            {"status": "Accepted"}, lambda: charger.spawn(point.start_remotely(token, profile=profile))
        )

    async def remote_stop_transaction(self, payload: dict) -> dict | Answer:
        number = payload["transactionId"]
        points = (point for point in self._charger.points if point.transaction)
        point = next((point for point in points if point.transaction.portal_id == number), None)
        if not point:
            return {"status": "Rejected"}
        return Answer({"status": "Accepted"}, lambda: point.stop(Reason.REMOTE))

    async def reset(self, payload: dict) -> Answer:
        ending = Reason.HARD_RESET if payload["type"] == "Hard" else Reason.SOFT_RESET
        graceful = ending is Reason.SOFT_RESET
        charger = self._charger
        return Answer(
            {"status": "Accepted"},
            lambda: charger.spawn(charger.reboot("RemoteReset", ending, graceful=graceful)),
        )

    async def unlock_connector(self, payload: dict) -> dict | Answer:
        point = self._point(payload["connectorId"])
        if not point:
            return {"status": "NotSupported"}
        return Answer({"status": "Unlocked"}, lambda: point.stop(Reason.UNLOCK))

    async def change_availability(self, payload: dict) -> dict | Answer:
        number = payload["connectorId"]
        point = self._point(number)
        if number and not point:
            return {"status": "Rejected"}
        status = orders.set_availability(self._charger, point, payload["type"] == "Operative")
        return Answer({"status": status}, self._charger.announce_all)

    async def reserve_now(self, payload: dict) -> Answer:
        parent = payload.get("parentIdTag")
        reservation = Reservation(
            payload["reservationId"],
            payload["connectorId"],
            Token(payload["idTag"]),
            Token(parent) if parent else None,
            parse_stamp(payload["expiryDate"]),
        )
        return Answer({"status": orders.reserve(self._charger, reservation)}, self._charger.announce_all)

    async def cancel_reservation(self, payload: dict) -> Answer:
        found = orders.cancel_reservation(self._charger, payload["reservationId"])
        return Answer({"status": "Accepted" if found else "Rejected"}, self._charger.announce_all)

    async def trigger_message(self, payload: dict) -> dict | Answer:
        number = payload.get("connectorId")
        if number and not self._point(number):
            return {"status": "Rejected"}
        sending = orders.trigger(self._charger, payload["requestedMessage"], self._point(number))
        if not sending:
            return {"status": "NotImplemented"}
        return Answer({"status": "Accepted"}, sending)

    async def get_configuration(self, payload: dict) -> dict:
        settings = self._charger.settings
        # More keys than it takes are not answered, as real ones do.
        meters = {f"MeterPublicKey{n}": meter.public_key for n, meter in self._charger.meters.items()}
        asked = payload["key"][: settings.max_keys] if payload.get("key") else [*BY_KEY, *meters]
        known, unknown = [], []
        for key in asked:
            entry = BY_KEY.get(key)
            if key in meters:
                known.append({"key": key, "readonly": True, "value": meters[key]})
            elif not entry:
                unknown.append(key[:50])
            elif entry.access != "WriteOnly":
                readonly = entry.access == "ReadOnly"
                known.append({"key": key, "readonly": readonly, "value": entry.read(settings)})
        return {"configurationKey": known, "unknownKey": unknown}

    async def change_configuration(self, payload: dict) -> dict | Answer:
        entry = BY_KEY.get(payload["key"])
        if not entry:
            return {"status": "NotSupported"}
        if entry.access == "ReadOnly" or not entry.write(self._charger.settings, payload["value"]):
            return {"status": "Rejected"}
        return Answer({"status": "Accepted"}, lambda: self._charger.setting_changed(entry.name))

    async def set_charging_profile(self, payload: dict) -> dict | Answer:
        number = payload["connectorId"]
        point = self._point(number)
        try:
            profile = Profile.parse(payload["csChargingProfiles"], evse=number)
        except UnusableProfile:
            return {"status": "Rejected"}
        if number and not point:
            return {"status": "Rejected"}
        if profile.purpose == TX:
            tx = point.transaction if point else None
            # The profile may name the transaction it is meant for.
            if not tx or profile.transaction not in (None, str(tx.portal_id)):
                return {"status": "Rejected"}
        return Answer({"status": "Accepted"}, lambda: self._charger.install_profile(profile))

    async def clear_charging_profile(self, payload: dict) -> dict | Answer:
        purpose = payload.get("chargingProfilePurpose")
        found = self._charger.profiles.clear(
            id=payload.get("id"),
            evse=payload.get("connectorId"),
            purpose=PURPOSES[purpose] if purpose else None,
            stack_level=payload.get("stackLevel"),
        )
        return Answer({"status": "Accepted" if found else "Unknown"}, self._charger.look)

    async def get_composite_schedule(self, payload: dict) -> dict:
        number, unit = payload["connectorId"], payload.get("chargingRateUnit", "W")
        point = self._point(number)
        if number and not point:
            return {"status": "Rejected"}
        begin = stamp(self._charger.now())
        return {
            "status": "Accepted",
            "connectorId": number,
            "scheduleStart": begin,
            "chargingSchedule": {
                "duration": payload["duration"],
                "startSchedule": begin,
                "chargingRateUnit": unit,
                "chargingSchedulePeriod": orders.composite(self._charger, point, payload["duration"], unit),
            },
        }

    async def data_transfer(self, payload: dict) -> dict:
        if payload["vendorId"] == COST_VENDOR and self._charger.settings.shows_cost:
            message, data = payload.get("messageId") or "", payload.get("data") or ""
            return {"status": self._charger.screen.cost_message(message, data)}
        if payload["vendorId"] != self._charger.station.vendor:
            return {"status": "UnknownVendorId"}
        return {"status": "Accepted", "data": payload.get("data", "")}

    async def get_local_list_version(self, payload: dict) -> dict:
        settings, tokens = self._charger.settings, self._charger.tokens
        return {"listVersion": tokens.list_version if settings.list_enabled else -1}

    async def send_local_list(self, payload: dict) -> dict:
        if not self._charger.settings.list_enabled:
            return {"status": "NotSupported"}
        entries = [
            (Token(entry["idTag"]), verdict(entry["idTagInfo"]) if entry.get("idTagInfo") else None)
            for entry in payload.get("localAuthorizationList", [])
        ]
        if len(entries) > self._charger.settings.max_list_length:
            return {"status": "Failed"}
        tokens = self._charger.tokens
        return {"status": tokens.update_list(payload["listVersion"], payload["updateType"], entries)}

    async def clear_cache(self, payload: dict) -> dict:
        self._charger.tokens.cached.clear()
        return {"status": "Accepted"}

    async def update_firmware(self, payload: dict) -> Answer:
        charger = self._charger
        order = maintenance.Order(
            payload["location"],
            parse_stamp(payload["retrieveDate"]),
            retries=payload.get("retries", 0),
            retry_interval_s=payload.get("retryInterval", maintenance.RETRY_S),
        )
        return Answer({}, lambda: charger.spawn(maintenance.update_firmware(charger, order)))

    async def signed_update_firmware(self, payload: dict) -> dict | Answer:
        return calls.update_with_number(self._charger, payload)

    async def get_diagnostics(self, payload: dict) -> Answer:
        charger = self._charger
        name = maintenance.log_name(charger)[:255]
        return Answer({"fileName": name}, lambda: charger.spawn(calls.upload(charger, payload, name)))

    async def get_log(self, payload: dict) -> Answer:
        return calls.get_log(self._charger, payload)

    def _point(self, number: int | None) -> Point | None:
        return next((point for point in self._charger.points if point.number == number), None)
