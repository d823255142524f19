"""OCPP 2.0.1 (edition 3): what each message of a station does. 2.1 adds to it in v21."""

from stations.ocpp.routing import Route, empty, rejected
from stations.ocpp.v201 import (
    authorization,
    availability,
    data_transfer,
    diagnostics,
    display,
    provisioning,
    security,
    transactions,
)

VERSION = "2.0.1"

ROUTES = {
    "Authorize": Route(decide=authorization.authorize, identifiers=("idToken.idToken",)),
    "BootNotification": Route(decide=provisioning.boot_notification, before_boot=True),
    "ClearedChargingLimit": Route(answer=empty),
    "DataTransfer": Route(answer=data_transfer.answer, later=data_transfer.keep),
    "FirmwareStatusNotification": Route(answer=empty),
    "Get15118EVCertificate": Route(answer=security.no_certificate),
    "GetCertificateStatus": Route(answer=security.failed),
    "Heartbeat": Route(answer=provisioning.heartbeat, durable=False),
    "LogStatusNotification": Route(answer=empty),
    "MeterValues": Route(answer=empty, facts=transactions.meter_facts),
    "NotifyChargingLimit": Route(answer=empty),
    "NotifyCustomerInformation": Route(answer=empty),
    "NotifyDisplayMessages": Route(answer=empty, later=display.notify_display_messages),
    "NotifyEVChargingNeeds": Route(answer=rejected),
    "NotifyEVChargingSchedule": Route(answer=rejected),
    "NotifyEvent": Route(answer=empty, facts=diagnostics.event_facts),
    "NotifyMonitoringReport": Route(answer=empty),
    "NotifyReport": Route(answer=empty, before_boot=True),
    "PublishFirmwareStatusNotification": Route(answer=empty),
    "ReportChargingProfiles": Route(answer=empty),
    "ReservationStatusUpdate": Route(answer=empty),
    "SecurityEventNotification": Route(answer=empty),
    "SignCertificate": Route(answer=rejected),
    "StatusNotification": Route(answer=empty, facts=availability.status_facts),
    "TransactionEvent": Route(
        decide=transactions.transaction_event,
        decides=transactions.needs_decision,
        answer=empty,
        facts=transactions.transaction_facts,
        identifiers=("idToken.idToken",),
    ),
}
