"""Pure: updates by what their stations say, waves, and ranges of bytes."""

import pytest

from stations.files import ranges
from stations.files.tickets import safe_name
from stations.firmware import states, waves
from stations.firmware.states import RUNNING, SAID, Move
from stations.firmware.waves import Tally
from stations.ocpp import schemas

NEW, OLD = "2.0.0", "1.0.0"


def said(state, status, *, runs=OLD, booted_since=False):
    return states.on_status(state, status, wanted=NEW, runs=runs, booted_since=booted_since)


def booted(state, runs, *, was=OLD):
    return states.on_boot(state, wanted=NEW, runs=runs, was=was)


@pytest.mark.parametrize(
    ("version", "action"),
    [
        ("1.6", "FirmwareStatusNotification"),
        ("1.6", "SignedFirmwareStatusNotification"),
        ("2.0.1", "FirmwareStatusNotification"),
        ("2.1", "FirmwareStatusNotification"),
    ],
)
def test_every_word_of_every_version_has_a_meaning(version, action):
    schema = schemas.request_schema(version, action)
    node = schema["properties"]["status"]
    words = node.get("enum") or schema["definitions"][node["$ref"].split("/")[-1]]["enum"]
    assert set(words) - {"Idle"} <= set(SAID)


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [
        ("requested", "Downloading", "downloading"),
        ("accepted", "DownloadScheduled", "scheduled"),
        ("downloading", "DownloadPaused", "paused"),
        ("paused", "Downloading", "downloading"),
        ("downloading", "Downloaded", "downloaded"),
        ("downloaded", "SignatureVerified", "verified"),
        ("verified", "InstallScheduled", "install_scheduled"),
        ("install_scheduled", "Installing", "installing"),
        ("installing", "InstallRebooting", "rebooting"),
        ("rebooting", "Installed", "installed"),
        # A station that says only the end.
        ("accepted", "Installed", "installed"),
        # The standard's retry, after a failure was said.
        ("failed", "Downloading", "downloading"),
    ],
)
def test_the_way_of_an_update(state, status, expected):
    assert said(state, status).state == expected


@pytest.mark.parametrize(
    ("state", "status"),
    [("downloading", "Downloading"), ("downloading", "Idle"), ("downloading", "Nonsense")]
    + [("done", status) for status in SAID]
    + [("cancelled", status) for status in SAID],
)
def test_words_that_change_nothing(state, status):
    assert said(state, status) is None


@pytest.mark.parametrize(
    "status", ["DownloadFailed", "InstallationFailed", "InvalidSignature", "InstallVerificationFailed"]
)
def test_failures_say_why(status):
    move = said("downloading", status)
    assert (move.state, move.problem) == ("failed", states.PROBLEMS[status])
    assert states.SEVERITIES[status] <= 4


def test_installed_counts_once_the_new_version_runs():
    assert said("installing", "Installed", runs=NEW) == Move("done")
    assert said("installing", "Installed", runs=OLD) == Move("installed")
    late = said("installing", "Installed", runs=OLD, booted_since=True)
    assert late == Move("failed", "The charger says it is installed, but still runs 1.0.0.")


@pytest.mark.parametrize("state", RUNNING)
def test_the_new_version_at_boot_proves_it(state):
    assert booted(state, NEW) == Move("done")
    assert booted(state, " 2.0.0 ") == Move("done")


@pytest.mark.parametrize(
    ("state", "expected"),
    [("accepted", None), ("downloaded", None), ("installing", "done"), ("installed", "done")],
)
def test_the_same_version_again_proves_something_only_after_its_installation_began(state, expected):
    move = booted(state, NEW, was=NEW)
    assert (move and move.state) == expected


@pytest.mark.parametrize("state", sorted(set(RUNNING) - {"installed"}))
def test_an_old_version_at_boot_may_be_a_restart_on_the_way(state):
    assert booted(state, OLD) is None


def test_an_old_version_after_installed_is_a_failure():
    assert booted("installed", OLD).state == "failed"
    assert booted("installed", "").problem.endswith("still runs ?.")
    # A failure that the boot disproves.
    assert booted("failed", NEW) == Move("done")
    assert booted("done", OLD) is None


def test_the_answer_to_the_call():
    assert states.on_answer("requested", "Accepted") == Move("accepted")
    assert states.on_answer("requested", "AcceptedCanceled") == Move("accepted")
    assert states.on_answer("requested", "Rejected").state == "failed"
    assert "revoked" in states.on_answer("requested", "RevokedCertificate").problem
    # Its word on the way was faster than its answer.
    assert states.on_answer("downloading", "Accepted") is None


@pytest.mark.parametrize(
    ("total", "number", "percent", "expected"),
    [(100, 10, None, 10), (100, 10, 25, 25), (3, 10, 10, 1), (7, 1, 50, 4), (5, 0, None, 1)],
)
def test_the_size_of_a_wave(total, number, percent, expected):
    assert waves.size(total, number, percent) == expected


@pytest.mark.parametrize(
    ("tally", "percent", "forgiven", "stops"),
    [
        (Tally(pending=95, running=4, failed=1), 10, 0, False),
        (Tally(pending=95, failed=5), 10, 0, True),  # the first wave, whole
        (Tally(pending=50, running=39, failed=11), 10, 0, True),
        (Tally(pending=90, done=9, failed=1), 10, 0, False),  # exactly 10 % is not more
        (Tally(pending=90, done=8, failed=2), 10, 0, True),
        (Tally(pending=90, done=8, failed=2), 10, 2, False),
        (Tally(pending=1, failed=1), 100, 0, False),
        (Tally(pending=1, failed=1), 0, 0, True),
        (Tally(pending=5), 0, 0, False),
    ],
)
def test_when_a_campaign_has_seen_enough(tally, percent, forgiven, stops):
    assert waves.must_stop(tally, percent, forgiven) is stops


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ("bytes=0-99", (0, 100)),
        ("bytes=10-", (10, 100)),
        ("bytes=90-200", (90, 100)),
        ("bytes=-5", (95, 100)),
        ("bytes=-500", (0, 100)),
        ("Bytes = 1-1", (1, 2)),
        ("bytes=5-2", None),
        ("bytes=0-1,5-6", None),
        ("bytes=-", None),
        ("lines=1-2", None),
        ("bytes=٣-٤", None),
        ("bytes=" + "9" * 40 + "-", None),
    ],
)
def test_ranges(header, expected):
    assert ranges.wanted(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_ranges_behind_the_end(header):
    with pytest.raises(ranges.NotSatisfiable):
        ranges.wanted(header, 100)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\logs\\a.log", "a.log"),
        ('a"b\r\nX: y.zip', "a_b_X_y.zip"),
        (".htaccess", "htaccess"),
        ("протокол.log", "log"),
        ("", "file"),
        ("..", "file"),
        ("x" * 300 + ".log", "x" * 96 + ".log"),
    ],
)
def test_names_of_files(text, expected):
    assert safe_name(text) == expected
