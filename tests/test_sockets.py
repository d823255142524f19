"""The short way for whole texts takes exactly what the WebSocket library would call a text, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import Side, State
from websockets.server import ServerProtocol

from evportal.sockets import text_frame, whole_text

#: Around the lengths at which the head of a frame changes.
SIZES = st.sampled_from([0, 1, 124, 125, 126, 127, 1000, 65535, 65536])


def client_frame(payload: bytes, opcode=Opcode.TEXT, *, fin=True, mask=True) -> bytes:
    return Frame(opcode, payload, fin=fin).serialize(mask=mask)


def as_the_library_reads(data: bytes) -> list[Frame]:
    protocol = ServerProtocol(max_size=None)
    protocol.state = State.OPEN
    protocol.parser = protocol.parse()
    next(protocol.parser)
    protocol.receive_data(data)
    return protocol.events_received()


@given(st.text(max_size=300))
def test_a_text_is_what_the_client_sent(text):
    assert whole_text(client_frame(text.encode())) == text


@given(SIZES)
def test_a_text_of_any_length_is_read_or_left_to_the_library(size):
    text = "x" * size
    found = whole_text(client_frame(text.encode()))
    assert found == (text if size <= 65535 else None)


@given(st.text(max_size=200), st.integers(min_value=0))
def test_part_of_a_frame_is_left_to_the_library(text, at):
    data = client_frame(text.encode())
    assert whole_text(data[: at % len(data)]) is None


@given(st.text(max_size=200), st.binary(min_size=1, max_size=20))
def test_more_than_a_frame_is_left_to_the_library(text, more):
    assert whole_text(client_frame(text.encode()) + more) is None


@pytest.mark.parametrize("opcode", [Opcode.BINARY, Opcode.CONT, Opcode.PING, Opcode.PONG, Opcode.CLOSE])
def test_what_is_no_text_is_left_to_the_library(opcode):
    assert whole_text(client_frame(b"\x03\xe8", opcode)) is None


def test_so_are_fragments_frames_without_a_mask_reserved_bits_and_what_is_no_utf8():
    assert whole_text(client_frame(b"[2]", fin=False)) is None
    assert whole_text(client_frame(b"[2]", mask=False)) is None
    assert whole_text(client_frame(b"x" * 200, mask=False)) is None
    assert whole_text(bytes([0xC1]) + client_frame(b"[2]")[1:]) is None
    assert whole_text(client_frame(b"\xff\xfe")) is None
    # A length in eight bytes is one byte's value further than any in two.
    assert whole_text(bytes([0x81, 0xFF]) + bytes(7) + b"\x03" + bytes(4) + b"[2]") is None


@given(st.text(max_size=200), st.integers(min_value=0), st.integers(0, 255))
def test_never_anything_that_the_library_reads_otherwise(text, at, byte):
    data = bytearray(client_frame(text.encode()))
    data[at % len(data)] = byte
    found = whole_text(bytes(data))
    if found is not None:
        (frame,) = as_the_library_reads(bytes(data))
        assert (frame.opcode, frame.fin, bytes(frame.data).decode()) == (Opcode.TEXT, True, found)


@given(SIZES)
def test_what_we_send_is_what_the_library_would_send(size):
    payload = b"x" * size
    sent = ServerProtocol()
    sent.state = State.OPEN
    assert sent.side is Side.SERVER
    sent.send_text(payload)
    assert text_frame(payload) == b"".join(sent.data_to_send())
