"""Take in a charger that called before anybody had entered it."""

from __future__ import annotations

import secrets

from django.db import transaction

from stations import registry
from stations.models import Connector, PendingStation, Site, Station


@transaction.atomic
def adopt(
    *, pending: PendingStation, site: Site, name: str, evses: int, standard: str, power_kw: int
) -> tuple[Station, str] | None:
    """The new station and its password, which can't be read again; None if somebody was faster."""
    if not PendingStation.objects.filter(pk=pending.pk).select_for_update().exists():
        return None
    if Station.objects.filter(identity=pending.identity).exists():
        return None
    # 32 characters: within the 16 to 40 that OCPP allows for a basic auth password.
    password = secrets.token_hex(16)
    is_dc = standard in DC
    connector = {
        "standard": standard,
        "format": Connector.Format.CABLE if is_dc else Connector.Format.SOCKET,
        "power_type": Connector.PowerType.DC if is_dc else Connector.PowerType.AC_3_PHASE,
    }
    station = registry.add(
        site=site,
        identity=pending.identity,
        name=name,
        password=password,
        evses=[
            {"number": number, "max_power_w": power_kw * 1000, "connectors": [connector]}
            for number in range(1, evses + 1)
        ],
    )
    return station, password


DC = {
    Connector.Standard.CCS2,
    Connector.Standard.CCS1,
    Connector.Standard.CHADEMO,
    Connector.Standard.NACS,
    Connector.Standard.GBT_DC,
}
