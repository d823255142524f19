"""The table of cases: identifiers as the Open Charge Alliance's test tool gives them, titles in our words.

1.6: all 77 cases for a central system. 2.0.1: the cases for a CSMS that the certification profiles Core and
Advanced Security draw on, those that depend on a declared feature included.

`waits` names the work without which a case can't pass yet: it is run all the same, must fail, and must lose
the mark when it passes.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    id: str
    version: str
    block: str
    title: str
    waits: str = ""

    @property
    def function(self) -> Callable[..., Awaitable[None]]:
        return FUNCTIONS[self.name]

    @property
    def name(self) -> str:
        """The case's function: `tc_001` for TC_001_CSMS."""
        return self.id.removesuffix("_CSMS").lower()


def _table(version: str, block: str, text: str, waits: dict[str, str] | None = None) -> list[Case]:
    rows = [line.split(maxsplit=1) for line in text.strip().splitlines()]
    return [
        Case(f"TC_{short}_CSMS", version, block, title, (waits or {}).get(short, "")) for short, title in rows
    ]


CASES = [
    *_table(
        "1.6",
        "Core",
        """
        001    A charge point boots, reports its connectors and sends heartbeats
        003    A charge by card, the cable first
        004_1  A charge by card, the card first
        004_2  The card first, but no cable comes: back to available
        005_1  The cable is pulled at the car: the transaction ends
        007    A charge by a card that the charge point has cached
        010    Remote start with the cable in already
        011_1  Remote start before the cable
        011_2  Remote start, but no cable comes
        012    Remote stop
        013    Hard reset during a charge
        014    Soft reset during a charge
        017_1  Unlock without a transaction
        017_2  Unlock where the cable is fixed
        018_1  Unlock during a charge ends it
        019_1  Read the whole configuration
        019_2  Read one configuration key
        021    Change the configuration
        023_1  A card that nobody knows
        023_2  A card that has expired
        023_3  A card that is blocked
        024    The connector's lock fails
        026    Remote start refused
        028    Remote stop refused
        030    Unlock fails
        031    Unlock of a connector that isn't there
        032_1  Power is lost during a charge; the stop comes after the next boot
        037_1  A start that was made offline, with a good card
        037_3  A start that was made offline, with a bad card
        039    A whole charge that was made offline
        040_1  A configuration key that the charge point doesn't have
        040_2  A configuration value that the charge point refuses
        061    Clear the authorisation cache
        064    Data of a vendor that the portal doesn't know
        """,
    ),
    *_table(
        "1.6",
        "Local authorisation list",
        """
        042_1  Version of the local list, where lists aren't supported
        042_2  Version of the local list, which is empty
        043_1  Send a local list, where lists aren't supported
        043_3  Send a local list, which fails
        043_4  Send a full local list
        043_5  Send a differential local list
        """,
    ),
    *_table(
        "1.6",
        "Firmware and diagnostics",
        """
        044_1  Firmware is downloaded and installed
        044_2  Firmware can't be downloaded
        044_3  Firmware can't be installed
        045_1  Diagnostics are uploaded
        045_2  Diagnostics can't be uploaded
        """,
        {"044_1": "firmware", "044_2": "firmware", "044_3": "firmware"},
    ),
    *_table(
        "1.6",
        "Reservation",
        """
        046    A reserved connector is used
        047    A reservation expires
        048_1  A reservation of a faulted connector
        048_2  A reservation of an occupied connector
        048_3  A reservation of a connector out of service
        048_4  A reservation that the charge point refuses
        049    A reservation of the charge point as a whole
        051    A reservation is cancelled
        052    A cancellation that the charge point refuses
        053    A reserved connector is used by another card of the group
        """,
    ),
    *_table(
        "1.6",
        "Remote trigger",
        """
        054    Trigger each message
        055    Trigger refused
        """,
    ),
    *_table(
        "1.6",
        "Smart charging",
        """
        056    A default profile for transactions
        057    A profile for the running transaction
        059    Remote start with a profile
        066    Composite schedule
        067    Clear charging profiles
        """,
    ),
    *_table(
        "1.6",
        "Security",
        """
        073    A new password
        074    A new certificate for the charge point
        075_1  Install a manufacturer's root certificate
        075_2  Install the central system's root certificate
        076    Delete an installed certificate
        077    The charge point refuses its new certificate
        078    The charge point refuses a root certificate
        079    Security log
        080    Signed firmware is installed
        081    Signed firmware with a wrong signature
        083    Upgrade of the security profile
        085    Basic authentication
        086    TLS with the server's certificate
        087    TLS with the charge point's certificate
        088    The subprotocol is negotiated
        """,
        {
            "073": "provisioning",
            "074": "certificates",
            "077": "certificates",
            "078": "certificates",
            "080": "firmware",
            "081": "firmware",
            "083": "provisioning",
            "087": "certificates",
        },
    ),
]

MODULES = [
    "v16.sessions",
    "v16.control",
    "v16.reservations",
    "v16.upkeep",
]


def _functions() -> dict[str, Callable[..., Awaitable[None]]]:
    found = {}
    for module in MODULES:
        for name, thing in vars(importlib.import_module(f"tests.stations.conformance.{module}")).items():
            if name.startswith("tc_"):
                assert name not in found, f"{name} is written twice"
                found[name] = thing
    return found


FUNCTIONS = _functions()
