"""Rows of a station file and what is there → what would be created and changed, and every error. Pure.

One row a connector; what rows say of the same site, charger or EVSE must agree. An empty cell says nothing:
what is there stays, what is new gets the usual. What a file doesn't name is left alone; nothing is deleted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from stations.importing import columns
from stations.importing.columns import BY_NAME, COLUMNS, CONNECTOR, EVSE, SITE, STATION, Column, Wrong
from stations.importing.tables import Row, Table

CREATE, CHANGE, SAME = "create", "change", "same"
LEVELS = (SITE, STATION, EVSE, CONNECTOR)
KEYS = {column.level: column for column in COLUMNS if column.key}
#: More than somebody reads; the rest is counted.
MAX_PROBLEMS = 200
#: The same for what is somebody else's and for what may not be changed: it tells nobody what others have.
TAKEN = "can't be used here; choose another"

Key = tuple
Fields = dict[str, object]


@dataclass(frozen=True)
class Problem:
    """`row` as the spreadsheet numbers it; `column` as the file calls it, empty for the row as a whole."""

    row: int
    column: str
    text: str


@dataclass
class Known:
    """What is there: `things` by level and key, as far as the file names it."""

    things: dict[str, dict[Key, Fields]] = field(default_factory=lambda: {level: {} for level in LEVELS})
    #: Public ids of EVSEs, in capitals, and whose they are; None: not of this operator.
    public_ids: dict[str, Key | None] = field(default_factory=dict)
    #: Slugs and identities that can't be used: another operator's, or out of this person's reach.
    refused: dict[str, set[str]] = field(default_factory=lambda: {SITE: set(), STATION: set()})
    #: Sites whose own fields may be changed, and sites whose chargers may be.
    own_sites: set[str] = field(default_factory=set)
    sites_for_stations: set[str] = field(default_factory=set)
    may_make_sites: bool = False
    #: Chargers without any password: for development only.
    allow_no_password: bool = False


@dataclass
class Step:
    level: str
    key: Key
    row: int
    verb: str
    fields: Fields
    #: What would change: field → (is, will be).
    changes: dict[str, tuple[object, object]] = field(default_factory=dict)


@dataclass
class Plan:
    steps: list[Step] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    #: Headings that nothing is known of, with the one that was probably meant.
    unknown: list[tuple[str, str]] = field(default_factory=list)
    #: Which things each row is about, for showing it: row → steps.
    by_row: dict[int, list[Step]] = field(default_factory=dict)

    def count(self, verb: str, level: str = "") -> int:
        return sum(step.verb == verb and level in ("", step.level) for step in self.steps)

    @property
    def does_something(self) -> bool:
        return any(step.verb != SAME for step in self.steps)

    @property
    def digest(self) -> str:
        """The same for plans that would do the same to the same rows."""
        said = [[s.level, s.key, s.verb, s.fields if s.verb == CREATE else s.changes] for s in self.steps]
        return hashlib.sha256(json.dumps(said, default=str, sort_keys=True).encode()).hexdigest()


@dataclass
class _Thing:
    """What the rows together say of one site, charger, EVSE or connector."""

    level: str
    key: Key
    row: int
    said: dict[str, tuple[object, int]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    #: Fields that a cell says wrongly: they aren't missing.
    garbled: set[str] = field(default_factory=set)


def plan(table: Table, known: Known) -> Plan:
    """Every error is found at once; with any, nothing of the file may be applied."""
    found = Plan()
    heads = _heads(table.head, found)
    if found.problems:
        return found
    things: dict[str, dict[Key, _Thing]] = {level: {} for level in LEVELS}
    for row in table.rows:
        _take(row, heads, known, things, found)
    for level in LEVELS:
        for thing in things[level].values():
            _judge(thing, known, things, found)
    _public_ids(things[EVSE].values(), known, found)
    found.problems.sort(key=lambda problem: (problem.row, problem.column))
    return found


def _heads(head: Row, found: Plan) -> dict[int, tuple[Column, str]]:
    """Position → column and what the file calls it."""
    heads: dict[int, tuple[Column, str]] = {}
    for position, heading in enumerate(head.cells):
        column = columns.column_of(heading)
        if column is None:
            if heading:
                found.unknown.append((heading, columns.nearest(heading)))
        elif any(column is other for other, _name in heads.values()):
            found.problems.append(
                Problem(head.number, heading, f"says the same as another column ({column.name})")
            )
        else:
            heads[position] = (column, heading)
    here = {column.name for column, _heading in heads.values()}
    if not here & {"site", "identity"}:
        found.problems.append(Problem(head.number, "", "There is no column “site” or “identity”."))
    return heads


def _take(row: Row, heads, known: Known, things, found: Plan) -> None:
    values: dict[str, object] = {}
    names = {column.name: heading for column, heading in heads.values()}
    garbled: set[Column] = set()
    for position, (column, heading) in heads.items():
        cell = row.cells[position] if position < len(row.cells) else ""
        try:
            values[column.name] = columns.value_of(column, cell)
        except Wrong as wrong:
            found.problems.append(Problem(row.number, heading, str(wrong)))
            garbled.add(column)
    if any(column.key for column in garbled):
        # Without knowing what the row is about, more could only be said of something else.
        return
    for level, key in _keys(values, known).items():
        thing = things[level].get(key)
        if thing is None:
            thing = things[level][key] = _Thing(level, key, row.number)
        elif level == CONNECTOR:
            found.problems.append(Problem(row.number, "", f"This is in row {thing.row} already."))
            continue
        elif level == STATION and _is_whole(values, known):
            found.problems.append(Problem(row.number, names["identity"], f"is in row {thing.row} already"))
            continue
        thing.garbled |= {column.field for column in garbled if column.level == level}
        for column in COLUMNS:
            if column.level != level or column.key:
                continue
            _agree(
                thing, column.field, values.get(column.name), row.number, names.get(column.name, ""), found
            )
        if level == STATION and values.get("site"):
            _agree(thing, "site", values["site"], row.number, names["site"], found)
        elif level in (EVSE, CONNECTOR):
            thing.names["station"] = str(values["identity"])
    if not values.get("identity"):
        for column, heading in heads.values():
            if column.level != SITE and values.get(column.name) is not None:
                found.problems.append(
                    Problem(row.number, heading, "belongs to a charger, but no identity is given")
                )
        if not values.get("site"):
            found.problems.append(Problem(row.number, "", "The row names neither a site nor a charger."))


def _keys(values: dict, known: Known) -> dict[str, Key]:
    """What the row is about. A new charger has an EVSE, a new EVSE a connector, even without a number."""
    keys: dict[str, Key] = {}
    if values.get("site"):
        keys[SITE] = (values["site"],)
    name = values.get("identity")
    if not name:
        return keys
    keys[STATION] = (name,)
    evse, connector = values.get("evse"), values.get("connector")
    says_evse = any(values.get(each.name) is not None for each in COLUMNS if each.level == EVSE)
    says_connector = any(values.get(each.name) is not None for each in COLUMNS if each.level == CONNECTOR)
    is_new = (name,) not in known.things[STATION]
    if says_evse or says_connector or is_new:
        keys[EVSE] = (name, evse or 1)
        if says_connector or keys[EVSE] not in known.things[EVSE]:
            keys[CONNECTOR] = (name, evse or 1, connector or 1)
    return keys


def _is_whole(values: dict, known: Known) -> bool:
    """A row about a charger alone: a second one of those is the same charger twice."""
    return CONNECTOR not in _keys(values, known) and EVSE not in _keys(values, known)


def _agree(thing: _Thing, name: str, value: object, row: int, heading: str, found: Plan) -> None:
    if value is None:
        return
    before = thing.said.get(name)
    if before is None:
        thing.said[name] = (value, row)
        thing.names[name] = heading
    elif before[0] != value:
        found.problems.append(Problem(row, heading, f"is “{shown(before[0])}” in row {before[1]}"))


def _judge(thing: _Thing, known: Known, things, found: Plan) -> None:
    """The step that the thing takes, or what is wrong with it."""

    def wrong(column: str, text: str, at: str = "") -> None:
        row = thing.said[at][1] if at in thing.said else thing.row
        found.problems.append(Problem(row, column, text))

    said = {name: value for name, (value, _row) in thing.said.items()}
    was = known.things[thing.level].get(thing.key)
    if thing.level in (SITE, STATION) and thing.key[0] in known.refused[thing.level]:
        wrong(KEYS[thing.level].name, TAKEN)
        return
    if thing.level == SITE and {"latitude", "longitude"} & set(said):
        place = {**(was or {}), **said}
        if place.get("latitude") == 0 == place.get("longitude"):
            wrong("latitude", "0, 0 lies in the Atlantic", "latitude")
    if was is None:
        if thing.level == SITE:
            if not known.may_make_sites:
                wrong("site", "is not a site where you may add chargers")
                return
            for name in ("name", "latitude", "longitude"):
                if name not in said and name not in thing.garbled:
                    wrong(_column(SITE, name), "is needed for a new site")
        if thing.level == STATION and "site" not in said:
            wrong("site", "is needed for a new charger")
        step = Step(thing.level, thing.key, thing.row, CREATE, said)
    else:
        changes = {name: (was.get(name), value) for name, value in said.items() if was.get(name) != value}
        step = Step(thing.level, thing.key, thing.row, CHANGE if changes else SAME, said, changes)
        if thing.level == SITE and changes and thing.key[0] not in known.own_sites:
            wrong(_column(SITE, next(iter(changes))), "may be changed by a manager only", next(iter(changes)))
    if thing.level == STATION:
        site = said.get("site")
        if site and (site,) in known.things[SITE] and site not in known.sites_for_stations:
            wrong("site", "is not a site where you may add chargers", "site")
        if said.get("security_profile") == 0 and not known.allow_no_password:
            wrong("security_profile", "0, without a password, is for development only", "security_profile")
    found.steps.append(step)
    for number in {thing.row, *(row for _value, row in thing.said.values())}:
        found.by_row.setdefault(number, []).append(step)


def _public_ids(evses: Iterable[_Thing], known: Known, found: Plan) -> None:
    """No id twice, in whatever case: not in the file, and not with what is there."""
    here: dict[str, _Thing] = {}
    for thing in evses:
        if "public_id" not in thing.said:
            continue
        value, row = thing.said["public_id"]
        letters = str(value).upper()
        if letters in here:
            found.problems.append(
                Problem(
                    row, thing.names["public_id"], f"is in row {here[letters].said['public_id'][1]} already"
                )
            )
        elif letters in known.public_ids and known.public_ids[letters] != thing.key:
            found.problems.append(Problem(row, thing.names["public_id"], TAKEN))
        here.setdefault(letters, thing)


def _column(level: str, name: str) -> str:
    return next(each.name for each in BY_NAME.values() if each.level == level and each.field == name)


def shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
