"""Documents that are made from the code say what the code does."""

import re
from pathlib import Path

from stations import boot
from stations.management.commands.ocpp_table import table
from stations.ocpp import versions, words
from stations.ocpp.routing import Route

ROOT = Path(__file__).resolve().parent.parent


def test_the_message_table_is_the_codes():
    stale = "docs/ocpp.md is stale: manage.py ocpp_table > docs/ocpp.md"
    assert (ROOT / "docs" / "ocpp.md").read_text() == table(), stale


def test_every_message_from_a_station_is_explained():
    """By its handler's docstring, in plain words: whoever reads the table doesn't read the code."""
    without = [
        f"{version} {name}"
        for version, routes in versions.ROUTES.items()
        for name, route in routes.items()
        if len(words.does(route).split()) < 3
    ]
    assert not without, f"no docstring says what these do: {', '.join(without)}"


def test_a_handler_is_explained_by_itself_or_by_what_it_calls():
    def wordless(incoming):
        return boot.boot(station=None)

    def said(incoming):
        """Keeps it for the operator.

        And more.
        """

    wordless.__globals__["boot"] = boot
    assert words.does(Route(decide=said)) == "Keeps it for the operator"
    assert words.does(Route(answer=said, later=wordless)) == words.first_line(boot.boot.__doc__)
    assert words.does(Route(answer=lambda incoming: {})) == ""


def test_what_the_portal_sends_by_itself_is_found_in_the_code():
    found = words.senders()
    assert any("charging" in said for said in found["RemoteStartTransaction"])
    assert found["RemoteStartTransaction"] == found["RequestStartTransaction"]
    assert found["ReserveNow"] and found["CancelReservation"] and found["ChangeAvailability"]


def test_every_setting_is_documented():
    settings = (ROOT / "evportal" / "settings.py").read_text()
    names = set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', settings))
    documented = (ROOT / "docs" / "configuration.md").read_text()
    assert not [name for name in sorted(names) if f"`{name}`" not in documented]


def test_links_between_documents_lead_somewhere():
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
