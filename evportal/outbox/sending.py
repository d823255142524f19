"""Hand one message to the service behind a channel.

Addresses that a person names (their own ntfy server, a webhook) go through `guard`. All other services go
through apprise, and only those of `SERVICES`: each of them has one address of its own maker's, so nobody can
have us knock anywhere else.
"""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import apprise
from django.conf import settings

from evportal.outbox import guard
from evportal.outbox.models import Channel

#: apprise's schemas that lead to one fixed server each.
SERVICES = {
    "clicksend": "ClickSend",
    "discord": "Discord",
    "msgbird": "MessageBird",
    "nexmo": "Vonage",
    "pbul": "Pushbullet",
    "pover": "Pushover",
    "prowl": "Prowl",
    "sinch": "Sinch",
    "slack": "Slack",
    "tgram": "Telegram",
    "twilio": "Twilio",
}
#: What a message may be long; an SMS says only what it is about, and where to read on.
LONGEST = 1500
_ASSET = apprise.AppriseAsset(app_id="evportal", app_desc="evportal", secure_logging=True)


class NotSent(Exception):
    """`final`: trying again would change nothing."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


def send(*, kind: str, address: dict, title: str, text: str, url: str) -> None:
    """Raises `NotSent`."""
    text = text.strip()[:LONGEST]
    try:
        if kind == Channel.Kind.NTFY:
            _ntfy(address, title, text, url)
        elif kind == Channel.Kind.WEBHOOK:
            body = json.dumps({"title": title, "text": text, "url": url})
            guard.post(address["url"], content=body.encode(), headers={"Content-Type": "application/json"})
        elif kind == Channel.Kind.SMS:
            if not settings.NOTIFY_SMS_URL:
                raise NotSent("This portal sends no SMS any more.", final=True)
            _service(settings.NOTIFY_SMS_URL.replace("{to}", quote(address["number"])), "", f"{title} {url}")
        elif kind == Channel.Kind.TELEGRAM:
            if not settings.NOTIFY_TELEGRAM_BOT:
                raise NotSent("This portal has no Telegram bot any more.", final=True)
            _service(f"tgram://{settings.NOTIFY_TELEGRAM_BOT}/{address['chat']}/", title, _with(text, url))
        else:
            _service(address["address"], title, _with(text, url))
    except guard.Unreachable as error:
        raise NotSent(str(error), final=error.final) from error


def _with(text: str, url: str) -> str:
    return text if not url or url in text else f"{text}\n{url}".strip()


def _ntfy(address: dict, title: str, text: str, url: str) -> None:
    body = {"topic": address["topic"], "title": title, "message": text or title}
    if url:
        body["click"] = url
    headers = {"Content-Type": "application/json"}
    if address.get("token"):
        headers["Authorization"] = f"Bearer {address['token']}"
    guard.post(address["server"], content=json.dumps(body).encode(), headers=headers)


def _service(address: str, title: str, text: str) -> None:
    if not service_of(address).notify(body=text, title=title, body_format=apprise.NotifyFormat.TEXT):
        # apprise says no more than that; a wrong key looks like a server that is down.
        raise NotSent("The service did not take the message.")


def service_of(address: str) -> apprise.NotifyBase:
    """What apprise makes of an address. Raises `NotSent` for one that it can't read or that isn't allowed.

    Nothing may follow a question mark: some services could be told there to read files or to ask others.
    """
    schema = address.partition("://")[0].lower()
    if schema not in SERVICES:
        raise NotSent("This service can't be used here.", final=True)
    if re.search(r"[?#\s]", address):
        raise NotSent("The address may hold neither spaces nor anything after a question mark.", final=True)
    service = apprise.Apprise.instantiate(address, asset=_ASSET, suppress_exceptions=True)
    if service is None:
        raise NotSent("The address can't be read.", final=True)
    return service
