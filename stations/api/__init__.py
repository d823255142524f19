"""The API's view of stations: one module per resource, three beats each: parse, call, render."""

from stations.api.availability_plans import AvailabilityPlans
from stations.api.bulk_commands import BulkCommands
from stations.api.certificates import Certificates, RootCertificates
from stations.api.charging_profiles import ChargingProfiles
from stations.api.commands import Commands
from stations.api.configuration import Configuration, ConfigurationRuns, ConfigurationTemplates
from stations.api.customer_inquiries import CustomerInquiries
from stations.api.display_messages import DisplayMessages
from stations.api.energy import InstalledProfiles, Monitors
from stations.api.events import Events
from stations.api.evses import Evses
from stations.api.firmware import Campaigns, FirmwareImages, FirmwareUpdates
from stations.api.id_tokens import IdTokens
from stations.api.local_lists import LocalLists
from stations.api.logs import Logs
from stations.api.messages import Messages
from stations.api.meter_keys import MeterKeys
from stations.api.readings import Readings
from stations.api.reservations import Reservations
from stations.api.series import Series
from stations.api.sessions import Sessions
from stations.api.settlements import Settlements
from stations.api.sites import Sites
from stations.api.stations import Stations

RESOURCES = {
    "sites": Sites,
    "stations": Stations,
    "evses": Evses,
    "id-tokens": IdTokens,
    "sessions": Sessions,
    "meter-keys": MeterKeys,
    "readings": Readings,
    "series": Series,
    "reservations": Reservations,
    "messages": Messages,
    "commands": Commands,
    "bulk-commands": BulkCommands,
    "availability-plans": AvailabilityPlans,
    "charging-profiles": ChargingProfiles,
    "installed-profiles": InstalledProfiles,
    "monitors": Monitors,
    "events": Events,
    "firmware-images": FirmwareImages,
    "firmware-updates": FirmwareUpdates,
    "firmware-campaigns": Campaigns,
    "logs": Logs,
    "configuration": Configuration,
    "configuration-runs": ConfigurationRuns,
    "configuration-templates": ConfigurationTemplates,
    "certificates": Certificates,
    "root-certificates": RootCertificates,
    "local-lists": LocalLists,
    "display-messages": DisplayMessages,
    "settlements": Settlements,
    "customer-inquiries": CustomerInquiries,
}
