"""Changes in people's words: fields by their names, rows by what they are called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from evportal.accounts.audit.models import Change

NOTHING = "–"


@dataclass(frozen=True)
class Said:
    """One field of one change."""

    field: str
    was: str
    will: str

    def __str__(self):
        return f"{self.field}: {self.was} → {self.will}"


def model_of(change: Change) -> type[models.Model] | None:
    try:
        return apps.get_model(change.model)
    except LookupError:
        return None


def kind(label: str) -> str:
    try:
        return capfirst(apps.get_model(label)._meta.verbose_name)
    except LookupError:
        return label


def who(change: Change) -> str:
    if change.by_id:
        return str(_still(change, "by") or _("somebody who has left"))
    if change.api_key_id:
        return _("key %s") % (_still(change, "api_key") or change.api_key_id)
    return change.via or _("the portal itself")


def _still(change: Change, name: str):
    """Nothing in the database keeps who changed it from being deleted."""
    try:
        return getattr(change, name)
    except ObjectDoesNotExist:
        return None


def said(changes: Iterable[Change]) -> dict[int, list[Said]]:
    """By change. Rows that are pointed to are read once for each kind."""
    changes = list(changes)
    wanted: dict[type[models.Model], set] = defaultdict(set)
    for change in changes:
        for column, pair in change.fields.items():
            field = _field(change, column)
            if field is not None and field.is_relation:
                wanted[field.related_model].update(value for value in pair if value is not None)
    names = {
        model: {row.pk: str(row) for row in model._base_manager.select_related().filter(pk__in=pks)}
        for model, pks in wanted.items()
    }

    def word(field, value) -> str:
        if value is None or value == "":
            return NOTHING
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if field is not None and field.is_relation:
            return names[field.related_model].get(value, f"#{value}")
        if field is not None and field.flatchoices:
            return str(dict(field.flatchoices).get(value, value))
        return str(value)

    return {
        change.pk: [
            Said(_name(change, column), *(word(_field(change, column), value) for value in pair))
            for column, pair in sorted(change.fields.items())
            if column != "id"
        ]
        for change in changes
    }


def _field(change: Change, column: str):
    model = model_of(change)
    if model is None:
        return None
    try:
        return model._meta.get_field(column)
    except FieldDoesNotExist:
        return next((field for field in model._meta.concrete_fields if field.column == column), None)


def _name(change: Change, column: str) -> str:
    field = _field(change, column)
    return capfirst(str(field.verbose_name)) if field is not None else column
