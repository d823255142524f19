"""Fields for the parts of a call, from the nodes of its JSON schema; no database, no request."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

YES_NO = [("", "–"), ("true", _("true")), ("false", _("false"))]
#: Extensions of manufacturers have no form; who needs them sends DataTransfer or uses the API.
LEFT_OUT = ("customData",)
#: Objects within objects have fields of their own so deep; below that, JSON says it shorter.
DEEPEST = 2
#: A list of objects gets so many rows of fields, and none where one of them would fill a screen.
ROWS, WIDEST_ROW = 3, 14

#: Where a value belongs in the payload: names of members, and numbers of list items.
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Part:
    """One field and its place."""

    path: Path
    field: forms.Field

    @property
    def name(self) -> str:
        return "-".join(str(step) for step in self.path)


def parts(schema: dict) -> list[Part]:
    """Every field of a call, what is required first."""
    return _members((), schema, schema, True, 0)


def _members(path: Path, node: dict, root: dict, required: bool, depth: int) -> list[Part]:
    needed = node.get("required", []) if required else []
    found: list[Part] = []
    known = {name: each for name, each in node.get("properties", {}).items() if name not in LEFT_OUT}
    for name, each in sorted(known.items(), key=lambda item: item[0] not in node.get("required", [])):
        found += _part((*path, name), resolve(each, root), root, name in needed, depth)
    return found


def _part(path: Path, node: dict, root: dict, required: bool, depth: int) -> list[Part]:
    kind = node.get("type")
    if kind == "object" and node.get("properties") and depth < DEEPEST:
        return _members(path, node, root, required, depth + 1)
    if kind == "array":
        item = resolve(node.get("items", {}), root)
        if "enum" in item:
            choices = [(word, word) for word in item["enum"]]
            common = _common(path, node, required)
            return [
                Part(
                    path,
                    forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **common),
                )
            ]
        if item.get("type") in ("string", "integer", "number"):
            return [Part(path, LinesField(kind=item["type"], **_common(path, node, required)))]
        if len(path) == 1 and (rows := _rows(path, node, item, root, required)):
            return rows
    return [Part(path, field(path, node, root, required))]


def _rows(path: Path, node: dict, item: dict, root: dict, required: bool) -> list[Part]:
    """The same fields several times; only the first item of a required list must be there."""
    first = _members((*path, 0), item, root, required, 0)
    if len(first) > WIDEST_ROW or any(isinstance(each.field, JsonField) for each in first):
        return []
    count = min(ROWS, node.get("maxItems") or ROWS)
    more = [part for row in range(1, count) for part in _members((*path, row), item, root, False, 0)]
    return first + more


def label_of(path: Path) -> str:
    """Within its group, whose name is the path's first step (and its row)."""
    inner = [str(step) for step in path[1:] if not isinstance(step, int)]
    return " › ".join(inner) if inner else str(path[0])


def _common(path: Path, node: dict, required: bool) -> dict:
    return {"label": label_of(path), "required": required, "help_text": help_of(node)}


def field(path: Path, node: dict, root: dict, required: bool) -> forms.Field:
    common = _common(path, node, required)
    if "enum" in node:
        choices = [(word, word) for word in node["enum"]]
        return forms.ChoiceField(choices=choices if required else [("", "–"), *choices], **common)
    kind = node.get("type")
    if kind == "integer":
        return forms.IntegerField(min_value=node.get("minimum"), max_value=node.get("maximum"), **common)
    if kind == "number":
        return forms.FloatField(**common)
    if kind == "boolean":
        return forms.TypedChoiceField(
            choices=YES_NO[1:] if required else YES_NO,
            coerce=lambda word: word == "true",
            empty_value=None,
            **common,
        )
    if node.get("format") == "date-time":
        return TimeField(**common)
    if kind == "string":
        return forms.CharField(max_length=node.get("maxLength"), **common)
    return JsonField(example=example(node, root), **common)


def assemble(values: dict[Path, object]) -> tuple[dict, dict[Path, Path]]:
    """The payload of these values, and by a place in it, the place that its field was made for.

    Rows that were left empty close up, so that the list has no holes.
    """
    given = {path: value for path, value in values.items() if value not in (None, "", [])}
    numbers: dict[Path, dict[int, int]] = {}
    for path in given:
        for at, step in enumerate(path):
            if isinstance(step, int):
                rows = numbers.setdefault(path[:at], {})
                rows.setdefault(step, len(rows))
    payload: dict = {}
    places: dict[Path, Path] = {}
    for path, value in given.items():
        closed = tuple(
            numbers[path[:at]][step] if isinstance(step, int) else step for at, step in enumerate(path)
        )
        places[closed] = path
        _put(payload, closed, value)
    return payload, places


def _put(payload: dict, path: Path, value) -> None:
    here: dict | list = payload
    for step, following in zip(path, path[1:], strict=False):
        fresh: dict | list = [] if isinstance(following, int) else {}
        if isinstance(here, list):
            if step == len(here):
                here.append(fresh)
            here = here[step]
        else:
            here = here.setdefault(step, fresh)
    here[path[-1]] = value  # type: ignore[index]


def resolve(node: dict, root: dict) -> dict:
    while "$ref" in node:
        found = root
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = {**found, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


class LinesField(forms.CharField):
    """A list of plain values, one a line."""

    def __init__(self, *, kind: str, **kwargs):
        super().__init__(widget=forms.Textarea({"rows": 3, "spellcheck": "false"}), **kwargs)
        self.kind = kind
        self.help_text = f"{self.help_text} {_g('One a line.')}".strip()

    def clean(self, value):
        lines = [line.strip() for line in (super().clean(value) or "").splitlines()]
        texts = [line for line in lines if line]
        if self.kind == "string":
            return texts
        try:
            return [int(text) if self.kind == "integer" else float(text) for text in texts]
        except ValueError:
            raise forms.ValidationError(_g("Write one number a line.")) from None


class TimeField(forms.CharField):
    """A moment as the protocol writes it; it always carries its zone."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.widget.attrs["placeholder"] = "2026-06-15T12:00:00Z"

    def clean(self, value):
        text = super().clean(value)
        if not text:
            return None
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise forms.ValidationError(_g("Write it like 2026-06-15T12:00:00Z, with its time zone."))
        return text


class JsonField(forms.CharField):
    """A deep part of the payload, written as JSON."""

    def __init__(self, *, example, **kwargs):
        text = json.dumps(example, indent=2)
        super().__init__(
            widget=forms.Textarea(
                {"rows": min(16, text.count("\n") + 3), "class": "mono", "spellcheck": "false"}
            ),
            **kwargs,
        )
        self.widget.attrs["placeholder"] = text

    def clean(self, value):
        text = super().clean(value)
        if not text:
            return None
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(_g("This is not JSON: %s") % error) from None


def help_of(node: dict) -> str:
    """The standard's own words on the field, without its identifiers."""
    lines = [line.strip() for line in node.get("description", "").splitlines()]
    words = [line for line in lines if line and not line.startswith("urn:")]
    # Descriptions begin with the name of the UML class and attribute; that says nothing here.
    return re.sub(r"^(?:[A-Z][\w ]*\. ){1,2}", "", words[-1])[:300] if words else ""


def example(node: dict, root: dict, depth: int = 0):
    """The least that fits: required parts, the first word of each list of words."""
    node = resolve(node, root)
    if "enum" in node:
        return node["enum"][0]
    kind = node.get("type")
    if kind == "object":
        if depth > 6:
            return {}
        known = node.get("properties", {})
        return {
            name: example(known[name], root, depth + 1) for name in node.get("required", []) if name in known
        }
    if kind == "array":
        return [example(node.get("items", {}), root, depth + 1)]
    if node.get("format") == "date-time":
        return "2026-06-15T12:00:00Z"
    return {"integer": 0, "number": 0, "boolean": False}.get(kind, "")
