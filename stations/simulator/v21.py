"""OCPP 2.1: for what this station does, 2.0.1 under another subprotocol.

What 2.1 adds (dynamic profiles, tariffs at the station, V2X, resuming after a reset) is refused or answered
with NotImplemented, as a station without those features does.
"""

from __future__ import annotations

from . import v201


class Dialect(v201.Dialect):
    """See `dialect.Dialect`."""

    subprotocol = "ocpp2.1"
