from stations.models.charging_profile import ChargingProfile
from stations.models.command import Command
from stations.models.event import Event
from stations.models.hour import Hour
from stations.models.id_token import IdToken
from stations.models.journal import Batch, Message, Node
from stations.models.orphan import Orphan
from stations.models.quirk import Quirk
from stations.models.reading import Reading
from stations.models.reservation import Reservation
from stations.models.session import Session
from stations.models.signed_value import SignedValue
from stations.models.site import Site
from stations.models.station import Connector, Evse, PendingStation, State, Station

__all__ = [
    "Batch",
    "ChargingProfile",
    "Command",
    "Connector",
    "Event",
    "Evse",
    "Hour",
    "IdToken",
    "Message",
    "Node",
    "Orphan",
    "PendingStation",
    "Quirk",
    "Reading",
    "Reservation",
    "Session",
    "SignedValue",
    "Site",
    "State",
    "Station",
]
