"""Query parameters that several resources have."""

from django import forms
from django_filters import rest_framework as filters


class _TrueOrFalse(forms.Field):
    WORDS = {"true": True, "1": True, "false": False, "0": False}

    def to_python(self, value):
        if value in (None, ""):
            return None
        try:
            return self.WORDS[str(value).lower()]
        except KeyError:
            raise forms.ValidationError("Write true or false.") from None


class TrueFalse(filters.BooleanFilter):
    """A word that is neither is refused; the library would filter nothing and seem to have."""

    field_class = _TrueOrFalse

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.extra["widget"] = forms.TextInput
