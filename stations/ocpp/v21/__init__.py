"""OCPP 2.1: 2.0.1 and what it adds."""

from dataclasses import replace

from stations.ocpp import v201
from stations.ocpp.routing import Route, empty
from stations.ocpp.v21 import energy, payment, transactions
from stations.ocpp.v201 import plug_and_charge

VERSION = "2.1"

ROUTES = v201.ROUTES | {
    "BatterySwap": Route(answer=empty, later=payment.battery_swap),
    "ClosePeriodicEventStream": Route(decide=energy.close_stream),
    "GetCertificateChainStatus": Route(slowly=plug_and_charge.chain_status),
    "NotifyDERAlarm": Route(answer=empty, later=energy.der_alarm),
    "NotifyDERStartStop": Route(answer=empty, later=energy.der_start_stop),
    "NotifyPeriodicEventStream": Route(answer=empty, later=energy.stream, unanswered=True),
    "NotifyPriorityCharging": Route(answer=empty, later=energy.priority_charging),
    "NotifySettlement": Route(decide=payment.notify_settlement),
    "OpenPeriodicEventStream": Route(decide=energy.open_stream),
    "PullDynamicScheduleUpdate": Route(decide=energy.pull_dynamic_schedule),
    "ReportDERControl": Route(answer=empty, later=energy.der_report),
    "TransactionEvent": replace(
        v201.ROUTES["TransactionEvent"],
        decide=transactions.transaction_event,
        decides=transactions.needs_decision,
    ),
    "VatNumberValidation": Route(answer=payment.vat_number_validation),
}
