"""Local lists as values: what a station should have, what it lacks, in parts that it can take; pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

#: token in capitals → entry. An entry: token, type, status (OCPP's word), and where known expires, group,
#: language, priority.
Entries = dict[str, dict]
#: What to change: token in capitals → its new entry, or None where it goes.
Changes = dict[str, dict | None]

#: What a charger takes in one message where it names no limit of its own.
USUAL_ITEMS = 100


def fingerprint(entries: Mapping) -> str:
    return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()


def difference(have: Entries, want: Entries) -> Changes:
    """What turns one list into the other: what goes first, so that there is room for what comes."""
    gone: Changes = dict.fromkeys(sorted(have.keys() - want.keys()))
    return gone | {key: want[key] for key in sorted(want) if have.get(key) != want[key]}


def applied(have: Entries, changes: Changes) -> Entries:
    merged = have | changes
    return {key: entry for key, entry in merged.items() if entry is not None}


def fitting(wanted: Sequence[dict], limit: int | None) -> tuple[Entries, int]:
    """(as many as the station has room for, how many are left out); the first come first."""
    room = len(wanted) if limit is None else limit
    return {entry["token"].upper(): entry for entry in wanted[:room]}, max(0, len(wanted) - room)


def spelled(version: str, entry: dict | None, token: str, kind: str) -> dict:
    """AuthorizationData: an entry without information takes the token from the list."""
    if version == "1.6":
        data: dict = {"idTag": token}
        if entry is not None:
            info = {"status": entry["status"]}
            if entry.get("expires"):
                info["expiryDate"] = entry["expires"]
            if entry.get("group"):
                info["parentIdTag"] = entry["group"]
            data["idTagInfo"] = info
        return data
    data = {"idToken": {"idToken": token, "type": kind}}
    if entry is not None:
        info = {"status": entry["status"]}
        if entry.get("expires"):
            info["cacheExpiryDateTime"] = entry["expires"]
        if entry.get("priority"):
            info["chargingPriority"] = entry["priority"]
        if entry.get("group"):
            info["groupIdToken"] = {"idToken": entry["group"], "type": "Central"}
        if entry.get("language"):
            info["language1"] = entry["language"]
        data["idTokenInfo"] = info
    return data


def takes(version: str, token: str, group: str) -> bool:
    """Whether a station of this version can hold the token at all."""
    longest = {"1.6": 20, "2.0.1": 36}.get(version, 255)
    return len(token) <= longest and len(group) <= longest


def parts(
    version: str,
    changes: Changes,
    have: Entries,
    *,
    start_version: int,
    full: bool,
    items: int | None = None,
    size: int | None = None,
) -> list[dict]:
    """SendLocalList calls, each with what it changes (`changes`, for us), in the order in which they go.

    A full list that is too long for one message is begun in full and carried on by differences.
    """
    key = "listVersion" if version == "1.6" else "versionNumber"
    spelling = {
        token: spelled(version, entry, *_names(token, entry, have)) for token, entry in changes.items()
    }
    groups = list(_grouped(spelling, items or USUAL_ITEMS, size))
    if full and not groups:
        groups = [[]]
    calls = []
    for number, group in enumerate(groups):
        is_full = full and number == 0
        payload: dict = {
            key: start_version + number,
            "updateType": "Full" if is_full else "Differential",
        }
        if group:
            payload["localAuthorizationList"] = [spelling[token] for token in group]
        calls.append({"payload": payload, "changes": {token: changes[token] for token in group}})
    return calls


def _names(key: str, entry: dict | None, have: Entries) -> tuple[str, str]:
    known = entry or have.get(key) or {"token": key, "type": "ISO14443"}
    return known["token"], known["type"]


def _grouped(spelling: Mapping[str, dict], items: int, size: int | None) -> Iterable[list[str]]:
    # What stands around the list in the message.
    frame = 200
    group: list[str] = []
    used = frame
    for token, data in spelling.items():
        length = len(json.dumps(data, separators=(",", ":")).encode()) + 1
        if group and (len(group) >= items or (size is not None and used + length > size)):
            yield group
            group, used = [], frame
        group.append(token)
        used += length
    if group:
        yield group
