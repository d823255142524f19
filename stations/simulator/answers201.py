"""What a 2.x charging station answers to the portal's calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from . import certificates, orders
from . import maintenance_calls as calls
from .clock import parse_stamp, stamp
from .device_model import Variable, inventory
from .point import Point
from .profiles import PURPOSES, TX, Profile, UnusableProfile
from .reservations import Reservation
from .settings import BY_VARIABLE
from .tokens import Token, Verdict
from .transactions import Reason
from .transport import Answer

if TYPE_CHECKING:
    from .charger import SimulatedCharger

# Lines per NotifyReport: enough of them to make a portal put several parts together.
REPORT_LINES = 12
ROOTS = {f"{word}RootCertificate": f"{word}RootCertificate" for word in ("CSMS", "V2G", "MO", "Manufacturer")}


def token(wire: dict | None) -> Token | None:
    return Token(wire["idToken"], wire["type"]) if wire else None


def verdict(info: dict) -> Verdict:
    """From an idTokenInfo."""
    expiry = info.get("cacheExpiryDateTime")
    return Verdict(info["status"], token(info.get("groupIdToken")), parse_stamp(expiry) if expiry else None)


class Answers201:
    """One method per action; each parses, lets the charger act, and renders."""

    def __init__(self, charger: SimulatedCharger) -> None:
        self._charger = charger

    def table(self) -> dict[str, Callable[[dict], Awaitable[dict | Answer]]]:
        return {
            **certificates.answers(self._charger, kinds=ROOTS, is_16=False),
            "CancelReservation": self.cancel_reservation,
            "ChangeAvailability": self.change_availability,
            "ClearCache": self.clear_cache,
            "ClearChargingProfile": self.clear_charging_profile,
            "DataTransfer": self.data_transfer,
            "GetBaseReport": self.get_base_report,
            "GetCompositeSchedule": self.get_composite_schedule,
            "GetLocalListVersion": self.get_local_list_version,
            "CustomerInformation": self.customer_information,
            "GetLog": self.get_log,
            "GetTransactionStatus": self.get_transaction_status,
            "GetReport": self.get_report,
            "GetVariables": self.get_variables,
            "RequestStartTransaction": self.request_start_transaction,
            "RequestStopTransaction": self.request_stop_transaction,
            "ReserveNow": self.reserve_now,
            "Reset": self.reset,
            "SendLocalList": self.send_local_list,
            "SetChargingProfile": self.set_charging_profile,
            "SetNetworkProfile": self.set_network_profile,
            "SetVariables": self.set_variables,
            "TriggerMessage": self.trigger_message,
            "UnlockConnector": self.unlock_connector,
            "UpdateFirmware": self.update_firmware,
        }

    async def request_start_transaction(self, payload: dict) -> dict | Answer:
        charger, id_token = self._charger, token(payload["idToken"])
        number = payload["remoteStartId"]
        point = orders.choose(charger, payload.get("evseId"), id_token)
        if not point:
            return _refused("NotEnabled", "No EVSE is free for this token.")
        if charger.rejects_by_mood():
            return _refused("InternalError", "Not in the mood.")
        profile = None
        if wire := payload.get("chargingProfile"):
            try:
                profile = Profile.parse(wire, evse=point.number)
            except UnusableProfile as problem:
                return _refused("InvalidProfile", str(problem))
        return Answer(
            {"status": "Accepted"},
            lambda: charger.spawn(point.start_remotely(id_token, remote_start_id=number, profile=profile)),
        )

    async def request_stop_transaction(self, payload: dict) -> dict | Answer:
        point = self._running(payload["transactionId"])
        if not point:
            return _refused("TxNotFound", "No such transaction runs here.")
        return Answer({"status": "Accepted"}, lambda: point.stop(Reason.REMOTE))

    async def get_transaction_status(self, payload: dict) -> dict:
        answer = {"messagesInQueue": self._charger.link.waiting > 0}
        if id := payload.get("transactionId"):
            answer["ongoingIndicator"] = self._running(id) is not None
        return answer

    async def reset(self, payload: dict) -> dict | Answer:
        charger, kind = self._charger, payload["type"]
        if payload.get("evseId") is not None or kind not in ("Immediate", "OnIdle"):
            return _refused("UnsupportedRequest", "Only the whole station can be reset.")
        if kind == "OnIdle" and charger.reset_when_idle("ScheduledReset"):
            return {"status": "Scheduled"}
        return Answer(
            {"status": "Accepted"},
            lambda: charger.spawn(charger.reboot("RemoteReset", Reason.HARD_RESET)),
        )

    async def unlock_connector(self, payload: dict) -> dict:
        point = self._point(payload["evseId"])
        connectors = point.evse.connectors if point else []
        if not any(connector.number == payload["connectorId"] for connector in connectors):
            return {"status": "UnknownConnector"}
        return {"status": "OngoingAuthorizedTransaction" if point.transaction else "Unlocked"}

    async def change_availability(self, payload: dict) -> dict | Answer:
        number = payload.get("evse", {}).get("id", 0)
        point = self._point(number)
        if number and not point:
            return _refused("UnknownEvse", "There is no such EVSE.")
        operative = payload["operationalStatus"] == "Operative"
        status = orders.set_availability(self._charger, point, operative)
        return Answer({"status": status}, self._charger.announce_all)

    async def reserve_now(self, payload: dict) -> Answer:
        # Without an EVSE it would mean any of them: ReservationCtrlr.NonEvseSpecific is false here, so
        # EVSE 0 is looked for and the order rejected.
        reservation = Reservation(
            payload["id"],
            payload.get("evseId", 0),
            token(payload["idToken"]),
            token(payload.get("groupIdToken")),
            parse_stamp(payload["expiryDateTime"]),
        )
        status = orders.reserve(self._charger, reservation)
        return Answer({"status": status}, self._charger.announce_all)

    async def cancel_reservation(self, payload: dict) -> Answer:
        found = orders.cancel_reservation(self._charger, payload["reservationId"])
        return Answer({"status": "Accepted" if found else "Rejected"}, self._charger.announce_all)

    async def trigger_message(self, payload: dict) -> dict | Answer:
        number, message = payload.get("evse", {}).get("id"), payload["requestedMessage"]
        point = self._point(number)
        if number and not point:
            return _refused("UnknownEvse", "There is no such EVSE.")
        if message == "TransactionEvent":
            return Answer({"status": "Accepted"}, lambda: self._report_transactions(point))
        sending = orders.trigger(self._charger, message, point)
        if not sending:
            return {"status": "NotImplemented"}
        return Answer({"status": "Accepted"}, sending)

    async def get_variables(self, payload: dict) -> dict:
        known = {variable.key: variable for variable in inventory(self._charger)}
        return {"getVariableResult": [_read(known, asked) for asked in payload["getVariableData"]]}

    async def set_variables(self, payload: dict) -> Answer:
        results = [self._write(wish) for wish in payload["setVariableData"]]

        def apply() -> None:
            for result in results:
                if result["attributeStatus"] == "Accepted":
                    self._charger.setting_changed(BY_VARIABLE[_place(result)].name)

        return Answer({"setVariableResult": results}, apply)

    async def get_base_report(self, payload: dict) -> Answer:
        request_id, base = payload["requestId"], payload["reportBase"]
        lines = list(inventory(self._charger, base))
        return Answer(
            {"status": "Accepted"}, lambda: self._charger.spawn(self._notify_report(request_id, lines))
        )

    async def get_report(self, payload: dict) -> dict | Answer:
        """Of the components, and variables where they are named; criteria such as Problem select nothing."""
        if payload.get("componentCriteria"):
            return {"status": "NotSupported"}
        request_id, wanted = payload["requestId"], payload.get("componentVariable", [])
        lines = [
            each
            for each in inventory(self._charger)
            if not wanted
            or any(
                each.component == one["component"]["name"]
                and one.get("variable", {"name": each.name})["name"] == each.name
                for one in wanted
            )
        ]
        if not lines:
            return {"status": "EmptyResultSet"}
        return Answer(
            {"status": "Accepted"}, lambda: self._charger.spawn(self._notify_report(request_id, lines))
        )

    async def set_network_profile(self, payload: dict) -> dict:
        """It speaks plain WebSocket here, so a profile that wants TLS is one it can't keep."""
        data = payload["connectionData"]
        if data["securityProfile"] < self._charger.settings.security_profile:
            return _refused("InvalidValue", "A security profile is never lowered.")
        if data["securityProfile"] > 1 or payload["configurationSlot"] not in (1, 2):
            return {"status": "Failed"}
        return {"status": "Accepted"}

    async def set_charging_profile(self, payload: dict) -> dict | Answer:
        number = payload["evseId"]
        point = self._point(number)
        try:
            profile = Profile.parse(payload["chargingProfile"], evse=number)
        except UnusableProfile as problem:
            return _refused("InvalidProfile", str(problem))
        if number and not point:
            return _refused("UnknownEvse", "There is no such EVSE.")
        if profile.purpose == TX:
            tx = point.transaction if point else None
            if not tx or profile.transaction != tx.id:
                return _refused("TxNotFound", "A TxProfile needs its running transaction.")
        return Answer({"status": "Accepted"}, lambda: self._charger.install_profile(profile))

    async def clear_charging_profile(self, payload: dict) -> dict | Answer:
        criteria = payload.get("chargingProfileCriteria", {})
        purpose = criteria.get("chargingProfilePurpose")
        found = self._charger.profiles.clear(
            id=payload.get("chargingProfileId"),
            evse=criteria.get("evseId"),
            purpose=PURPOSES[purpose] if purpose else None,
            stack_level=criteria.get("stackLevel"),
        )
        return Answer({"status": "Accepted" if found else "Unknown"}, self._charger.look)

    async def get_composite_schedule(self, payload: dict) -> dict:
        number, unit = payload["evseId"], payload.get("chargingRateUnit", "W")
        point = self._point(number)
        if number and not point:
            return _refused("UnknownEvse", "There is no such EVSE.")
        return {
            "status": "Accepted",
            "schedule": {
                "evseId": number,
                "duration": payload["duration"],
                "scheduleStart": stamp(self._charger.now()),
                "chargingRateUnit": unit,
                "chargingSchedulePeriod": orders.composite(self._charger, point, payload["duration"], unit),
            },
        }

    async def data_transfer(self, payload: dict) -> dict:
        if payload["vendorId"] != self._charger.station.vendor:
            return {"status": "UnknownVendorId"}
        return {"status": "Accepted"} | ({"data": payload["data"]} if "data" in payload else {})

    async def get_local_list_version(self, payload: dict) -> dict:
        settings, tokens = self._charger.settings, self._charger.tokens
        return {"versionNumber": tokens.list_version if settings.list_enabled else 0}

    async def send_local_list(self, payload: dict) -> dict:
        settings, tokens = self._charger.settings, self._charger.tokens
        entries = [
            (token(entry["idToken"]), verdict(entry["idTokenInfo"]) if entry.get("idTokenInfo") else None)
            for entry in payload.get("localAuthorizationList", [])
        ]
        if not settings.list_enabled or len(entries) > settings.max_list_length:
            return {"status": "Failed"}
        return {"status": tokens.update_list(payload["versionNumber"], payload["updateType"], entries)}

    async def clear_cache(self, payload: dict) -> dict:
        self._charger.tokens.cached.clear()
        return {"status": "Accepted"}

    async def update_firmware(self, payload: dict) -> dict | Answer:
        return calls.update_with_number(self._charger, payload)

    async def get_log(self, payload: dict) -> Answer:
        return calls.get_log(self._charger, payload)

    async def customer_information(self, payload: dict) -> dict | Answer:
        """A card is all that this station knows of anybody."""
        charger, wire = self._charger, payload.get("idToken")
        if not wire:
            return {"status": "Invalid"}
        customer = Token(wire["idToken"], wire["type"])
        known = charger.tokens.recall(customer, charger.now())
        if payload["clear"]:
            charger.tokens.forget(customer)
        if not payload["report"]:
            return {"status": "Accepted"}
        text = f"{customer.value}: {known.status}" if known else "Nothing is kept about this customer."
        return Answer(
            {"status": "Accepted"},
            lambda: charger.spawn(charger.dialect.customer_information(payload["requestId"], text)),
        )

    def _write(self, wish: dict) -> dict:
        component, variable = wish["component"], wish["variable"]
        entry = BY_VARIABLE.get(_place(wish))
        if wish.get("attributeType", "Actual") != "Actual":
            status = "NotSupportedAttributeType"
        elif not entry:
            components = {name for name, _variable, _instance in BY_VARIABLE}
            status = "UnknownVariable" if component["name"] in components else "UnknownComponent"
        elif entry.access == "ReadOnly" or not entry.write(self._charger.settings, wish["attributeValue"]):
            status = "Rejected"
        else:
            status = "RebootRequired" if entry.needs_reboot else "Accepted"
        return {
            "attributeType": wish.get("attributeType", "Actual"),
            "attributeStatus": status,
            "component": component,
            "variable": variable,
        }

    async def _notify_report(self, request_id: int, variables: list[Variable]) -> None:
        lines = [variable.report() for variable in variables]
        parts = [lines[i : i + REPORT_LINES] for i in range(0, len(lines), REPORT_LINES)]
        for number, part in enumerate(parts):
            await self._charger.link.call(
                "NotifyReport",
                {
                    "requestId": request_id,
                    "generatedAt": stamp(self._charger.now()),
                    "seqNo": number,
                    "tbc": number < len(parts) - 1,
                    "reportData": part,
                },
            )

    def _report_transactions(self, point: Point | None) -> None:
        for one in [point] if point else self._charger.points:
            if one.transaction:
                self._charger.dialect.sampled(
                    one.transaction, one.evse.read(), self._charger.now(), triggered=True
                )

    def _point(self, number: int | None) -> Point | None:
        return next((point for point in self._charger.points if point.number == number), None)

    def _running(self, transaction_id: str) -> Point | None:
        points = (point for point in self._charger.points if point.transaction)
        return next((point for point in points if point.transaction.id == transaction_id), None)


def _place(wire: dict) -> tuple[str, str, str]:
    variable = wire["variable"]
    return wire["component"]["name"], variable["name"], variable.get("instance", "")


def _read(known: dict, asked: dict) -> dict:
    component, variable = asked["component"], asked["variable"]
    evse = component.get("evse", {})
    found = known.get((*_place(asked), evse.get("id"), evse.get("connectorId")))
    answer = {
        "attributeType": asked.get("attributeType", "Actual"),
        "component": component,
        "variable": variable,
    }
    if answer["attributeType"] != "Actual":
        return answer | {"attributeStatus": "NotSupportedAttributeType"}
    if not found:
        components = {key[0] for key in known}
        status = "UnknownVariable" if component["name"] in components else "UnknownComponent"
        return answer | {"attributeStatus": status}
    if found.access == "WriteOnly":
        return answer | {"attributeStatus": "Rejected"}
    return answer | {"attributeStatus": "Accepted", "attributeValue": found.value}


def _refused(code: str, why: str) -> dict:
    return {"status": "Rejected", "statusInfo": {"reasonCode": code[:20], "additionalInfo": why}}
