"""OCPP 2.1: 2.0.1 and what it adds."""

from stations.ocpp import v201
from stations.ocpp.routing import Route, empty
from stations.ocpp.v21 import energy

VERSION = "2.1"

ROUTES = v201.ROUTES | {
    "BatterySwap": Route(answer=empty),
    "ClosePeriodicEventStream": Route(decide=energy.close_stream),
    "GetCertificateChainStatus": Route(answer=lambda incoming: {"certificateStatus": []}),
    "NotifyDERAlarm": Route(answer=empty, later=energy.der_alarm),
    "NotifyDERStartStop": Route(answer=empty, later=energy.der_start_stop),
    "NotifyPeriodicEventStream": Route(answer=empty, later=energy.stream, unanswered=True),
    "NotifyPriorityCharging": Route(answer=empty, later=energy.priority_charging),
    "NotifySettlement": Route(answer=empty),
    "NotifyWebPaymentStarted": Route(answer=empty),
    "OpenPeriodicEventStream": Route(decide=energy.open_stream),
    "PullDynamicScheduleUpdate": Route(decide=energy.pull_dynamic_schedule),
    "ReportDERControl": Route(answer=empty, later=energy.der_report),
    "VatNumberValidation": Route(
        answer=lambda incoming: {"status": "Rejected", "vatNumber": incoming.payload["vatNumber"]}
    ),
}
