"""The ASGI application: the API, the hosted pages, the dashboard and the control API."""

import json

from . import control, dashboard, due, hosted
from .api import Answer, Api
from .errors import StripeError
from .pages import Page, message
from .webhooks import Webhooks
from .world import World

LARGEST_BODY = 1_000_000


class App:
    """One simulated account, ready for an ASGI server."""

    def __init__(
        self,
        *,
        data=None,
        clock=None,
        webhook_url="",
        webhook_secret="whsec_simulator",
        public_url="",
        **timing,
    ):
        self.world = World(data=data, clock=clock)
        self.world.public_url = public_url.rstrip("/")
        self.webhooks = Webhooks(self.world, url=webhook_url, secret=webhook_secret, **timing)
        self.api = Api(self.world)

    async def __call__(self, scope, receive, send):
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._respond(send, self._route(scope, await _read(receive)))

    async def _lifespan(self, receive, send):
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                await self.webhooks.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.webhooks.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _route(self, scope, body) -> Answer | Page:
        method, path = scope["method"], scope["path"]
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if body is None:
            return Answer(413, {"error": {"type": "invalid_request_error", "message": "Too large."}})
        text = body.decode("utf-8", "replace")
        if path.startswith(("/v1/", "/v2/")):
            return self.api.handle(method, path, scope["query_string"].decode(), text, headers)
        with self.world.lock:
            due.settle(self.world)
            try:
                if path.startswith("/_test/"):
                    return self._control(method, path, text)
                return self._page(method, path, text)
            except Exception:
                self.world.rollback()
                raise
            finally:
                self.world.commit()

    def _control(self, method, path, text) -> Answer:
        try:
            arguments = json.loads(text or "{}")
            return Answer(200, control.handle(self.world, self.api, self.webhooks, method, path, arguments))
        except StripeError as error:
            self.world.rollback()
            return Answer(error.status, error.body)
        except (KeyError, TypeError, ValueError) as problem:
            return Answer(400, {"error": {"type": "invalid_request_error", "message": repr(problem)}})

    def _page(self, method, path, text) -> Page:
        form = text if method == "POST" else None
        if path.startswith("/c/pay/"):
            return hosted.checkout_page(self.world, path.removeprefix("/c/pay/"), form)
        if path.startswith("/3ds/"):
            return hosted.secure_page(self.world, path.removeprefix("/3ds/"), form)
        if method == "GET" and path == "/":
            return dashboard.show(self.world, self.webhooks)
        if method == "POST":
            try:
                done = dashboard.act(self.world, self.webhooks, path)
            except StripeError as error:
                return message("Not possible", str(error), status=error.status)
            if done:
                return done
        return message("Page not found", "There is nothing here.", status=404)

    async def _respond(self, send, answer):
        if isinstance(answer, Page):
            headers, body = answer.headers, answer.body.encode()
        else:
            headers = {"Content-Type": "application/json", **answer.headers}
            body = json.dumps(answer.body, indent=2).encode()
        pairs = [
            (name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()
        ]
        pairs.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
        await send({"type": "http.response.body", "body": body})


async def _read(receive) -> bytes | None:
    """The request's body, or None when it is unreasonably large."""
    body = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if len(body) > LARGEST_BODY:
            return None
        if not event.get("more_body"):
            return body
