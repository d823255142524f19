"""The translations: compiled as they are written, with the same gaps, and whole for what drivers get."""

import gettext
import re
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import translation
from django.utils.translation.template import templatize

from evportal.outbox.models import Mail
from tests import make
from tests.make import NOON

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "locale" / "de" / "LC_MESSAGES"
STRING = r'"((?:[^"\\]|\\.)*)"'
MAILS = (
    "confirmed",
    "reminder",
    "moved",
    "cancelled",
    "failed",
    "no_show",
    "overrun",
    "offer",
    "waitlist_over",
)


def written() -> dict:
    """msgid → its translations, as the .po file has them."""
    found = {}
    for block in (FOLDER / "django.po").read_text().split("\n\n"):
        if re.search("^#, .*fuzzy", block, re.M):
            continue
        parts: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if match := re.fullmatch(rf"(msg\S+) {STRING}", line):
                name = match[1]
                parts[name] = match[2]
            elif match := re.fullmatch(STRING, line):
                parts[name] += match[1]
        plain = {
            key: re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), each) for key, each in parts.items()
        }
        if plain.get("msgid"):
            one = plain.get("msgstr", plain.get("msgstr[0]", ""))
            found[plain["msgid"]] = [each for each in (one, plain.get("msgstr[1]")) if each]
    return found


def test_the_compiled_catalogue_is_the_written_one():
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for msgid, translations in written().items():
        if len(translations) == 1:
            assert compiled.gettext(msgid) == translations[0]
        elif translations:
            assert compiled.ngettext(msgid, "", 1) == translations[0]
            assert compiled.ngettext(msgid, "", 2) == translations[1]


def test_translations_have_the_same_gaps_to_fill():
    for msgid, translations in written().items():
        gaps = set(re.findall(r"%\(\w+\)\w", msgid))
        for each in translations:
            assert set(re.findall(r"%\(\w+\)\w", each)) == gaps, msgid


@pytest.mark.parametrize(
    "template",
    [
        *(f"bookings/mail/{name}.txt" for name in MAILS),
        "bookings/mail/_where.txt",
        *sorted(
            str(path.relative_to(ROOT / "templates"))
            for folder in ("bookings/waitlist", "me")
            for path in (ROOT / "templates" / folder).glob("*.html")
        ),
    ],
)
def test_what_drivers_get_is_translated_whole(template):
    source = templatize((ROOT / "templates" / template).read_text())
    strings = re.findall(r"""gettext\(u?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")""", source)
    catalogue = written()
    wanted = {re.sub(r"\\(.)", r"\1", one or other) for one, other in strings}
    assert not [each for each in wanted if not catalogue.get(each)]


@pytest.mark.django_db
class TestLanguages:
    def test_mails_speak_the_drivers_language(self):
        booking = make.booking(user=make.user(language="de"), now=NOON)
        mail = Mail.objects.get(key__contains=str(booking.pk))
        assert mail.subject.startswith("Gebucht: ") and "Ihr Termin ist gebucht" in mail.text
        assert "Montag" in mail.text

    def test_pages_speak_the_browsers_until_somebody_signs_in(self, client):
        shown = client.get("/", headers={"accept-language": "de"}).content.decode()
        assert '<html lang="de"' in shown and "Finden" in shown
        client.force_login(make.user(language="en"), "django.contrib.auth.backends.ModelBackend")
        assert '<html lang="en"' in client.get("/", headers={"accept-language": "de"}).content.decode()

    def test_the_language_ends_with_the_request(self, client):
        client.get("/", headers={"accept-language": "de"})
        assert translation.get_language() == "en"

    def test_the_choice_is_kept_with_the_account(self, client):
        user = make.user()
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        client.post(reverse("set_language"), {"language": "de", "next": "/me/"})
        user.refresh_from_db()
        assert user.language == "de"
        assert "Sie haben nichts gebucht." in client.get("/me/").content.decode()
        client.post(reverse("set_language"), {"language": "tlh", "next": "/me/"})
        user.refresh_from_db()
        assert user.language == "de"

    def test_the_operators_desk_is_in_english(self, client, settings):
        settings.STAFF_MFA_REQUIRED = False
        member = make.member(operator=make.operator(), language="de")
        client.force_login(member, "django.contrib.auth.backends.ModelBackend")
        assert '<html lang="en"' in client.get("/ops/").content.decode()
        assert '<html lang="de"' in client.get("/me/").content.decode()
