"""uvicorn's WebSocket, with a shorter way for whole texts than a queue, a task and an event of ASGI each.

A charger's report costs the server more than the portal where each pauses the socket, wakes a task and goes
down and up a stack of coroutines. An application that can treat a text at once says so through the scope's
extension; whatever it doesn't take goes the usual way, and so does everything else that a socket can bring.
"""

from __future__ import annotations

from collections.abc import Callable

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

#: Its name among the scope's extensions, where a `Texts` is its value.
EXTENSION = "evportal.texts"

#: A frame's first byte (RFC 6455 §5.2), where it is a whole text.
FINAL_TEXT = 0x81
MASKED = 0x80
#: In the place of the length: it follows in two bytes, or in eight. What is shorter stands there itself.
TWO_BYTES, EIGHT_BYTES = 126, 127


class Texts:
    """What the server gives an application: set `take`, and call `write` at any time."""

    def __init__(self, protocol: Sockets):
        self._protocol = protocol
        #: Called with a text at once; False sends it the usual way. Never while an earlier one waits there.
        self.take: Callable[[str], bool] | None = None

    @property
    def is_writable(self) -> bool:
        """Whether the other side reads what it is sent."""
        return self._protocol.writable.is_set()

    def write(self, text: str) -> None:
        """Send a text; nothing happens where the socket is closing."""
        self._protocol.write_text(text)


class Sockets(WebSocketsSansIOProtocol):
    texts: Texts | None = None

    def handle_connect(self, event) -> None:
        super().handle_connect(event)
        if self.handshake_initiated and not self.close_sent:
            self.texts = self.scope["extensions"][EXTENSION] = Texts(self)

    def data_received(self, data: bytes) -> None:
        texts = self.texts
        if texts is not None and texts.take is not None and self._is_between_frames():
            payload = whole_text(data)
            if payload is not None and texts.take(payload):
                return
        super().data_received(data)

    def _is_between_frames(self) -> bool:
        conn = self.conn
        return (
            conn.state is State.OPEN
            and not conn.reader.buffer
            and conn.current_size is None
            and self.queue.empty()
        )

    def write_text(self, text: str) -> None:
        if self.conn.state is State.OPEN and not self.close_sent and not self.transport.is_closing():
            self.transport.write(text_frame(text.encode()))


def whole_text(data: bytes) -> str | None:
    """The text, where the data are one unfragmented, masked frame of UTF-8 and nothing else."""
    size = len(data)
    if size < 6 or data[0] != FINAL_TEXT:
        return None
    length, start = data[1] ^ MASKED, 2
    if length == TWO_BYTES:
        if size < 8:
            return None
        length, start = int.from_bytes(data[2:4]), 4
    elif length > TWO_BYTES:
        # Longer than two bytes can tell, or not masked, which the usual way refuses.
        return None
    if size != start + 4 + length:
        return None
    try:
        return apply_mask(data[start + 4 :], data[start : start + 4]).decode()
    except UnicodeDecodeError:
        return None


def text_frame(payload: bytes) -> bytes:
    """An unfragmented text as a server sends it: not masked."""
    size = len(payload)
    if size < TWO_BYTES:
        return bytes((FINAL_TEXT, size)) + payload
    if size < 1 << 16:
        return bytes((FINAL_TEXT, TWO_BYTES)) + size.to_bytes(2) + payload
    return bytes((FINAL_TEXT, EIGHT_BYTES)) + size.to_bytes(8) + payload
