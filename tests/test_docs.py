"""Documents that are made from the code say what the code does."""

import re
from pathlib import Path

from stations.management.commands.ocpp_table import table

ROOT = Path(__file__).resolve().parent.parent


def test_the_message_table_is_the_codes():
    assert (ROOT / "docs" / "ocpp.md").read_text() == table()


def test_every_setting_is_documented():
    settings = (ROOT / "evportal" / "settings.py").read_text()
    names = set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', settings))
    documented = (ROOT / "docs" / "configuration.md").read_text()
    assert not [name for name in sorted(names) if f"`{name}`" not in documented]


def test_links_between_documents_lead_somewhere():
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
