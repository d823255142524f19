"""The simulator inside a test: a server in a thread, its clock and its webhooks in the test's hands."""

import socket
import threading
import time

import uvicorn

from . import control, disputes, payouts
from .api import Fault
from .app import App
from .clock import Clock
from .render import render


class Simulator:
    """A running simulator on a free loopback port.

    with Simulator(webhook_url=…) as stripe_server:
        client = stripe.StripeClient("sk_test_x", base_addresses={"api": stripe_server.url})

    Given `start`, its clock stands still there until `advance`. Without a `webhook_url` events are held
    for `webhooks.take()`.
    """

    def __init__(
        self, *, start=None, port=0, data=None, webhook_url="", webhook_secret="whsec_simulator", **timing
    ):
        self.app = App(
            data=data, clock=Clock(start), webhook_url=webhook_url, webhook_secret=webhook_secret, **timing
        )
        self.world = self.app.world
        self.webhooks = self.app.webhooks
        self._port = port
        self._server = None
        self._thread = None

    def __enter__(self):
        return self.begin()

    def __exit__(self, *_):
        self.end()

    def begin(self):
        """Start serving; returns when the port answers."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        self.url = self.world.public_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(self.app, log_level="warning", access_log=False, lifespan="on", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), daemon=True)
        self._thread.start()
        _until(lambda: self._server.started or not self._thread.is_alive())
        if not self._server.started:
            raise RuntimeError("The simulator did not start.")
        return self

    def end(self):
        """Stop serving and close the files."""
        self._server.should_exit = True
        self._thread.join(timeout=10)
        with self.world.lock:
            self.world.archive.close()

    # Time and webhooks

    def now(self) -> int:
        """The simulated time."""
        return self.world.clock.now()

    def advance(self, **step) -> int:
        """Move time on (`days=7`, `hours=`, `minutes=`, `seconds=`): holds expire, payouts arrive."""
        with self.world.lock:
            now = control.advance(self.world, **step)
            self.world.commit()
            return now

    def drain(self, timeout=5):
        """Wait until every webhook that may go out has arrived."""
        _until(self.webhooks.idle, timeout)

    def fail_next(self, path, *, status=500, after=False):
        """Make the next request to `path` fail, `after` executing it when only the answer is to be lost."""
        self.app.api.faults.append(Fault(path, status, after))

    # What there is

    def all(self, kind, **match) -> list[dict]:
        """Objects as the API shows them, oldest first: `all("charge", customer=…)`."""
        with self.world.lock:
            return [render(self.world, obj) for obj in self.world.all(kind, **match)]

    def events(self, *types) -> list[dict]:
        """Events that happened, oldest first, all or those of the types given."""
        return [event for event in self.all("event") if not types or event["type"] in types]

    # What others do

    def dispute(self, charge_id, **details) -> dict:
        """A cardholder's bank disputes a charge."""
        with self.world.lock:
            dispute = disputes.open_dispute(self.world, self.world.get("charge", charge_id), **details)
            self.world.commit()
            return render(self.world, dispute)

    def settle_dispute(self, dispute_id, outcome) -> dict:
        """The banks decide: `won` or `lost`."""
        with self.world.lock:
            dispute = self.world.get("dispute", dispute_id)
            disputes.settle(self.world, dispute, outcome)
            self.world.commit()
            return render(self.world, dispute)

    def pay_out(self, currency="eur", **how) -> dict | None:
        """An automatic payout of the balance, arriving at once."""
        with self.world.lock:
            payout = payouts.pay_out_all(self.world, currency, **how)
            self.world.commit()
            return payout and render(self.world, payout)

    def fail_payout(self, payout_id) -> dict:
        """The bank returns a payout."""
        with self.world.lock:
            payout = self.world.get("payout", payout_id)
            payouts.fail(self.world, payout)
            self.world.commit()
            return render(self.world, payout)


def _until(condition, timeout=10):
    """Wait for a condition that another thread brings about."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("The simulator kept us waiting.")
        time.sleep(0.01)
