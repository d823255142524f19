"""Paying at the station (OCPP 2.1): codes on its display, its terminal's settlements."""

from stations.paying.settlements import claim, settle
from stations.paying.web import command_finished, payment_started, scanned, switch_off, switch_on

__all__ = ["claim", "command_finished", "payment_started", "scanned", "settle", "switch_off", "switch_on"]
