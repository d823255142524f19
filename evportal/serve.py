"""The web process: `python -m evportal.serve --port 8000`, uvicorn with what chargers need of it.

A charger's frames are small, and a compressed one could unpack to anything: so frames have a limit and
compression is off. When the process is asked to end, chargers are drained first: what they sent is answered
or left for the process that comes after, and they are told to come back (close code 1012).
"""

from __future__ import annotations

import argparse
import os
import socket

import uvicorn

MAX_FRAME = 256 * 1024
#: A charger that is gone without a word is known to be gone after two of these; one that waits for a sign of
#: life gets one as often.
PING_SECONDS = float(os.environ.get("WS_PING_SECONDS", "20"))
#: Also for the tests' server: it must be as strict.
SOCKETS = {
    "ws": "evportal.sockets:Sockets",
    "ws_max_size": MAX_FRAME,
    "ws_per_message_deflate": False,
    "ws_ping_interval": PING_SECONDS,
    "ws_ping_timeout": PING_SECONDS,
}


class Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        from evportal.asgi import chargers

        await chargers.hub.drain()
        await super().shutdown(sockets)


def config(host: str, port: int, **more) -> uvicorn.Config:
    return uvicorn.Config(
        "evportal.asgi:application",
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        # Django's logging serves; uvicorn's own would write a charger's identity at every connection.
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=3,
        # After a power cut thousands of chargers connect in the same second.
        backlog=4096,
        **SOCKETS,
        **more,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
    parser.add_argument("--forwarded-allow-ips", help="proxies whose X-Forwarded-For is believed")
    arguments = parser.parse_args()
    more = {}
    if arguments.forwarded_allow_ips:
        more["forwarded_allow_ips"] = arguments.forwarded_allow_ips
    Server(config(arguments.host, arguments.port, **more)).run()


if __name__ == "__main__":
    main()
