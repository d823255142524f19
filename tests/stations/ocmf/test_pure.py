"""Reading, verifying and judging signed texts, without a database."""

import base64
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from stations.ocmf import judging, keys, record, transparency
from stations.ocmf.judging import Key, Plain, Reason, Verdict
from stations.ocmf.signature import Checked, check
from tests.ocmf import Meter, reading

NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
METER = Meter()

#: From the files that the S.A.F.E. Transparenzsoftware is tested with: text, key.
KEBA = (
    'OCMF|{"FV":"1.0","GI":"KEBA_KCP30","GS":"17619300","GV":"2.8.5","PG":"T32","IS":false,"IL":"NONE",'
    '"IF":["RFID_NONE","OCPP_NONE","ISO15118_NONE","PLMN_NONE"],"IT":"NONE","ID":"","RD":[{"TM":'
    '"2019-08-13T10:03:15,000+0000 I","TX":"B","EF":"","ST":"G","RV":0.2596,"RI":"1-b:1.8.0","RU":"kWh"},'
    '{"TM":"2019-08-13T10:03:36,000+0000 R","TX":"E","EF":"","ST":"G","RV":0.2597,"RI":"1-b:1.8.0",'
    '"RU":"kWh"}]}|{"SD":"304502200E2F107C987A300AC1695CA89EA149A8CDFA16188AF0A33EE64B67964AA943F9022100'
    '889A72B6D65364BEA8562E7F6A0253157ACFF84FE4929A93B5964D23C4265699"}',
    "3059301306072A8648CE3D020106082A8648CE3D030107034200043AEEB45C392357820A58FDFB0857BD77ADA31585C61C43"
    "0531DFA53B440AFBFDD95AC887C658EA55260F808F55CA948DF235C2108A0D6DC7D4AB1A5E1A7955BE",
)
NZR = (
    'OCMF|{"FV":"1.0","GI":"NZR GATEWAY","GS":"21751020","GV":"1.0.0.0","PG":"T274","MV":"NZR","MM":'
    '"EcoCount SL","MS":"12345678","MF":"1.11","IS":false,"IL":"NONE","IF":[],"IT":"NONE","ID":"","CT":"",'
    '"CI":"","RD":[{"TM":"2021-10-26T11:15:09,000+0000 S","TX":"B","RV":1833,"RI":"1-0:1.8.1","RU":"Wh",'
    '"RT":"AC","EF":"","ST":"G"}]}|{"SD":"304402202CC410E10CD9141394AE77B3DC17A523C359F65B0117C098703DF1F2'
    'AB773A3302204C6CC011FE4920F87CF413F6FB94EDD78DAA26BB5DB4048DA9B3D3AB513CC23C","SA":'
    '"ECDSA-brainpoolP256r1-SHA256"}',
    "305A301406072A8648CE3D020106092B240303020801010703420004607201339EF7C61EB1270C0BEA675585711CB160835F0"
    "F55975A311EA6F14AE98981A9276ABC6C70ADA4F8CE25A5502336C738B9E86FB1ED62150FF1B0FAD5A2",
)


def test_every_field_is_read():
    text = METER.sign(
        reading("B", 2935.6, at="2018-07-24T13:22:04,000+0200", RI="01-0B:01.08.00*FF", RT="DC", EF=""),
        {"TM": "2018-07-24T13:26:04,000+0200 R", "TX": "E", "RV": 2965.1, "CL": 0.5},
        GV="1.4p3",
        MV="V",
        MM="M",
        MF="1.0",
        IF=["RFID_PLAIN"],
        TT="Tarif 1",
        CT="EVSEID",
        CI="DE*ABC*E1",
        PG="T12345",
    )
    found = record.parse(text)
    assert (found.version, found.gateway, found.gateway_serial, found.gateway_version) == (
        "1.0",
        "G",
        "M-1",
        "1.4p3",
    )
    assert (found.meter_vendor, found.meter_model, found.meter_serial, found.meter_firmware) == (
        "V",
        "M",
        "M-1",
        "1.0",
    )
    assert (found.context, found.page, found.tariff) == ("T", 12345, "Tarif 1")
    assert (found.is_identified, found.identification_level, found.identification_flags) == (
        True,
        "VERIFIED",
        ("RFID_PLAIN",),
    )
    assert (found.identification_type, found.identification) == ("ISO14443", "04A2B3C4")
    assert (found.place_type, found.place) == ("EVSEID", "DE*ABC*E1")
    begin, end = found.readings
    assert begin.at == datetime(2018, 7, 24, 11, 22, 4, tzinfo=UTC)
    assert (begin.wh, begin.time_status, begin.current, begin.status) == (Decimal("2935600"), "S", "DC", "G")
    # What is as before is left out.
    assert (end.wh, end.time_status, end.obis, end.unit, end.loss) == (
        Decimal("2965100"),
        "R",
        "1.8.0",
        "kWh",
        Decimal("0.5"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "OCMF",
        "OCMF|",
        "OCMF|{|{}",
        "OCMF|[]|{}",
        "OCMF|{}|[]",
        "EDL|{}|{}",
        '{"RD":[]}',
        "OCMF|" + "[" * 9999,
    ],
)
def test_nonsense_is_named(text):
    with pytest.raises(record.NotOcmf):
        record.parse(text)


@given(st.text(max_size=60), st.sampled_from(["", "OCMF|", 'OCMF|{"RD":[{"RV":']))
def test_no_text_breaks_the_reader(text, head):
    try:
        record.parse(head + text)
    except record.NotOcmf:
        pass
    try:
        keys.read(text)
    except keys.Unreadable:
        pass


@pytest.mark.parametrize(
    ("written", "wh"),
    [
        ({"RV": "       9.038", "RI": "01-00:01.08.00.FF"}, "9038"),
        ({"RV": 12, "RU": "Wh"}, "12"),
        ({"RV": 1, "RI": "1-0:2.8.0"}, None),
        ({"RV": 1, "RU": "mOhm"}, None),
        ({"RV": -1}, None),
        ({"RV": "NaN"}, None),
        ({"RV": "1e999999"}, None),
        ({"RV": True}, None),
        ({"RV": 2, "RI": "01-00:B1.08.00*FF"}, "2000"),
    ],
)
def test_registers(written, wh):
    [found] = record.parse(METER.sign(reading("B", 0) | written)).readings
    assert found.wh == (None if wh is None else Decimal(wh))


ALGORITHMS = [
    (curve, bits)
    for curve, bits in [
        ("secp192r1", "256"),
        ("secp256k1", "256"),
        ("secp256r1", "256"),
        ("secp384r1", "256"),
        ("secp384r1", "384"),
        ("secp521r1", "512"),
        ("brainpool256r1", "256"),
        ("brainpool384r1", "256"),
        ("brainpool512r1", "512"),
    ]
]


@pytest.mark.parametrize(("curve", "bits"), ALGORITHMS)
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_every_algorithm_verifies_and_refuses(curve, bits, encoding):
    meter = Meter(curve, bits)
    text = meter.sign(reading("B", 1.25), encoding=encoding)
    key = keys.read(meter.key)
    assert key.curve == curve
    assert check(record.parse(text), key) is Checked.GOOD
    assert check(record.parse(text.replace("1.25", "1.26")), key) is Checked.BAD
    assert check(record.parse(text), keys.read(Meter(curve, bits).key)) is Checked.BAD


@pytest.mark.parametrize(("text", "key"), [KEBA, NZR])
def test_values_of_real_meters(text, key):
    assert check(record.parse(text), keys.read(key)) is Checked.GOOD
    assert check(
        record.parse(text.replace('"RV":1833', '"RV":1834').replace("0.2597", "0.2598")), keys.read(key)
    ) is (Checked.BAD)


@settings(deadline=None)
@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_any_changed_byte_of_the_payload_is_refused(where, by):
    text = METER.sign(reading("B", 12.345))
    one = record.parse(text)
    blob = bytearray(one.payload)
    blob[where % len(blob)] ^= by
    forged = record.Record(payload=bytes(blob), text=text, signature=one.signature)
    assert check(one, keys.read(METER.key)) is Checked.GOOD
    assert check(forged, keys.read(METER.key)) is Checked.BAD


def test_what_we_have_no_means_for_is_said():
    text = METER.sign(reading("B", 1))
    for algorithm in ("ECDSA-secp192k1-SHA256", "RSA-2048-SHA256", "Ed25519"):
        other = record.parse(text.replace("ECDSA-secp256r1-SHA256", algorithm))
        point = b"\x04" + bytes(range(48))
        key = keys.PublicKey("secp192k1", point) if "192k1" in algorithm else keys.read(METER.key)
        assert check(other, key) is Checked.UNABLE
    assert keys.read(keys.spki(keys.CURVES["secp192k1"], point).hex()).curve == "secp192k1"


def test_keys_in_every_spelling_are_one():
    public = METER.private.public_key()
    x962 = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    short = public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    oca = f"oca:base16:asn1:{METER.key}"
    spellings = [
        METER.key,
        METER.key.upper(),
        "0x" + METER.key,
        ":".join(METER.key[at : at + 2] for at in range(0, len(METER.key), 2)),
        base64.b64encode(METER.der).decode(),
        base64.b64encode(METER.key.encode()).decode(),
        base64.b64encode(oca.encode()).decode(),
        oca,
        pem,
        x962.hex(),
        x962[1:].hex(),
        short.hex(),
        base64.b64encode(x962).decode(),
    ]
    one = record.parse(METER.sign(reading("B", 1)))
    for spelling in spellings:
        key = keys.read(spelling)
        assert key.fingerprint == keys.read(METER.key).fingerprint, spelling
        assert check(one, key) is Checked.GOOD, spelling


@pytest.mark.parametrize(
    "text", ["", "no key", "3059", "00" * 65, "04" + "00" * 64, "A" * 5000, "oca:base16:asn1:zz"]
)
def test_what_is_no_key_is_said(text):
    with pytest.raises(keys.Unreadable):
        keys.read(text).loaded()


def test_bare_points_take_the_signatures_curve():
    meter = Meter("brainpool256r1")
    point = meter.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    one = record.parse(meter.sign(reading("B", 1)))
    assert check(one, keys.read(point.hex())) is Checked.GOOD


def test_a_bare_pair_of_numbers_is_a_signature_too():
    text = METER.sign(reading("B", 1))
    one = record.parse(text)
    r, s = decode_dss_signature(bytes.fromhex(one.signature.data))
    bare = (r.to_bytes(32) + s.to_bytes(32)).hex()
    assert check(record.parse(text.replace(one.signature.data, bare)), keys.read(METER.key)) is Checked.GOOD


# A session's


def at(minutes: int) -> str:
    return f"{NOON + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S},000+0000"


def charge(meter, *, begin=10.0, end=15.0, first=None, last=None, **fields):
    """The two texts of a charge from noon to half past; `first` and `last` change their readings."""
    return [
        (meter.sign(reading("B", begin, at(0)) | (first or {}), **fields), "Transaction.Begin"),
        (meter.sign(reading("E", end, at(30)) | (last or {}), **fields), "Transaction.End"),
    ]


PLAIN = Plain(NOON, NOON + timedelta(minutes=30), Decimal(5000))


def judged(values, *known, plain=PLAIN, **more):
    return judging.judge(values, known or [Key(METER.key, True)], plain, **more)


def test_a_good_charge():
    found = judged(charge(METER))
    assert (found.verdict, found.reason, found.energy_wh) == (Verdict.GOOD, "", Decimal(5000))
    assert (found.start_wh, found.stop_wh, found.meter_serial) == (Decimal(10000), Decimal(15000), "M-1")
    assert (found.start_at, found.notes) == (NOON, ())


def begin(**more):
    return METER.sign(reading("B", 10, at(0)), **more), "Transaction.Begin"


def test_both_readings_in_one_text():
    """As KEBA and others do: the begin once alone, then again together with the end."""
    values = [begin(), (METER.sign(reading("B", 10, at(0)), reading("E", 15, at(30))), "Transaction.End")]
    for which in (values, values[1:], values[::-1], [*values, *values]):
        found = judged(which)
        assert (found.verdict, found.energy_wh) == (Verdict.GOOD, Decimal(5000))


def other_meter():
    return [begin(), (METER.sign(reading("E", 15, at(30)), MS="M-2"), "Transaction.End")]


def gap():
    values = [begin()]
    METER.page += 1
    return [*values, (METER.sign(reading("E", 15, at(30))), "Transaction.End")]


def swapped():
    first = (METER.sign(reading("E", 15, at(30))), "Transaction.End")
    return [(METER.sign(reading("B", 10, at(0))), "Transaction.Begin"), first]


CASES = {
    "gap": (gap, Verdict.INCONSISTENT, Reason.GAP),
    "order": (swapped, Verdict.INCONSISTENT, Reason.ORDER),
    "other meter": (other_meter, Verdict.INCONSISTENT, Reason.OTHER_METER),
    "same page": (lambda: charge(METER, PG="T7"), Verdict.INCONSISTENT, Reason.SAME_PAGE),
    "other card": (
        lambda: [begin(), (METER.sign(reading("E", 15, at(30)), ID="X"), "Transaction.End")],
        Verdict.INCONSISTENT,
        Reason.OTHER_TRANSACTION,
    ),
    "yesterday's": (
        lambda: charge(METER, first={"TM": "2026-06-14T12:00:00,000+0000 S"}),
        Verdict.INCONSISTENT,
        Reason.OTHER_TIME,
    ),
    "clock": (
        lambda: charge(METER, last={"TM": f"{at(30)} U"}),
        Verdict.INCONSISTENT,
        Reason.UNSYNCHRONISED,
    ),
    "status": (lambda: charge(METER, last={"ST": "M"}), Verdict.INCONSISTENT, Reason.METER_STATUS),
    "flag": (lambda: charge(METER, last={"EF": "E"}), Verdict.INCONSISTENT, Reason.ERROR_FLAG),
    "exception": (
        lambda: [
            begin(),
            (METER.sign(reading("X", 12, at(10)), reading("E", 15, at(30))), "Transaction.End"),
        ],
        Verdict.INCONSISTENT,
        Reason.ERROR_FLAG,
    ),
    "backwards": (lambda: charge(METER, end=9.0), Verdict.INCONSISTENT, Reason.BACKWARDS),
    "differs": (lambda: charge(METER, end=25.0), Verdict.INCONSISTENT, Reason.DIFFERS),
    "contradiction": (
        lambda: [
            (METER.sign(reading("B", 10, at(0))), "Transaction.Begin"),
            (METER.sign(reading("B", 11, at(0)), reading("E", 15, at(30))), "Transaction.End"),
        ],
        Verdict.INCONSISTENT,
        Reason.CONTRADICTION,
    ),
    "no begin": (lambda: charge(METER)[1:], Verdict.MISSING, Reason.NO_BEGIN),
    "no end": (lambda: charge(METER)[:1], Verdict.MISSING, Reason.NO_END),
    "nothing": (list, Verdict.MISSING, Reason.NO_VALUES),
    "no register": (
        lambda: charge(METER, first={"RI": "1-0:2.8.0"}),
        Verdict.MISSING,
        Reason.NO_REGISTER,
    ),
    "another format": (lambda: [("<edl>", "Transaction.End")], Verdict.UNCHECKED, Reason.FORMAT),
    "a forged one": (
        lambda: [(text.replace("15.0", "15.1"), context) for text, context in charge(METER)],
        Verdict.BAD,
        Reason.SIGNATURE,
    ),
    "another key": (lambda: charge(Meter()), Verdict.BAD, Reason.SIGNATURE),
    "another algorithm": (
        lambda: [(text.replace("ECDSA-secp256r1", "RSA-2048"), context) for text, context in charge(METER)],
        Verdict.UNCHECKED,
        Reason.ALGORITHM,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_named(name):
    values, verdict, reason = CASES[name]
    found = judged(values())
    assert (found.verdict, found.reason) == (verdict, reason)


def test_pages_of_the_other_outlet_are_no_gap():
    values = gap()
    missing = record.parse(values[0][0]).page + 1
    assert judged(values, elsewhere=frozenset({missing})).verdict is Verdict.GOOD


def test_a_text_of_another_session_is_refused():
    assert judged(charge(METER), is_used_before=True).reason == Reason.USED_BEFORE


def test_keys_by_how_far_they_are_believed():
    values = charge(METER)
    assert judging.judge(values, [], PLAIN).verdict is Verdict.UNKNOWN_KEY
    learned = judged(values, Key(METER.key))
    assert (learned.verdict, learned.notes) == (Verdict.GOOD, (judging.LEARNED_KEY,))
    # A trusted key is the only one that counts, however good the told one is.
    assert judged(values, Key(Meter().key, True), Key(METER.key)).verdict is Verdict.BAD
    # One that came later isn't used, but it explains.
    changed = judged(values, Key(Meter().key), Key(METER.key, is_used=False))
    assert (changed.verdict, changed.reason) == (Verdict.INCONSISTENT, Reason.KEY_CHANGED)


def test_an_informative_clock_is_only_noted():
    found = judged(charge(METER, first={"TM": f"{at(0)} U"}, last={"TM": f"{at(30)} R"}))
    assert (found.verdict, found.notes) == (Verdict.GOOD, (judging.INFORMATIVE_TIME,))


def test_rounding_and_cables_are_within_tolerance():
    plain = Plain(NOON, NOON + timedelta(minutes=30), Decimal(5090))
    assert judged(charge(METER), plain=plain).verdict is Verdict.GOOD


def test_what_reached_the_car_counts_before_what_left_the_meter():
    car = {"RI": "01-00:B3.08.00*FF"}
    values = [
        (
            METER.sign(
                reading("B", 10, at(0)), reading("E", 15, at(30)),
                reading("B", 0, at(0), **car), reading("E", 4.9, at(30), **car),
            ),
            "Transaction.End",
        )
    ]  # fmt: skip
    found = judged(values)
    assert (found.verdict, found.energy_wh, found.obis) == (Verdict.GOOD, Decimal(4900), "b3.8.0")


# The file for the Transparenzsoftware


def test_the_file_carries_the_very_text_and_the_key():
    values = charge(METER, ID="<&\u00e4>\"'")
    root = ElementTree.fromstring(transparency.write(values, METER.key))
    assert root.tag == "values"
    for value, (text, context) in zip(root.findall("value"), values, strict=True):
        signed, key = value.find("signedData"), value.find("publicKey")
        assert (value.get("context"), signed.get("format"), signed.get("encoding")) == (
            context,
            "OCMF",
            "plain",
        )
        assert signed.text == text
        assert (key.get("encoding"), key.text) == ("hex", METER.key)
        assert check(record.parse(signed.text), keys.read(key.text)) is Checked.GOOD


def test_transport_encodings_come_off_and_what_xml_would_change_is_wrapped():
    plain = METER.sign(reading("B", 1))
    wrapped = base64.b64encode(plain.encode()).decode()
    broken = METER.text(json.dumps({"RD": []}) + "\r\n ")
    root = ElementTree.fromstring(transparency.write([(wrapped, "a"), (broken, "b")], ""))
    first, second = (value.find("signedData") for value in root.findall("value"))
    assert first.text == plain
    assert second.get("encoding") == "base64"
    assert base64.b64decode(second.text).decode() == broken
    assert root.find("value/publicKey") is None
