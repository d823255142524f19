from stations.models.availability_plan import AvailabilityPlan
from stations.models.bulk_command import BulkCommand
from stations.models.charging_profile import ChargingProfile
from stations.models.command import Command
from stations.models.event import Event
from stations.models.id_token import IdToken
from stations.models.journal import Batch, Message, Node
from stations.models.reading import Reading
from stations.models.reservation import Reservation
from stations.models.session import Session
from stations.models.site import Site
from stations.models.station import Connector, Evse, PendingStation, State, Station

__all__ = [
    "AvailabilityPlan",
    "Batch",
    "BulkCommand",
    "ChargingProfile",
    "Command",
    "Connector",
    "Event",
    "Evse",
    "IdToken",
    "Message",
    "Node",
    "PendingStation",
    "Reading",
    "Reservation",
    "Session",
    "Site",
    "State",
    "Station",
]
