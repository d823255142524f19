"""Differences and parts of local lists: values only."""

import pytest

from stations.local_lists import entries


def entry(token, **more):
    return {"token": token, "type": "ISO14443", "status": "Accepted", **more}


A, B, C = entry("A"), entry("b"), entry("C", group="G", expires="2026-06-15T12:00:00.000Z")


@pytest.mark.parametrize(
    ("have", "want", "changes"),
    [
        ({}, {}, {}),
        ({}, {"A": A}, {"A": A}),
        ({"A": A}, {"A": A}, {}),
        ({"A": A}, {}, {"A": None}),
        ({"A": A, "B": B}, {"B": B, "C": C}, {"A": None, "C": C}),
        ({"A": A}, {"A": entry("A", group="G")}, {"A": entry("A", group="G")}),
    ],
)
def test_the_difference_makes_one_of_the_other(have, want, changes):
    assert entries.difference(have, want) == changes
    assert entries.applied(have, changes) == want


def test_whoever_goes_makes_room_first():
    assert list(entries.difference({"Z": entry("Z")}, {"A": A})) == ["Z", "A"]


def test_only_so_many_as_there_is_room_for():
    assert entries.fitting([A, B, C], 2) == ({"A": A, "B": B}, 1)
    assert entries.fitting([A, B, C], None)[1] == 0


def test_a_long_list_begins_in_full_and_goes_on_by_differences():
    want = {f"T{n}": entry(f"T{n}") for n in range(5)}
    calls = entries.parts("1.6", want, {}, start_version=7, full=True, items=2)
    assert [(c["payload"]["listVersion"], c["payload"]["updateType"]) for c in calls] == [
        (7, "Full"),
        (8, "Differential"),
        (9, "Differential"),
    ]
    assert [len(c["payload"]["localAuthorizationList"]) for c in calls] == [2, 2, 1]
    have = {}
    for call in calls:
        have = entries.applied(have, call["changes"])
    assert have == want


def test_parts_fit_into_the_bytes_that_the_station_takes():
    want = {f"T{n:03}": entry(f"T{n:03}") for n in range(50)}
    calls = entries.parts("2.0.1", want, {}, start_version=1, full=True, size=1000)
    import json

    assert len(calls) > 3
    assert max(len(json.dumps(c["payload"], separators=(",", ":"))) for c in calls) <= 1000


def test_an_empty_list_is_sent_as_one():
    (call,) = entries.parts("2.1", {}, {"A": A}, start_version=3, full=True)
    assert call["payload"] == {"versionNumber": 3, "updateType": "Full"}


def test_how_each_version_spells_an_entry():
    assert entries.spelled("1.6", C, "C", "ISO14443") == {
        "idTag": "C",
        "idTagInfo": {"status": "Accepted", "expiryDate": "2026-06-15T12:00:00.000Z", "parentIdTag": "G"},
    }
    assert entries.spelled("2.0.1", C, "C", "ISO14443") == {
        "idToken": {"idToken": "C", "type": "ISO14443"},
        "idTokenInfo": {
            "status": "Accepted",
            "cacheExpiryDateTime": "2026-06-15T12:00:00.000Z",
            "groupIdToken": {"idToken": "G", "type": "Central"},
        },
    }
    # Without information: it goes.
    assert entries.spelled("2.1", None, "b", "ISO15693") == {"idToken": {"idToken": "b", "type": "ISO15693"}}


@pytest.mark.parametrize(
    ("version", "length", "takes"),
    [("1.6", 20, True), ("1.6", 21, False), ("2.0.1", 36, True), ("2.0.1", 37, False), ("2.1", 255, True)],
)
def test_what_a_version_can_hold(version, length, takes):
    assert entries.takes(version, "x" * length, "") is takes
