"""Events on their way to the portal: signed as Stripe signs them, retried until they arrive."""

import asyncio
import hashlib
import hmac
import json
import random
import time

import httpx

from .render import render

GIVE_UP_AFTER = 30


def sign(payload: bytes, secret: str, at: int) -> str:
    """The `Stripe-Signature` header: HMAC-SHA256 over time and body."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Webhooks:
    """Deliveries to one endpoint, and the knobs by which tests disturb them."""

    def __init__(self, world, *, url, secret, first_retry=0.5, longest_retry=60.0):
        self.world = world
        self.url = url
        self.secret = secret
        self.first_retry = first_retry
        self.longest_retry = longest_retry
        # Held deliveries wait for release() or take(); without an address they all do.
        self.hold = not url
        self.copies = 1
        self._loop = None
        self._wake = None
        self._worker = None
        world.on_event = self.queue

    # What happens to an event

    def queue(self, event):
        """Remember to send an event, as often as `copies` says."""
        for _ in range(self.copies):
            self._add(event)
        self.nudge()

    def _add(self, event):
        event["pending_webhooks"] = 1
        return self.world.new(
            "delivery",
            event=event["id"],
            type=event["type"],
            state="held" if self.hold else "pending",
            attempts=0,
            due=0.0,
            answer=None,
        )

    def release(self, *, order="created", copies=1):
        """Send what is held: `order` is created, reversed or shuffled."""
        with self.world.lock:
            held = self.world.all("delivery", state="held")
            if order == "reversed":
                held.reverse()
            elif order == "shuffled":
                random.shuffle(held)
            start = time.time() - len(held)
            for position, delivery in enumerate(held):
                self.world.touch(delivery).update(state="pending", due=start + position / 1000)
                for _ in range(copies - 1):
                    twin = self._add(self.world.objects["event"][delivery["event"]])
                    twin.update(state="pending", due=start + position / 1000)
            self.world.commit()
        self.nudge()

    def take(self) -> list[tuple[bytes, str]]:
        """Held deliveries as (body, signature), for tests that post them by themselves."""
        with self.world.lock:
            held = self.world.all("delivery", state="held")
            for delivery in held:
                self.world.touch(delivery).update(state="delivered", answer="taken")
            self.world.commit()
            return [self._signed(delivery) for delivery in held]

    def drop(self):
        """Held deliveries never go out: whoever made the events knows of them."""
        with self.world.lock:
            for delivery in self.world.all("delivery", state="held"):
                self.world.touch(delivery).update(state="delivered", answer="dropped")
                self.world.get("event", delivery["event"])["pending_webhooks"] = 0
            self.world.commit()

    def resend(self, event_id):
        """Send an event once more, whatever became of it before."""
        with self.world.lock:
            delivery = self._add(self.world.get("event", event_id))
            delivery["state"] = "pending" if self.url else "held"
            self.world.commit()
        self.nudge()

    def idle(self) -> bool:
        """Nothing is waiting to be sent."""
        with self.world.lock:
            return not self.world.all("delivery", state="pending")

    def _signed(self, delivery):
        event = self.world.objects["event"][delivery["event"]]
        body = json.dumps(render(self.world, event), indent=2).encode()
        # Receivers compare with the wall clock, so the simulated one would be refused.
        return body, sign(body, self.secret, int(time.time()))

    # The worker

    async def start(self):
        """Begin delivering, inside the server's event loop."""
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._worker = asyncio.create_task(self._run())

    async def stop(self):
        """Stop delivering; what is pending goes out after the next start."""
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)
        self._loop = None

    def nudge(self):
        """Tell the worker to look again, from any thread."""
        if self._loop:
            try:
                self._loop.call_soon_threadsafe(self._wake.set)
            except RuntimeError:
                pass  # the loop closed meanwhile; the delivery stays pending

    async def _run(self):
        # Proxy settings of the environment are for the internet, not for loopback.
        async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
            while True:
                self._wake.clear()
                delivery = self._next()
                wait = None if delivery is None else delivery["due"] - time.time()
                if delivery is not None and wait <= 0:
                    await self._send(client, delivery)
                    continue
                try:
                    await asyncio.wait_for(self._wake.wait(), wait)
                except TimeoutError:
                    pass

    def _next(self):
        with self.world.lock:
            # Sorting is stable: events of the same moment leave in the order in which they happened.
            return min(self.world.all("delivery", state="pending"), key=lambda d: d["due"], default=None)

    async def _send(self, client, delivery):
        with self.world.lock:
            body, signature = self._signed(delivery)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature,
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            answer = await client.post(self.url, content=body, headers=headers)
            outcome, arrived = str(answer.status_code), answer.is_success
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            outcome, arrived = type(problem).__name__, False
        with self.world.lock:
            self._note(self.world.touch(delivery), outcome, arrived)
            self.world.commit()

    def _note(self, delivery, outcome, arrived):
        delivery.update(attempts=delivery["attempts"] + 1, answer=outcome)
        if arrived:
            event = self.world.get("event", delivery["event"])
            event["pending_webhooks"] = 0
            delivery["state"] = "delivered"
        elif delivery["attempts"] >= GIVE_UP_AFTER:
            delivery["state"] = "failed"
        else:
            pause = min(self.first_retry * 2 ** (delivery["attempts"] - 1), self.longest_retry)
            delivery["due"] = time.time() + pause
