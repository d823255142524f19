"""Form controls that Django has, for lists that are long here."""

from __future__ import annotations

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

_CHOSEN = mark_safe(" selected")


class Select(forms.Select):
    """One of many: an operator's hundreds of sites are written in a hundredth of a template's time.

    Its choices are values with labels; groups of them are not for it.
    """

    def render(self, name, value, attrs=None, renderer=None):
        chosen = set(self.format_value(value))
        attributes = self.build_attrs(self.attrs, {"name": name, **(attrs or {})})
        options = format_html_join(
            "\n",
            '<option value="{}"{}>{}</option>',
            (
                (key, _CHOSEN if key in chosen else "", label)
                for key, label in ((str(value), label) for value, label in self.choices)
            ),
        )
        return format_html("<select{}>{}</select>", flatatt(attributes), options)
