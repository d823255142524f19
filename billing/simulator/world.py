"""The simulated account: its objects, its clock and the events that happen in it."""

import secrets
import string
import threading
from copy import deepcopy

from stripe._api_version import _ApiVersion

from .archive import Archive
from .clock import Clock
from .errors import missing
from .render import render

PREFIX = {
    "balance_transaction": "txn",
    "charge": "ch",
    "checkout.session": "cs_test",
    "customer": "cus",
    "dispute": "du",
    "event": "evt",
    "invoice": "in",
    "invoice_payment": "inpay",
    "item": "li",
    "line_item": "il",
    "payment_intent": "pi",
    "payment_method": "pm",
    "payout": "po",
    "price": "price",
    "product": "prod",
    "refund": "re",
    "setup_intent": "seti",
    "subscription": "sub",
    "subscription_item": "si",
    "delivery": "whd",
    "replay": "idem",
}
# The simulator's own records, which the API does not show.
INTERNAL = ("delivery", "replay", "setting")
# Stripe leaves `livemode` out of these.
WITHOUT_MODE = ("balance_transaction", "refund", "subscription_item")
ALPHABET = string.ascii_letters + string.digits


def token(length=24) -> str:
    """Random letters and digits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


class World:
    """Everything the simulator remembers. Hold `lock` while reading or changing it."""

    def __init__(self, *, data=None, clock=None, merchant="EV Portal (simulated)"):
        self.lock = threading.RLock()
        self.clock = clock or Clock()
        self.merchant = merchant
        self.public_url = ""
        self.on_event = lambda event: None
        self.request = {"id": None, "idempotency_key": None}
        self.objects: dict[str, dict[str, dict]] = {}
        self.touched: dict[tuple[str, str], dict] = {}
        self.before: dict[tuple[str, str], dict | None] = {}
        self.archive = Archive(data)
        for kind, id, body in self.archive.load():
            self.objects.setdefault(kind, {})[id] = body
        self.clock.offset += self.setting("clock")["offset"]

    def begin(self, *, days_ago):
        """A new account began so long ago: it can live through a past before it is at today. One in which
        anything has happened stays where it is."""
        with self.lock:
            if not any(kind not in INTERNAL for kind in self.objects):
                self.clock.offset -= days_ago * 86400

    # Objects

    def new(self, kind, values=None, **fields) -> dict:
        """Create an object with an id, its time of creation and the fields given."""
        return self.keep(self.make(kind, values, **fields))

    def make(self, kind, values=None, **fields) -> dict:
        """Such an object, not kept."""
        return {
            "id": f"{PREFIX[kind]}_{token()}",
            "object": kind,
            "created": self.clock.now(),
            **({} if kind in WITHOUT_MODE else {"livemode": False}),
            **(values or {}),
            **fields,
        }

    def keep(self, obj) -> dict:
        """Make it one of the account's objects."""
        kind = obj["object"]
        self.before.setdefault((kind, obj["id"]), self.objects.get(kind, {}).get(obj["id"]))
        self.objects.setdefault(kind, {})[obj["id"]] = obj
        return self.touch(obj)

    def touch(self, obj) -> dict:
        """Announce that an object may change: commit will write it, rollback will restore it."""
        key = (obj["object"], obj["id"])
        if key not in self.before:
            self.before[key] = deepcopy(obj)
        self.touched[key] = obj
        return obj

    def get(self, kind, id, param="id") -> dict:
        """The object, or Stripe's `resource_missing`."""
        obj = self.objects.get(kind, {}).get(id)
        if obj is None:
            raise missing(kind, id, param)
        return self.touch(obj)

    def find(self, id) -> dict | None:
        """The object with this id, of whatever kind."""
        for kind, objects in self.objects.items():
            if id in objects and kind not in INTERNAL:
                return objects[id]
        return None

    def all(self, kind, **match) -> list[dict]:
        """Objects of a kind, oldest first, whose fields equal those given."""
        return [
            obj
            for obj in self.objects.get(kind, {}).values()
            if all(obj.get(field) == value for field, value in match.items())
        ]

    def setting(self, name) -> dict:
        """A small persistent record of the simulator's own."""
        record = self.objects.setdefault("setting", {}).setdefault(
            name, {"id": name, "object": "setting", "offset": 0}
        )
        return self.touch(record)

    def commit(self):
        """Write what was touched."""
        if self.touched:
            self.setting("clock")["offset"] = self.clock.offset
            self.archive.save((kind, id, obj) for (kind, id), obj in self.touched.items())
        self.touched.clear()
        self.before.clear()

    def rollback(self):
        """Undo everything since the last commit: what Stripe refuses leaves no trace."""
        for (kind, id), earlier in self.before.items():
            if earlier is None:
                self.objects[kind].pop(id, None)
            else:
                self.objects[kind][id] = earlier
        self.touched.clear()
        self.before.clear()

    # Events

    def emit(self, type, obj, **previous):
        """Record that something happened to an object, as the webhook will tell it."""
        data = {"object": render(self, obj)}
        if previous:
            data["previous_attributes"] = previous
        event = self.new(
            "event",
            type=type,
            api_version=_ApiVersion.CURRENT,
            data=data,
            pending_webhooks=0,
            request=dict(self.request),
        )
        self.touch(obj)
        self.on_event(event)
