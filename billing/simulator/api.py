"""One request to the API: who asks, is it well formed, was it asked before, what is the answer."""

import base64
import json
import logging
from dataclasses import dataclass, field

from . import (  # noqa: F401  (importing them fills the table of endpoints)
    catalog,
    charges,
    checkout,
    customers,
    disputes,
    due,
    events,
    invoices,
    ledger,
    payment_intents,
    payouts,
    refunds,
    setup_intents,
    subscriptions,
)
from .endpoints import find
from .errors import StripeError, malformed
from .forms import decode
from .render import render
from .schema import checked
from .world import token

DAY = 86400
log = logging.getLogger(__name__)


@dataclass
class Answer:
    """What goes back over the wire."""

    status: int
    body: dict
    headers: dict = field(default_factory=dict)


@dataclass
class Fault:
    """A failure to play for a request whose path contains `path`.

    `before` executing it nothing happens; `after` it everything does, and only the answer is lost.
    """

    path: str
    status: int = 500
    after: bool = False


class Api:
    """The API of one simulated account."""

    def __init__(self, world):
        self.world = world
        self.faults: list[Fault] = []

    def handle(self, method, path, query, body, headers) -> Answer:
        """Answer one request; every change it makes is stored before the answer leaves."""
        request_id = f"req_{token(14)}"
        with self.world.lock:
            try:
                answer = self._handle(method, path, query, body, headers, request_id)
            except StripeError as error:
                answer = Answer(error.status, error.body)
            except Exception:
                log.exception("The simulator failed at %s %s", method, path)
                self.world.rollback()
                answer = Answer(500, _outage(Fault(path)).body)
            finally:
                self.world.request = {"id": None, "idempotency_key": None}
                self.world.commit()
        answer.headers.setdefault("Request-Id", request_id)
        return answer

    def _handle(self, method, path, query, body, headers, request_id):
        _authenticate(headers)
        fault = next((fault for fault in self.faults if fault.path in path), None)
        if fault:
            self.faults.remove(fault)
            if not fault.after:
                raise _outage(fault)
        due.settle(self.world)
        self.world.commit()
        found = find(method, path)
        if found is None:
            raise StripeError(
                404,
                "invalid_request_error",
                f"Unrecognized request URL ({method}: {path}). The simulator does not serve it.",
                code="url_invalid",
            )
        endpoint, ids = found
        raw = decode(query if method in ("GET", "DELETE") and not body else body)
        key = headers.get("idempotency-key") if method == "POST" else None
        self.world.request = {"id": request_id, "idempotency_key": key}
        answer = self._once(key, f"{method} {path} {json.dumps(raw, sort_keys=True)}", endpoint, ids, raw)
        if fault:
            raise _outage(fault)
        return answer

    def _once(self, key, fingerprint, endpoint, ids, raw):
        """Execute a request, or replay what the same key was answered."""
        if key is None:
            return self._execute(endpoint, ids, raw)
        if len(key) > 255:
            raise malformed("Idempotency keys can be at most 255 characters.")
        stored = self.world.objects.get("replay", {}).get(key)
        # Stripe forgets keys after a day.
        if stored and stored["created"] + DAY >= self.world.clock.now():
            if stored["fingerprint"] != fingerprint:
                raise StripeError(
                    400,
                    "idempotency_error",
                    "Keys for idempotent requests can only be used with the same parameters they were first "
                    f"used with. Try using a key other than '{key}' if you meant to execute a different "
                    "request.",
                )
            replay = {"Idempotent-Replayed": "true", "Original-Request": stored["request"]}
            return Answer(stored["status"], stored["body"], replay)
        try:
            answer = self._execute(endpoint, ids, raw)
        except StripeError as error:
            if not error.executed:
                raise
            answer = Answer(error.status, error.body)
        self.world.new(
            "replay",
            {"id": key},
            fingerprint=fingerprint,
            status=answer.status,
            body=answer.body,
            request=self.world.request["id"],
        )
        return Answer(answer.status, answer.body, {"Idempotency-Key": key})

    def _execute(self, endpoint, ids, raw):
        params = checked(endpoint.params, raw)
        try:
            result = endpoint.serve(self.world, params, **ids)
            return Answer(200, render(self.world, result, params.get("expand", ())))
        except StripeError as error:
            # A card's refusal is a fact to remember; any other refusal means that nothing happened.
            if error.status != 402:
                self.world.rollback()
            raise


def _authenticate(headers):
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    key = credentials.strip()
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(credentials).decode().partition(":")[0]
        except ValueError:
            key = ""
    if not key:
        raise _unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    if key.startswith(("sk_live", "rk_live")):
        # A live key here means real settings point at the stand-in: stop before anyone believes it.
        raise _unauthorized("This is a simulator. It refuses live keys; use one that begins with sk_test_.")
    if not key.startswith(("sk_test_", "rk_test_")):
        raise _unauthorized(f"Invalid API Key provided: {key[:4]}****")


def _unauthorized(message):
    return StripeError(401, "invalid_request_error", message, executed=False)


def _outage(fault):
    return StripeError(fault.status, "api_error", "An unknown error occurred.", executed=False)
