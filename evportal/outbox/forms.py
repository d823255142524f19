"""What a person enters of a channel, one form for each kind; `address` is what is sealed."""

import re

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from evportal.outbox.models import Channel


class NtfyForm(forms.Form):
    topic = forms.CharField(
        label=_("Topic"),
        max_length=64,
        validators=[RegexValidator(r"^[-_A-Za-z0-9]{1,64}$", _("Letters, digits, - and _ only."))],
        help_text=_("Whoever knows it can read along: choose one that nobody guesses."),
    )
    server = forms.URLField(
        label=_("Server"), initial="https://ntfy.sh", max_length=200, assume_scheme="https"
    )
    token = forms.CharField(
        label=_("Access token"),
        required=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Only if your server asks for one."),
    )

    def clean_token(self):
        token = self.cleaned_data["token"]
        if not token.isascii() or not token.isprintable():
            raise forms.ValidationError(_("Letters, digits, - and _ only."))
        return token

    def address(self) -> dict:
        return {name: self.cleaned_data[name] for name in ("server", "topic", "token")}


class SmsForm(forms.Form):
    number = forms.CharField(
        label=_("Mobile number"),
        max_length=30,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
        help_text=_("With the country's code, such as +49 151 5550123."),
    )

    def clean_number(self):
        number = re.sub(r"[\s()/.-]", "", self.cleaned_data["number"])
        number = re.sub(r"^00", "+", number)
        if not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
            raise forms.ValidationError(_("Enter the number with its country's code, beginning with +."))
        return number

    def address(self) -> dict:
        return {"number": self.cleaned_data["number"]}


class TelegramForm(forms.Form):
    chat = forms.CharField(
        label=_("Chat id"),
        max_length=20,
        validators=[RegexValidator(r"^-?[0-9]{3,19}$", _("A number, which the bot @userinfobot tells you."))],
        help_text=_("A number, which the bot @userinfobot tells you. Then say hello to our bot once."),
    )

    def address(self) -> dict:
        return {"chat": self.cleaned_data["chat"]}


class ServiceForm(forms.Form):
    url = forms.CharField(
        label=_("Address"),
        max_length=400,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "As apprise writes it, such as pover://user@token. "
            "ClickSend, Discord, MessageBird, Pushbullet, Pushover, Prowl, Sinch, Slack, Telegram, Twilio "
            "and Vonage can be used."
        ),
    )

    def address(self) -> dict:
        return {"address": self.cleaned_data["url"].strip()}


class WebhookForm(forms.Form):
    url = forms.URLField(
        label=_("Address"),
        max_length=400,
        assume_scheme="https",
        help_text=_("Gets a POST with title, text and url as JSON."),
    )

    def address(self) -> dict:
        return {"url": self.cleaned_data["url"]}


FORMS = {
    Channel.Kind.NTFY: NtfyForm,
    Channel.Kind.SMS: SmsForm,
    Channel.Kind.TELEGRAM: TelegramForm,
    Channel.Kind.SERVICE: ServiceForm,
    Channel.Kind.WEBHOOK: WebhookForm,
}


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=12,
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "class": "input-short"}
        ),
    )
