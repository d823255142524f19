"""The API's view of stations: one module per resource, three beats each: parse, call, render."""

from stations.api.charging_profiles import ChargingProfiles
from stations.api.commands import Commands
from stations.api.evses import Evses
from stations.api.id_tokens import IdTokens
from stations.api.messages import Messages
from stations.api.readings import Readings
from stations.api.reservations import Reservations
from stations.api.series import Series
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
    "series": Series,
    "reservations": Reservations,
    "messages": Messages,
    "commands": Commands,
    "charging-profiles": ChargingProfiles,
}
