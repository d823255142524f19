from stations.models.campaign import Campaign, CampaignStation
from stations.models.charging_profile import ChargingProfile
from stations.models.command import Command
from stations.models.customer_information import CustomerInformationPart, CustomerInquiry
from stations.models.event import Event
from stations.models.file_ticket import FileTicket
from stations.models.firmware import FirmwareImage, FirmwareStep, FirmwareUpdate, Publication
from stations.models.id_token import IdToken
from stations.models.journal import Batch, Message, Node
from stations.models.log_request import LogRequest
from stations.models.reading import Reading
from stations.models.reservation import Reservation
from stations.models.session import Session
from stations.models.site import Site
from stations.models.station import Connector, Evse, PendingStation, State, Station

__all__ = [
    "Batch",
    "Campaign",
    "CampaignStation",
    "ChargingProfile",
    "Command",
    "Connector",
    "CustomerInformationPart",
    "CustomerInquiry",
    "Event",
    "Evse",
    "FileTicket",
    "FirmwareImage",
    "FirmwareStep",
    "FirmwareUpdate",
    "IdToken",
    "LogRequest",
    "Message",
    "Node",
    "PendingStation",
    "Publication",
    "Reading",
    "Reservation",
    "Session",
    "Site",
    "State",
    "Station",
]
