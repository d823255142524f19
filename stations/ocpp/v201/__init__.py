"""OCPP 2.0.1 (edition 3): what each message of a station does. 2.1 adds to it in v21."""

from stations.ocpp.routing import Route, empty, rejected
from stations.ocpp.v201 import (
    authorization,
    availability,
    data_transfer,
    diagnostics,
    provisioning,
    security,
    smart_charging,
    transactions,
)

VERSION = "2.0.1"

ROUTES = {
    "Authorize": Route(decide=authorization.authorize),
    "BootNotification": Route(decide=provisioning.boot_notification, before_boot=True),
    "ClearedChargingLimit": Route(answer=empty, later=smart_charging.charging_limit_cleared),
    "DataTransfer": Route(answer=data_transfer.data_transfer),
    "FirmwareStatusNotification": Route(answer=empty),
    "Get15118EVCertificate": Route(answer=security.no_certificate),
    "GetCertificateStatus": Route(answer=security.failed),
    "Heartbeat": Route(answer=provisioning.heartbeat, durable=False),
    "LogStatusNotification": Route(answer=empty),
    "MeterValues": Route(answer=empty, facts=transactions.meter_facts),
    "NotifyChargingLimit": Route(answer=empty, later=smart_charging.charging_limit),
    "NotifyCustomerInformation": Route(answer=empty),
    "NotifyDisplayMessages": Route(answer=empty),
    "NotifyEVChargingNeeds": Route(decide=smart_charging.ev_needs),
    "NotifyEVChargingSchedule": Route(decide=smart_charging.ev_schedule),
    "NotifyEvent": Route(answer=empty, facts=diagnostics.event_facts, later=diagnostics.notify_event),
    "NotifyMonitoringReport": Route(answer=empty, later=diagnostics.monitoring_report),
    "NotifyReport": Route(answer=empty, before_boot=True),
    "PublishFirmwareStatusNotification": Route(answer=empty),
    "ReportChargingProfiles": Route(answer=empty, later=smart_charging.report_profiles),
    "ReservationStatusUpdate": Route(answer=empty),
    "SecurityEventNotification": Route(answer=empty),
    "SignCertificate": Route(answer=rejected),
    "StatusNotification": Route(answer=empty, facts=availability.status_facts),
    "TransactionEvent": Route(
        decide=transactions.transaction_event,
        decides=transactions.needs_decision,
        answer=empty,
        facts=transactions.transaction_facts,
    ),
}
