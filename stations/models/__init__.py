from stations.models.availability_plan import AvailabilityPlan
from stations.models.bulk_command import BulkCommand
from stations.models.campaign import Campaign, CampaignStation
from stations.models.certificate import (
    Authority,
    Certificate,
    CertificateUse,
    InstalledCertificate,
    RootCertificate,
    RootKind,
)
from stations.models.charging_needs import ChargingNeeds
from stations.models.charging_profile import ChargingProfile
from stations.models.command import Command
from stations.models.configuration import (
    ConfigurationRun,
    ConfigurationTemplate,
    Provisioning,
    Setting,
)
from stations.models.customer_information import CustomerInformationPart, CustomerInquiry
from stations.models.der_control import DerControl
from stations.models.display import DisplayMessage, ShownCost, StationTariff
from stations.models.event import Event
from stations.models.file_ticket import FileTicket
from stations.models.firmware import FirmwareImage, FirmwareStep, FirmwareUpdate, Publication
from stations.models.hour import Hour
from stations.models.id_token import IdToken, TokenRules
from stations.models.installed_profile import InstalledProfile, SmartCharging
from stations.models.journal import Batch, LoggedMessage, Message, Node
from stations.models.local_list import Abilities, LocalList
from stations.models.log_request import LogRequest
from stations.models.meter_key import MeterKey, SignedCheck
from stations.models.monitor import DefaultMonitor, Monitor, MonitorType
from stations.models.orphan import Orphan
from stations.models.paying import Settlement, WebPayments
from stations.models.quirk import Quirk
from stations.models.reading import Reading
from stations.models.reservation import Reservation
from stations.models.session import Session
from stations.models.signed_value import SignedValue
from stations.models.site import Site
from stations.models.station import Connector, Evse, PendingStation, State, Station
from stations.models.station_import import StationImport

__all__ = [
    "AvailabilityPlan",
    "Authority",
    "Abilities",
    "Batch",
    "BulkCommand",
    "ChargingNeeds",
    "Campaign",
    "CampaignStation",
    "Certificate",
    "CertificateUse",
    "ChargingProfile",
    "Command",
    "ConfigurationRun",
    "ConfigurationTemplate",
    "Connector",
    "DefaultMonitor",
    "DerControl",
    "CustomerInformationPart",
    "CustomerInquiry",
    "DisplayMessage",
    "Event",
    "Evse",
    "FileTicket",
    "FirmwareImage",
    "FirmwareStep",
    "FirmwareUpdate",
    "Hour",
    "IdToken",
    "InstalledProfile",
    "LogRequest",
    "LoggedMessage",
    "InstalledCertificate",
    "LocalList",
    "Message",
    "MeterKey",
    "Monitor",
    "MonitorType",
    "Node",
    "Orphan",
    "PendingStation",
    "Publication",
    "Provisioning",
    "Quirk",
    "Reading",
    "Reservation",
    "RootCertificate",
    "RootKind",
    "Session",
    "Setting",
    "Settlement",
    "ShownCost",
    "SignedCheck",
    "SignedValue",
    "Site",
    "SmartCharging",
    "State",
    "Station",
    "StationImport",
    "StationTariff",
    "TokenRules",
    "WebPayments",
]
