"""The API's view of stations: one module per resource, three beats each: parse, call, render."""

from stations.api.availability_plans import AvailabilityPlans
from stations.api.bulk_commands import BulkCommands
from stations.api.charging_profiles import ChargingProfiles
from stations.api.commands import Commands
from stations.api.evses import Evses
from stations.api.id_tokens import IdTokens
from stations.api.messages import Messages
from stations.api.readings import Readings
from stations.api.reservations import Reservations
from stations.api.sessions import Sessions
from stations.api.sites import Sites
from stations.api.stations import Stations

RESOURCES = {
    "sites": Sites,
    "stations": Stations,
    "evses": Evses,
    "id-tokens": IdTokens,
    "sessions": Sessions,
    "readings": Readings,
    "reservations": Reservations,
    "messages": Messages,
    "commands": Commands,
    "bulk-commands": BulkCommands,
    "availability-plans": AvailabilityPlans,
    "charging-profiles": ChargingProfiles,
}
