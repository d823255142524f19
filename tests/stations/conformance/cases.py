"""The table of cases: identifiers as the Open Charge Alliance's test tool gives them, titles in our words.

1.6: all 77 cases for a central system. 2.0.1: the cases for a CSMS that the certification profiles Core and
Advanced Security draw on, those that depend on a declared feature included; they are run under 2.1, too. For
what 2.1 adds the cases are our own: `OWN_` and the standard's block, with the use case in the title.
"""

from __future__ import annotations

import functools
import importlib
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    id: str
    version: str
    block: str
    title: str

    @property
    def function(self) -> Callable[..., Awaitable[None]]:
        return functions()[self.name]

    @property
    def versions(self) -> tuple[str, ...]:
        """2.1 is to be all that 2.0.1 is, so its cases are run under both."""
        return ("2.0.1", "2.1") if self.version == "2.0.1" else (self.version,)

    @property
    def name(self) -> str:
        """The case's function: `tc_001` for TC_001_CSMS, `own_c_01` for OWN_C_01."""
        return self.id.removesuffix("_CSMS").lower()


def _table(version: str, block: str, text: str) -> list[Case]:
    rows = [line.split(maxsplit=1) for line in text.strip().splitlines()]
    name = "OWN_{}" if version == "2.1" else "TC_{}_CSMS"
    return [Case(name.format(short), version, block, title) for short, title in rows]


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
    ),
    *_table(
        "2.0.1",
        "A Security",
        """
        A_01  Basic authentication
        A_02  A user name that isn't the station's identity
        A_03  A wrong password
        A_04  TLS with the server's certificate
        A_06  TLS of a version that is too old
        A_07  TLS with the station's certificate
        A_08  TLS with a certificate that isn't the station's
        A_09  A new password
        A_10  A new password, which the station refuses
        A_11  A new certificate for the station
        A_12  A new certificate for Plug & Charge
        A_14  The station refuses its new certificate
        A_19  Upgrade of the security profile
        """,
    ),
    *_table(
        "2.0.1",
        "B Provisioning",
        """
        B_01  A station boots and sends heartbeats
        B_02  A station that is pending, and then accepted
        B_06  Read one variable
        B_07  Read several variables
        B_08  Read no more variables in a message than the station takes
        B_09  Write one variable
        B_10  Write several variables
        B_12  Report of the configuration
        B_13  Report of everything
        B_14  Report in summary
        B_18  Report of chosen components and variables
        B_20  Reset on idle without a transaction
        B_21  Reset on idle during a transaction
        B_22  Reset at once during a transaction
        B_25  Reset of an EVSE without a transaction
        B_26  Reset of an EVSE on idle during a transaction
        B_27  Reset of an EVSE at once during a transaction
        B_30  A station that isn't accepted may only boot
        B_31  A station that isn't accepted is asked to boot again
        B_42  A network profile
        B_44  A network profile that the station can't take
        B_58  The subprotocol is negotiated
        """,
    ),
    *_table(
        "2.0.1",
        "C Authorisation",
        """
        C_02  A card that nobody knows
        C_06  A card that is blocked
        C_07  A card that has expired
        C_08  A card from the station's cache
        C_20  A card from the station's cache that isn't good any more
        C_37  Clear the cache
        C_38  Clear the cache, refused
        C_39  A card of the same group ends the transaction
        C_47  A master pass ends all transactions
        C_48  A master pass ends one transaction
        C_49  A master pass at a station without a display
        """,
    ),
    *_table(
        "2.0.1",
        "E Transactions",
        """
        E_01  Begins when the power path closes
        E_02  Begins when energy flows
        E_03  Begins with the cable, the card comes after
        E_04  Begins with the card, the cable comes after
        E_07  Ends when the power path opens
        E_08  Ends when the energy stops
        E_09  Begins when the car is connected
        E_10  Begins when the card is taken
        E_11  Begins when signed data is there
        E_12  Begins when the bay is taken
        E_14  Ends when the cable is out at the station
        E_15  Ends with the card
        E_16  Ends because the card is no good
        E_17  Ends because the cable was pulled at the car
        E_19  Ends when the bay is free
        E_20  Ends when the car is away
        E_21  Ends by remote stop
        E_22  Ends because the car wants no more
        E_26  The cable is pulled at the car, and the transaction waits for it
        E_29  It goes on, with messages waiting
        E_30  It goes on, with nothing waiting
        E_31  It is over, with messages waiting
        E_33  Messages of any transaction wait
        E_34  Nothing waits
        E_38  The car isn't ready yet
        E_39  Ends because no cable came
        E_53  Each transaction counts its messages from 0
        """,
    ),
    *_table(
        "2.0.1",
        "F Remote control",
        """
        F_01  Remote start with the cable in already
        F_02  Remote start, the station asks for itself
        F_03  Remote start before the cable
        F_04  Remote start, but no cable comes
        F_06  Unlock
        F_11  Trigger meter values of an EVSE
        F_12  Trigger meter values of all
        F_13  Trigger a transaction's event at an EVSE
        F_14  Trigger transactions' events at all
        F_15  Trigger the log's status
        F_18  Trigger the firmware's status
        F_20  Trigger a heartbeat
        F_23  Trigger the status of a connector that is free
        F_24  Trigger the status of a connector in use
        F_27  Trigger what the station doesn't have
        """,
    ),
    *_table(
        "2.0.1",
        "G Availability",
        """
        G_03  An EVSE out of service
        G_04  An EVSE back in service
        G_05  A station out of service
        G_06  A station back in service
        G_07  A connector out of service
        G_08  A connector back in service
        G_11  An EVSE out of service, after the charge
        G_14  A station out of service, after the charge
        G_17  A connector out of service, after the charge
        G_20  The connector's lock fails
        """,
    ),
    *_table(
        "2.0.1",
        "J Meter values",
        """
        J_01  On the clock, outside of a transaction
        J_02  On the clock, in a transaction
        J_03  On the clock, at the end
        J_04  On the clock, signed
        J_07  At the beginning, the EVSE known
        J_08  At the beginning, the EVSE not yet known
        J_09  Sampled on the way
        J_10  Sampled, at the end
        J_11  Sampled, signed
        """,
    ),
    *_table(
        "2.0.1",
        "L Firmware",
        """
        L_01  Firmware is installed
        L_02  Firmware is to be installed later
        L_03  Firmware is to be downloaded later
        L_04  The signing certificate was revoked
        L_05  The signing certificate is invalid
        L_06  The signature is wrong
        L_07  The download fails
        L_08  The installed firmware fails its check
        L_09  The installation fails
        L_10  A second request cancels the first
        L_11  A second request is refused
        L_13  Firmware waits for the end of a charge
        """,
    ),
    *_table(
        "2.0.1",
        "M Certificates",
        """
        M_01  Install the portal's root certificate
        M_02  Install a manufacturer's root certificate
        M_05  Install a certificate, which fails
        M_13  List a manufacturer's root certificates
        M_18  List certificates of every kind
        M_19  List certificates where there are none
        M_20  Delete a certificate
        M_21  Delete a certificate, which fails
        """,
    ),
    *_table(
        "2.0.1",
        "N Diagnostics",
        """
        N_25  Diagnostics log
        N_27  What the station knows of a customer
        N_28  The station knows nothing of a customer
        N_29  The station won't tell of a customer
        N_30  What the station knew of a customer, deleted
        N_31  Delete what is known of a customer: nothing
        N_32  Delete what is known of a customer, without a report
        N_34  A log that the station refuses
        N_35  Security log
        N_36  A second request for a log cancels the first
        N_62  What the station knows of a customer by number
        """,
    ),
    *_table(
        "2.0.1",
        "P Data transfer",
        """
        P_02  Data of a vendor that the portal doesn't know
        P_03  Members of a maker's own
        """,
    ),
    *_table(
        "2.1",
        "Paying, limits and tariffs",
        """
        C_01  A payment terminal's token starts a charge (C18)
        C_02  A settlement at the end of the charge, told twice (C21)
        C_03  A settlement that was rejected (C22)
        C_04  A payment that was cancelled before there was a charge (C19)
        C_05  VAT numbers that somebody types in at the terminal
        C_06  A code on the display leads to the charger; an old one doesn't (C25)
        C_07  The station hears that somebody is paying (C25)
        E_01  The driver's limit is told with the answers (E16)
        I_01  The default tariff, once (I07)
        I_02  Which tariffs the station has (I09)
        I_03  Clear a tariff (I10)
        I_04  Another tariff for a transaction (I11)
        I_05  A transaction's end with the station's own reckoning (I12)
        """,
    ),
    *_table(
        "2.1",
        "Energy, the grid and batteries",
        """
        K_01  Priority for a charge, by the portal (K21)
        K_02  Priority for a charge, at the station (K22)
        K_03  A dynamic limit is pushed (K28)
        K_04  A dynamic limit is pulled; one that isn't known (K28)
        K_05  A car's needs, to which no profile belongs
        M_01  The status of a car's chain where nobody can be asked
        N_01  A stream of values becomes readings (N11, N13, N15)
        N_02  A stream of a monitor that isn't known (N11)
        N_03  Another pace for a stream (N14)
        N_04  Which streams there are (N12)
        Q_01  Which ways of transferring energy a charge may use
        Q_02  A signal of the grid's operator for frequency
        R_01  A control of the grid is set and cleared (R04)
        R_02  Report of the controls that are set (R04)
        R_03  A control begins and ends (R05)
        R_04  The grid leaves its bounds, and comes back (R05)
        S_01  A swap of batteries, asked for by the portal (S02)
        S_02  Batteries go in and come out (S03)
        """,
    ),
]

#: What a case of 2.0.1 does otherwise under 2.1: (what, in 2.0.1, in 2.1, the cases). All else is the same.
DIFFERENCES = [
    (
        "A request for a certificate",
        "the answer has its type",
        "and the request's number, `requestId`",
        ["TC_A_07", "TC_A_08", "TC_A_11", "TC_A_12", "TC_A_14"],
    ),
    ("A token", "at most 36 letters", "at most 255", ["TC_C_02"]),
    (
        "A signed value",
        "with its method and the key, in 2,500 letters",
        "these may be left out; 32,768 letters",
        ["TC_J_04", "TC_J_11"],
    ),
    ("A network profile", "names the version", "it is agreed upon at the door", ["TC_B_42", "TC_B_44"]),
    ("A variable's value", "at most 1,000 letters", "at most 2,500", ["TC_B_09", "TC_B_10"]),
]

#: Each case under each version that it is for.
RUNS = [(case, version) for case in CASES for version in case.versions]


def sample() -> list[tuple[Case, str]]:
    """For `make test`: under 2.1 our own cases, those that differ, and every third of the others."""
    differing = {each for *_what, ids in DIFFERENCES for each in ids}
    again = [case for case in CASES if len(case.versions) > 1]
    kept = {case.id for case in again[::3]} | {f"{each}_CSMS" for each in differing}
    return [(case, version) for case, version in RUNS if version == case.version or case.id in kept]


MODULES = [
    "v16.sessions",
    "v16.control",
    "v16.reservations",
    "v16.upkeep",
    "v201.provisioning",
    "v201.authorization",
    "v201.transactions",
    "v201.remote",
    "v201.meter",
    "v201.security",
    "v201.upkeep",
    "v21.paying",
    "v21.energy",
]


@functools.cache
def functions() -> dict[str, Callable[..., Awaitable[None]]]:
    """Every case that is written, by its function's name."""
    found = {}
    for module in MODULES:
        for name, thing in vars(importlib.import_module(f"tests.stations.conformance.{module}")).items():
            if name.startswith(("tc_", "own_")):
                assert name not in found, f"{name} is written twice"
                found[name] = thing
    return found


def table() -> str:
    """The cases for docs/conformance.md, block by block, and before them what 2.1 has otherwise."""
    rows = [f"| {what} | {old} | {new} | {', '.join(ids)} |" for what, old, new, ids in DIFFERENCES]
    head = ["| What | 2.0.1 | 2.1 | Cases |", "|---|---|---|---|"]
    parts = ["\n".join(["### 2.0.1 under 2.1: what differs", "", *head, *rows])]
    for (version, block), cases in itertools.groupby(CASES, lambda case: (case.version, case.block)):
        lines = [f"| {case.id} | {case.title} |" for case in cases]
        head = ["| Case | What happens |", "|---|---|"]
        parts.append("\n".join([f"### {version}: {block}", "", *head, *lines]))
    return "\n\n".join(parts) + "\n"
