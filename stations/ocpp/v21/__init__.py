"""OCPP 2.1: 2.0.1 and what it adds."""

from stations.ocpp import v201
from stations.ocpp.routing import Route, empty, rejected
from stations.ocpp.v21 import payment
from stations.ocpp.v201 import plug_and_charge

VERSION = "2.1"

ROUTES = v201.ROUTES | {
    "BatterySwap": Route(answer=empty, later=payment.battery_swap),
    "ClosePeriodicEventStream": Route(answer=empty),
    "GetCertificateChainStatus": Route(slowly=plug_and_charge.chain_status),
    "NotifyDERAlarm": Route(answer=empty),
    "NotifyDERStartStop": Route(answer=empty),
    "NotifyPriorityCharging": Route(answer=empty),
    "NotifySettlement": Route(decide=payment.notify_settlement),
    "OpenPeriodicEventStream": Route(answer=rejected),
    "PullDynamicScheduleUpdate": Route(answer=rejected),
    "ReportDERControl": Route(answer=empty),
    "VatNumberValidation": Route(answer=payment.vat_number_validation),
}
