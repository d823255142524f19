from stations.models.charging_profile import ChargingProfile
from stations.models.command import Command
from stations.models.display import DisplayMessage, ShownCost, StationTariff
from stations.models.event import Event
from stations.models.id_token import IdToken, TokenRules
from stations.models.journal import Batch, Message, Node
from stations.models.local_list import Abilities, LocalList
from stations.models.paying import Settlement, WebPayments
from stations.models.reading import Reading
from stations.models.reservation import Reservation
from stations.models.session import Session
from stations.models.site import Site
from stations.models.station import Connector, Evse, PendingStation, State, Station

__all__ = [
    "Abilities",
    "Batch",
    "ChargingProfile",
    "Command",
    "Connector",
    "DisplayMessage",
    "Event",
    "Evse",
    "IdToken",
    "LocalList",
    "Message",
    "Node",
    "PendingStation",
    "Reading",
    "Reservation",
    "Session",
    "Settlement",
    "ShownCost",
    "Site",
    "State",
    "Station",
    "StationTariff",
    "TokenRules",
    "WebPayments",
]
