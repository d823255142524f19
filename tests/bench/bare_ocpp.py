"""A server made of the `ocpp` and `websockets` packages, as their documentation shows it.

It keeps nothing.
"""

import asyncio
import itertools
import logging
import sys
from datetime import UTC, datetime

import uvloop
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.enums import Action
from websockets.asyncio.server import serve

_numbers = itertools.count(1)


class Point(ChargePoint):
    @on(Action.boot_notification)
    def on_boot(self, **_payload):
        now = datetime.now(UTC).isoformat()
        return call_result.BootNotification(current_time=now, interval=300, status="Accepted")

    @on(Action.status_notification)
    def on_status(self, **_payload):
        return call_result.StatusNotification()

    @on(Action.authorize)
    def on_authorize(self, **_payload):
        return call_result.Authorize(id_tag_info={"status": "Accepted"})

    @on(Action.start_transaction)
    def on_start(self, **_payload):
        return call_result.StartTransaction(transaction_id=next(_numbers), id_tag_info={"status": "Accepted"})

    @on(Action.stop_transaction)
    def on_stop(self, **_payload):
        return call_result.StopTransaction()

    @on(Action.meter_values)
    def on_meter(self, **_payload):
        return call_result.MeterValues()


async def connected(socket) -> None:
    await Point(socket.request.path.rsplit("/", 1)[-1], socket).start()


async def main(port: int) -> None:
    async with serve(connected, "127.0.0.1", port, subprotocols=["ocpp1.6"], compression=None):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    uvloop.run(main(int(sys.argv[1])))
