"""Fields of requests: objects that can be stored, and rows by number or name."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


class JSONField(serializers.JSONField):
    """An object that PostgreSQL can store: its jsonb has no NUL character."""

    default_error_messages = {
        "not_object": "Send a JSON object.",
        "nul": "There is a NUL character in it.",
    }

    def to_internal_value(self, data):
        data = super().to_internal_value(data)
        if not isinstance(data, dict):
            self.fail("not_object")
        if _has_nul(data):
            self.fail("nul")
        return data


def _has_nul(value) -> bool:
    # The parser has bounded the depth, but not below what recursion could take.
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, str):
            if "\x00" in item:
                return True
        elif isinstance(item, dict):
            left.extend(item)
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)
    return False


def by_id_or(queryset, value, field: str):
    """The row with this number or, for people, with this name; None where there is neither."""
    text = str(value)
    if "\x00" in text:
        return None
    if text.isascii() and text.isdecimal():
        found = queryset.filter(pk=text).first()
        if found is not None:
            return found
    return queryset.filter(**{field: text}).first()


@extend_schema_field(OpenApiTypes.STR)
class RowField(serializers.Field):
    """A row by its number or its name, out of those that the caller may use for this."""

    default_error_messages = {"unknown": "There is no “{value}” here."}

    def __init__(self, *, name: str, rows, shown: str = "", **kwargs):
        """`rows(access, permission)` gives the queryset to choose from."""
        self.name, self.rows, self.shown = name, rows, shown or name
        super().__init__(**kwargs)

    def to_internal_value(self, data):
        view, request = self.context["view"], self.context["request"]
        found = None
        if isinstance(data, str | int) and not isinstance(data, bool):
            found = by_id_or(self.rows(request.access, view.permission), data, self.name)
        if found is None:
            self.fail("unknown", value=str(data)[:80])
        return found

    def to_representation(self, value):
        return getattr(value, self.shown)
