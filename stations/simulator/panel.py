"""The control panel's HTTP: a few routes, by hand, so that the simulator needs no web framework."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from .car import Car
from .fleet import Fleet
from .panel_page import describe, page
from .tokens import Token

logger = logging.getLogger("stations.simulator")

MAX_HEADER_BYTES = 16_384
MAX_BODY_BYTES = 65_536
PATIENCE_S = 10.0
# Styles are inline; nothing else is loaded, and forms go nowhere else.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Connection": "close",
}


class Problem(Exception):
    """An answer other than success."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def wants_json(self) -> bool:
        """Forms of the page get a redirect, everyone else JSON."""
        return not self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")

    def fields(self) -> dict[str, Any]:
        if not self.body:
            return {}
        try:
            text = self.body.decode()
            fields = json.loads(text) if self.wants_json else dict(parse_qsl(text))
        except ValueError:
            raise Problem(HTTPStatus.BAD_REQUEST, "The body cannot be read.") from None
        if not isinstance(fields, dict):
            raise Problem(HTTPStatus.BAD_REQUEST, "The body must be an object.")
        return fields


class Panel:
    """`await panel.start()` listens; `port` is then the real one, also when 0 was asked for."""

    def __init__(self, fleet: Fleet, *, port: int, host: str = "127.0.0.1") -> None:
        self.port = port
        self._fleet = fleet
        self._host = host
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, self._host, self.port, limit=MAX_HEADER_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        logger.info("control panel on http://%s:%d/", self._host, self.port)

    async def stop(self) -> None:
        if self._server:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            try:
                async with asyncio.timeout(PATIENCE_S):
                    request = await _read(reader)
                status, headers, body = await self._answer(request)
            except Problem as problem:
                status, headers, body = _json({"error": str(problem)}, problem.status)
            except (ValueError, asyncio.LimitOverrunError):
                status, headers, body = _json({"error": "Unreadable request."}, HTTPStatus.BAD_REQUEST)
            headers = HEADERS | headers | {"Content-Length": str(len(body))}
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            writer.write(head.encode("latin-1") + b"\r\n" + body)
            await writer.drain()
        writer.close()

    async def _answer(self, request: Request) -> tuple[HTTPStatus, dict[str, str], bytes]:
        _refuse_strangers(request)
        target = urlsplit(request.path)
        parts = [unquote(part) for part in target.path.strip("/").split("/") if part]
        if request.method == "GET":
            return self._show(parts, dict(parse_qsl(target.query)).get("done", ""))
        if request.method != "POST":
            raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET and POST are known here.")
        identity, outcome = await self._act(parts, request.fields())
        if request.wants_json:
            return _json({"outcome": outcome, "station": describe(self._fleet[identity])})
        # The anchor brings a phone back to the station it was looking at.
        location = f"/?done={quote(outcome)}#{quote(identity, safe='')}"
        return HTTPStatus.SEE_OTHER, {"Location": location}, b""

    def _show(self, parts: list[str], done: str) -> tuple[HTTPStatus, dict[str, str], bytes]:
        if not parts:
            return (
                HTTPStatus.OK,
                {"Content-Type": "text/html; charset=utf-8"},
                page(self._fleet, done).encode(),
            )
        if parts == ["stations"]:
            return _json({"stations": [describe(charger) for charger in self._fleet]})
        if len(parts) == 2 and parts[0] == "stations":
            return _json(describe(self._charger(parts[1])))
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such page.")

    async def _act(self, parts: list[str], fields: dict[str, Any]) -> tuple[str, str]:
        """The station it was done to, and what came of it."""
        match parts:
            case ["stations", identity, "offline"]:
                self._charger(identity).go_offline()
                return identity, "offline"
            case ["stations", identity, "online"]:
                self._charger(identity).come_back()
                return identity, "coming back"
            case ["stations", identity, "evses", number, action]:
                return identity, await self._act_on_evse(identity, number, action, fields)
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such action.")

    async def _act_on_evse(self, identity: str, number: str, action: str, fields: dict[str, Any]) -> str:
        try:
            point = self._charger(identity).evse(int(number))
        except (KeyError, ValueError):
            raise Problem(HTTPStatus.NOT_FOUND, "There is no such EVSE.") from None
        try:
            if action == "plug":
                connector = fields.get("connector")
                point.plug_in(_car(fields), int(connector) if connector else None)
                return "plugged in"
            if action == "swipe":
                return await point.swipe(_token(fields))
            if action == "fault":
                point.fault(
                    str(fields.get("code") or "OtherError"), str(fields.get("vendor_code") or "E-SIM-01")
                )
                return "faulted"
        except (ValueError, TypeError) as problem:
            raise Problem(HTTPStatus.CONFLICT, str(problem)) from problem
        match action:
            case "unplug":
                point.unplug()
                return "unplugged"
            case "clear":
                point.clear_fault()
                return "cleared"
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such action.")

    def _charger(self, identity: str):
        try:
            return self._fleet[identity]
        except KeyError:
            raise Problem(HTTPStatus.NOT_FOUND, "There is no such station.") from None


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, path, _version = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= MAX_BODY_BYTES:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "That is too long.")
    return Request(method, path, headers, await reader.readexactly(length))


def _refuse_strangers(request: Request) -> None:
    """Other web sites must not reach the panel through the browser of who runs it.

    A page elsewhere shows itself by its Origin; one that rebinds its own name to this machine, by a Host
    that is neither an address nor localhost.
    """
    host = request.headers.get("host", "")
    name = urlsplit(f"//{host}").hostname or ""
    if name != "localhost":
        try:
            ipaddress.ip_address(name)
        except ValueError:
            raise Problem(HTTPStatus.FORBIDDEN, "Use the panel by its address.") from None
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        raise Problem(HTTPStatus.FORBIDDEN, "Another site may not press these buttons.")


def _car(fields: dict[str, Any]) -> Car:
    options = {"soc": "soc", "phases": "phases", "target_soc": "target_soc"}
    kilo = {"battery_kwh": "battery_wh", "max_ac_kw": "max_ac_w", "max_dc_kw": "max_dc_w"}
    car = {name: float(fields[key]) for key, name in options.items() if fields.get(key) not in (None, "")}
    car |= {
        name: float(fields[key]) * 1000 for key, name in kilo.items() if fields.get(key) not in (None, "")
    }
    if "phases" in car:
        car["phases"] = int(car["phases"])
    return Car(**car)


def _token(fields: dict[str, Any]) -> Token:
    token = str(fields.get("token", "")).strip()
    if not token:
        raise ValueError("Which card? Send a token.")
    return Token(token)


def _json(data: Any, status: HTTPStatus = HTTPStatus.OK) -> tuple[HTTPStatus, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps(data).encode()
