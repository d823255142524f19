"""Vendored assets are what the manifest says, and each package carries its licence."""

import hashlib
import json
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())


def test_every_file_is_listed_once():
    stored = {p.relative_to(VENDOR).as_posix() for p in VENDOR.rglob("*") if p.is_file()}
    listed = [entry["file"] for entry in MANIFEST]
    assert sorted(listed) == sorted(stored - {"manifest.json"})


def test_hashes_match():
    for entry in MANIFEST:
        digest = hashlib.sha256((VENDOR / entry["file"]).read_bytes()).hexdigest()
        assert digest == entry["sha256"], entry["file"]


def test_each_package_has_its_licence():
    folders = {Path(entry["file"]).parts[0] for entry in MANIFEST}
    for folder in folders:
        assert (VENDOR / folder / "LICENSE").read_text().strip(), folder
    assert all(entry["licence"] and entry["version"] for entry in MANIFEST)


def test_nothing_asks_for_a_source_map():
    for entry in MANIFEST:
        if entry["file"].endswith((".js", ".css")):
            assert "sourceMappingURL" not in (VENDOR / entry["file"]).read_text(), entry["file"]
