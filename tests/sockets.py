"""A browser's end of a socket. (channels.testing brings one too, but wants another web server for it.)"""

import json
from http.cookies import SimpleCookie
from urllib.parse import quote

from asgiref.testing import ApplicationCommunicator


class Browser(ApplicationCommunicator):
    """Opens `/live/` as a page of the portal would, with the cookies of a Django test client."""

    def __init__(
        self, application, watch, *, client=None, origin="http://127.0.0.1:8000", address="10.0.0.1"
    ):
        cookies = client.cookies if client is not None else SimpleCookie()
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
        headers = [(b"host", b"127.0.0.1:8000"), (b"cookie", cookie.encode())]
        if origin:
            headers.append((b"origin", origin.encode()))
        super().__init__(
            application,
            {
                "type": "websocket",
                "path": "/live/",
                "query_string": f"watch={quote(watch)}".encode(),
                "headers": headers,
                "client": [address, 50000],
                "subprotocols": [],
            },
        )
        self.code = None

    async def open(self) -> int | None:
        """None if it is open; else the code it was closed with."""
        await self.send_input({"type": "websocket.connect"})
        first = await self.receive_output(5)
        if first["type"] == "websocket.accept" and not await self.is_closing():
            return None
        closed = first if first["type"] == "websocket.close" else await self.receive_output(5)
        return closed.get("code", 1000)

    async def is_closing(self) -> bool:
        return not await self.receive_nothing(0.3, 0.02)

    async def message(self, timeout=5) -> dict:
        output = await self.receive_output(timeout)
        assert output["type"] == "websocket.send", output
        return json.loads(output["text"])

    async def swaps(self, *ids, timeout=5) -> dict:
        """Everything pushed until all these ids have been seen."""
        seen: dict = {}
        while not set(ids) <= set(seen):
            seen |= (await self.message(timeout)).get("swap", {})
        return seen

    async def closed(self, timeout=5) -> int:
        while True:
            output = await self.receive_output(timeout)
            if output["type"] == "websocket.close":
                return output["code"]

    async def leave(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(5)
