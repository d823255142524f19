from stations.models.charging_needs import ChargingNeeds
from stations.models.charging_profile import ChargingProfile
from stations.models.command import Command
from stations.models.der_control import DerControl
from stations.models.event import Event
from stations.models.id_token import IdToken
from stations.models.installed_profile import InstalledProfile, SmartCharging
from stations.models.journal import Batch, Message, Node
from stations.models.monitor import DefaultMonitor, Monitor, MonitorType
from stations.models.reading import Reading
from stations.models.reservation import Reservation
from stations.models.session import Session
from stations.models.site import Site
from stations.models.station import Connector, Evse, PendingStation, State, Station

__all__ = [
    "Batch",
    "ChargingNeeds",
    "ChargingProfile",
    "Command",
    "Connector",
    "DefaultMonitor",
    "DerControl",
    "Event",
    "Evse",
    "IdToken",
    "InstalledProfile",
    "Message",
    "Monitor",
    "MonitorType",
    "Node",
    "PendingStation",
    "Reading",
    "Reservation",
    "Session",
    "Site",
    "SmartCharging",
    "State",
    "Station",
]
