"""OCPP 2.1: 2.0.1 and what it adds."""

from stations.ocpp import v201
from stations.ocpp.routing import Route, empty, rejected

VERSION = "2.1"


def no_chain_status(incoming):
    """Answers without a status for any certificate of the chain."""
    return {"certificateStatus": []}


def unknown_vat_number(incoming):
    """Refuses the VAT number: the portal has nobody to ask about it."""
    return {"status": "Rejected", "vatNumber": incoming.payload["vatNumber"]}


ROUTES = v201.ROUTES | {
    "BatterySwap": Route(answer=empty),
    "ClosePeriodicEventStream": Route(answer=empty),
    "GetCertificateChainStatus": Route(answer=no_chain_status),
    "NotifyDERAlarm": Route(answer=empty),
    "NotifyDERStartStop": Route(answer=empty),
    "NotifyPriorityCharging": Route(answer=empty),
    "NotifySettlement": Route(answer=empty),
    "NotifyWebPaymentStarted": Route(answer=empty),
    "OpenPeriodicEventStream": Route(answer=rejected),
    "PullDynamicScheduleUpdate": Route(answer=rejected),
    "ReportDERControl": Route(answer=empty),
    "VatNumberValidation": Route(answer=unknown_vat_number),
}
