"""Long lists of choices, written without a template."""

from django import forms

from evportal.widgets import Select

HOSTILE = '<script>"&'


class Form(forms.Form):
    place = forms.ChoiceField(
        choices=[("", "Any"), (1, "Berlin"), (2, HOSTILE)], required=False, widget=Select({"class": "wide"})
    )


def test_it_says_what_djangos_says():
    plain = type("Plain", (Form,), {"place": forms.ChoiceField(choices=Form.base_fields["place"].choices)})
    for value in ("", "1", "2", "3"):
        ours, theirs = (
            kind({"place": value})["place"].as_widget(attrs={"class": "wide"}).split("<option")
            for kind in (Form, plain)
        )
        options, wanted = (
            ["".join(each.split()).removesuffix("</select>") for each in row[1:]] for row in (ours, theirs)
        )
        assert options == wanted
        assert sum("selected" in each for each in options) == (value != "3")


def test_what_comes_from_people_is_text():
    written = str(Form({"place": "2"})["place"])
    assert HOSTILE not in written and "&lt;script&gt;&quot;&amp;" in written
    assert written.startswith("<select") and 'class="wide"' in written and 'id="id_place"' in written
