"""An ASGI application that answers every call with what makes a charger go on, and keeps nothing.

The floor: what the server under the portal, a JSON parser and a reply cost without any portal.
"""

import itertools

import orjson

_numbers = itertools.count(1)


def answer(action: str, payload: dict) -> dict:
    if action == "BootNotification":
        return {"currentTime": "2026-01-01T00:00:00Z", "interval": 300, "status": "Accepted"}
    if action == "Authorize":
        return {"idTagInfo": {"status": "Accepted"}}
    if action == "StartTransaction":
        return {"transactionId": next(_numbers), "idTagInfo": {"status": "Accepted"}}
    return {}


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
        return
    await receive()
    await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0]})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        _call, message_id, action, payload = orjson.loads(event["text"])
        text = orjson.dumps([3, message_id, answer(action, payload)]).decode()
        await send({"type": "websocket.send", "text": text})
