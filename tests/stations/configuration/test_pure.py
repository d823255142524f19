"""What is decided without a database: places, calls no longer than a station takes them, and drift."""

from decimal import Decimal

import orjson
import pytest
from cryptography.fernet import InvalidToken
from django.test import SimpleTestCase, override_settings

from stations.configuration import (
    answers,
    builtin,
    calls,
    credentials,
    drift,
    masking,
    names,
    profiles,
    templates,
)
from stations.configuration.drift import Kept, State
from stations.configuration.names import Name
from stations.ocpp import registering, schemas

PLACES = [
    ("OCPPCommCtrlr/HeartbeatInterval", Name("HeartbeatInterval", "OCPPCommCtrlr")),
    ("OCPPCommCtrlr.HeartbeatInterval", Name("HeartbeatInterval", "OCPPCommCtrlr")),
    ("Connector@1.2/Available", Name("Available", "Connector", evse=1, connector=2)),
    ("EVSE@3/Power#MaxSet", Name("Power", "EVSE", evse=3, attribute="MaxSet")),
    (
        "FiscalMetering[a=b]@1/Certificate[2]",
        Name("Certificate", "FiscalMetering", "a=b", 1, variable_instance="2"),
    ),
    ("DeviceDataCtrlr/ItemsPerMessage[GetReport]", None),
    ("X@Y/Z.w", Name("Z.w", "X@Y")),
]


class Names(SimpleTestCase):
    def test_places_are_written_and_read(self):
        for text, name in PLACES:
            found = names.parse("2.0.1", text)
            if name is not None:
                self.assertEqual(found, name)
            self.assertEqual(names.parse("2.1", str(found)), found)
            wire = names.to_wire(found)
            self.assertEqual(names.from_wire(wire), found)

    def test_what_is_no_place(self):
        for text in ("", "A", "/", "A/", "/B", "A[/B", "A/B#Nothing", "A" * 51 + "/B", "A/B\x00", "A/B/C"):
            with self.assertRaises(names.BadName, msg=text):
                names.parse("2.0.1", text)

    def test_a_key_of_1_6_is_any_text(self):
        self.assertEqual(names.parse("1.6", " Vendor.X/y#[ "), Name("Vendor.X/y#["))
        for text in ("", " ", "x" * 51, "x\x00"):
            with self.assertRaises(names.BadName):
                names.parse("", text)


class Calls(SimpleTestCase):
    def test_chunks_keep_the_order_and_both_limits(self):
        items = [{"n": n, "text": "x" * (n % 40)} for n in range(100)]
        for most, most_bytes in ((1, 10**6), (7, 10**6), (100, 150), (3, 90)):
            found = list(calls.chunks(items, most=most, most_bytes=most_bytes, overhead=20))
            self.assertEqual([item for chunk in found for item in chunk], items)
            for chunk in found:
                self.assertLessEqual(len(chunk), most)
                if len(chunk) > 1:
                    self.assertLessEqual(len(orjson.dumps(chunk)) + 20, most_bytes + 1)
        self.assertEqual(list(calls.chunks([], most=1, most_bytes=1)), [])

    def test_the_frame_is_no_longer_than_the_station_takes_it(self):
        wanted = [(names.parse("2.0.1", f"Comp{n}/Variable{n}[i]"), "v" * 30) for n in range(60)]
        limits = calls.Limits(set_bytes=1000)
        for action, payload in calls.write("2.0.1", wanted, limits):
            schemas.check_call("2.0.1", action, payload)
            frame = orjson.dumps([2, "0" * 36, action, payload])
            self.assertLessEqual(len(frame), 1000)
            self.assertLessEqual(len(payload["setVariableData"]), limits.set_items)

    def test_every_call_fits_its_schema(self):
        places = [names.parse("2.0.1", text) for text, _name in PLACES]
        for version in ("2.0.1", "2.1"):
            made = [
                *calls.read_all(version, 7),
                *calls.read_standard(version, calls.Limits()),
                *calls.read_components(7, ["A", "B"], calls.Limits(report_items=1)),
                *calls.write(version, [(name, "1") for name in places], calls.Limits(set_items=2)),
                *profiles.upgrade_calls(version, 3, "wss://x/ocpp", "1", ""),
            ]
            for action, payload in made:
                schemas.check_call(version, action, payload)
        for action, payload in [
            *calls.read_all("1.6", 7),
            *calls.read_standard("1.6", calls.Limits(keys=3)),
            *calls.write("1.6", [(Name("A"), "1")], calls.Limits()),
            *profiles.upgrade_calls("1.6", 2, "", "", ""),
        ]:
            schemas.check_call("1.6", action, payload)

    def test_limits_that_make_no_sense_count_as_not_said(self):
        paths = calls.LIMITS
        for text in ("", None, "0", "-3", "many", "9" * 20):
            self.assertEqual(calls.limits(dict.fromkeys(paths.values(), text)), calls.Limits())
        self.assertEqual(calls.limits({paths["set_items"]: " 4 "}).set_items, 4)


class Answers(SimpleTestCase):
    def test_an_odd_configuration(self):
        known, unknown = answers.from_configuration(
            {
                "configurationKey": [
                    {"key": "A", "readonly": True},
                    {"key": "B", "value": "1\x00"},
                    {"readonly": False, "value": "1"},
                ],
                "unknownKey": ["C", None],
            }
        )
        self.assertEqual(
            [(str(each.name), each.value, each.mutability) for each in known],
            [
                ("A", None, "ReadOnly"),
                ("B", "1", "ReadWrite"),
            ],
        )
        self.assertEqual([str(each.name) for each in unknown], ["C"])
        self.assertEqual(answers.from_configuration({}), ([], []))

    def test_a_report_tells_each_attribute(self):
        line = {
            "component": {"name": "EVSE", "evse": {"id": 1}},
            "variable": {"name": "Power"},
            "variableAttribute": [
                {"value": "11", "mutability": "ReadOnly", "constant": True},
                {"type": "MaxSet", "mutability": "WriteOnly", "persistent": True},
            ],
            "variableCharacteristics": {"dataType": "decimal", "maxLimit": 1e300, "minLimit": 0.5},
        }
        actual, highest = answers.from_report({"reportData": [line]})
        self.assertEqual((str(actual.name), actual.value, actual.is_constant), ("EVSE@1/Power", "11", True))
        self.assertEqual((str(highest.name), highest.value), ("EVSE@1/Power#MaxSet", None))
        self.assertTrue(highest.is_persistent)
        self.assertEqual(actual.characteristics["minimum"], Decimal("0.5"))
        self.assertIsNone(actual.characteristics["maximum"])

    def test_a_wish_without_a_result_was_not_taken(self):
        wish = {"component": {"name": "A"}, "variable": {"name": "B"}, "attributeValue": "1"}
        found = answers.from_set_variables({"setVariableData": [wish]}, {"status": "Accepted"})
        self.assertEqual([(str(each.name), each.word) for each in found], [("A/B", "NoResult")])


DRIFT = [
    ("300", None, State.UNKNOWN),
    ("300", Kept("300"), State.SAME),
    ("300", Kept("300.0"), State.SAME),
    ("true", Kept("True"), State.SAME),
    ("A,B", Kept("A, B"), State.SAME),
    ("A,B", Kept("B,A"), State.DIFFERS),
    ("abc", Kept("ABC"), State.DIFFERS),
    ("NaN", Kept("nan"), State.DIFFERS),
    ("300", Kept("17"), State.DIFFERS),
    ("300", Kept("17", may_be_set=False), State.READ_ONLY),
    ("300", Kept("300", may_be_set=False), State.SAME),
    ("300", Kept("17", refusal="Rejected", refused_value="300"), State.REFUSED),
    ("60", Kept("17", refusal="Rejected", refused_value="300"), State.DIFFERS),
    ("300", Kept(None), State.UNKNOWN),
    ("300", Kept("300", is_told=False), State.UNKNOWN),
    ("300", Kept(None, is_told=False, refusal="Rejected", refused_value="300"), State.REFUSED),
    ("300", Kept(None, is_told=False, refusal="NotSupported", refused_value="60"), State.UNSUPPORTED),
    ("300", Kept("17", refusal="NotSupported", refused_value="60"), State.DIFFERS),
]


@pytest.mark.parametrize(("wanted", "kept", "state"), DRIFT)
def test_drift(wanted, kept, state):
    (found,) = drift.compare({"A": wanted}, {} if kept is None else {"A": kept})
    assert found.state == state
    assert found.may_be_mended == (state in (State.DIFFERS, State.UNKNOWN))


class Values(SimpleTestCase):
    def test_the_portals_own_are_good_values(self):
        for protocol, version in (("1.6", "1.6"), ("2.x", "2.0.1")):
            values = builtin.wanted(protocol, heartbeat_s=300, meter_s=30)
            self.assertEqual(templates.problem(protocol, values), "")
            self.assertEqual(templates.normal(protocol, values), values)
            self.assertEqual(templates.protocol(version), protocol)

    def test_what_is_wrong_with_values(self):
        for protocol, values in [
            ("1.6", {}),
            ("1.6", []),
            ("1.6", {"A": 1}),
            ("1.6", {"A": "x" * 501}),
            ("1.6", {"A": "\x00"}),
            ("1.6", {"A": "1", " A": "1"}),
            ("1.6", {"AuthorizationKey": "x"}),
            ("1.6", {str(n): "1" for n in range(201)}),
            ("2.x", {"A": "1"}),
            ("2.x", {"SecurityCtrlr/BasicAuthPassword": "x"}),
            ("2.x", {"SecurityCtrlr@1/BasicAuthPassword#Target": "x"}),
        ]:
            self.assertTrue(templates.problem(protocol, values), values)


class Masking(SimpleTestCase):
    SECRET = "S3cret-S3cret-S3cret"
    PASSWORD = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}

    def payloads(self):
        yield {"key": "AuthorizationKey", "value": self.SECRET}
        keys = [{"key": "AuthorizationKey", "value": self.SECRET}, {"key": "A", "value": "1"}]
        yield {"configurationKey": keys}
        yield {"setVariableData": [{**self.PASSWORD, "attributeValue": self.SECRET}]}
        yield {"getVariableResult": [{**self.PASSWORD, "attributeValue": self.SECRET}]}
        # 2.1: who has it makes codes for the display that a charger never showed.
        totp = {"component": {"name": "WebPaymentsCtrlr"}, "variable": {"name": "SharedSecret"}}
        yield {"setVariableData": [{**totp, "attributeValue": self.SECRET}]}
        yield {"reportData": [{**self.PASSWORD, "variableAttribute": [{"value": self.SECRET}]}]}
        yield {
            "configurationSlot": 1,
            "connectionData": {
                "basicAuthPassword": self.SECRET,
                "apn": {"apnPassword": self.SECRET, "simPin": 1234},
                "vpn": {"password": self.SECRET, "key": self.SECRET},
            },
        }

    def test_secrets_are_taken_out_and_put_back(self):
        for payload in self.payloads():
            shown, found = masking.take(payload)
            self.assertNotIn(self.SECRET, str(shown))
            self.assertEqual(masking.give_back(shown, found), payload)
            frame = orjson.dumps([3, "1", payload]).decode()
            self.assertNotIn(self.SECRET, masking.masked_frame(frame, 2))

    def test_everything_else_stays_as_it_is(self):
        harmless = ({}, {"key": "A", "value": "1"}, {"key": ["AuthorizationKey"]}, {"setVariableData": "x"})
        for payload in harmless:
            self.assertEqual(masking.take(payload), (payload, []))
        for text in ("no JSON AuthorizationKey", '[3,"AuthorizationKey"]', '[3,1,null,"AuthorizationKey"]'):
            self.assertEqual(masking.masked_frame(text, 2), text)

    def test_sealed_for_this_portal_alone(self):
        sealed = masking.sealed([self.SECRET, 5])
        self.assertNotIn(self.SECRET, sealed)
        self.assertEqual(masking.opened(sealed), [self.SECRET, 5])
        with override_settings(SECRET_KEY="another"), self.assertRaises(InvalidToken):
            masking.opened(sealed)


class Registrations(SimpleTestCase):
    def test_what_may_be_sent(self):
        boot = {"requestedMessage": "BootNotification"}
        for registration, action, payload, may in [
            ("Accepted", "RemoteStartTransaction", {}, True),
            ("Pending", "RemoteStartTransaction", {}, False),
            ("Pending", "RequestStopTransaction", {}, False),
            ("Pending", "SetVariables", {}, True),
            ("Pending", "TriggerMessage", boot, True),
            ("Rejected", "TriggerMessage", boot, True),
            ("Rejected", "TriggerMessage", {"requestedMessage": "Heartbeat"}, False),
            ("Rejected", "GetVariables", {}, False),
        ]:
            refusal = registering.refusal(registration, action, payload)
            self.assertEqual(refusal == "", may, (registration, action))

    def test_what_our_calls_let_pass(self):
        def asked(action, message=""):
            return registering.allowed_by(action, {"requestedMessage": message})[0]

        self.assertEqual(asked("TriggerMessage", "Heartbeat"), "Heartbeat")
        self.assertEqual(asked("ExtendedTriggerMessage", "SignChargePointCertificate"), "SignCertificate")
        self.assertEqual(asked("GetReport"), "NotifyReport")
        self.assertEqual(asked("Reset"), "")


class Keys(SimpleTestCase):
    def test_a_key_may_be_presented_as_hex_or_as_bytes(self):
        key = "00FF" * 10
        self.assertIn(key, credentials.spellings(key.lower(), key.lower().encode()))
        self.assertIn(key, credentials.spellings("", bytes.fromhex(key)))
        self.assertEqual(credentials.spellings("short", b"short"), ["short"])

    def test_slots_of_network_profiles(self):
        for priority, slots, found in [
            ("1", "", ("2", "2,1")),
            ("1,2", "1,2,3", ("3", "3,1,2")),
            ("1,2", "1,2", ("2", "2,1")),
            ("", "5,6", ("5", "5")),
        ]:
            self.assertEqual(profiles.free_slot(priority, slots), found)
