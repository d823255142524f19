"""OCPP 2.0.1 (edition 3): what each message of a station does. 2.1 adds to it in v21."""

from stations.ocpp.routing import Route, empty
from stations.ocpp.v16.security import security_event
from stations.ocpp.v201 import (
    authorization,
    availability,
    data_transfer,
    diagnostics,
    display,
    firmware,
    logs,
    plug_and_charge,
    provisioning,
    reservations,
    security,
    smart_charging,
    transactions,
)

VERSION = "2.0.1"

ROUTES = {
    "Authorize": Route(
        decide=authorization.authorize,
        slowly=plug_and_charge.authorize,
        slow_for=plug_and_charge.has_certificate,
        identifiers=("idToken.idToken",),
    ),
    "BootNotification": Route(together=provisioning.boot_notifications, before_boot=True),
    "ClearedChargingLimit": Route(answer=empty, later=smart_charging.charging_limit_cleared),
    "DataTransfer": Route(answer=data_transfer.answer, later=data_transfer.keep),
    "FirmwareStatusNotification": Route(answer=empty, later=firmware.status_notification),
    "Get15118EVCertificate": Route(slowly=plug_and_charge.ev_certificate),
    "GetCertificateStatus": Route(slowly=plug_and_charge.certificate_status),
    "Heartbeat": Route(answer=provisioning.heartbeat, durable=False),
    "LogStatusNotification": Route(answer=empty, later=logs.status_notification),
    "MeterValues": Route(answer=empty, facts=transactions.meter_facts),
    "NotifyChargingLimit": Route(answer=empty, later=smart_charging.charging_limit),
    "NotifyCustomerInformation": Route(answer=empty, later=logs.customer_part),
    "NotifyDisplayMessages": Route(answer=empty, later=display.notify_display_messages),
    "NotifyEVChargingNeeds": Route(decide=smart_charging.ev_needs),
    "NotifyEVChargingSchedule": Route(decide=smart_charging.ev_schedule),
    "NotifyEvent": Route(answer=empty, facts=diagnostics.event_facts, later=diagnostics.notify_event),
    "NotifyMonitoringReport": Route(answer=empty, later=diagnostics.monitoring_report),
    "NotifyReport": Route(answer=empty, later=provisioning.notify_report, before_boot=True, is_secret=True),
    "PublishFirmwareStatusNotification": Route(answer=empty, later=firmware.publish_status),
    "ReportChargingProfiles": Route(answer=empty, later=smart_charging.report_profiles),
    "ReservationStatusUpdate": Route(answer=empty, later=reservations.status_update),
    "SecurityEventNotification": Route(answer=empty, later=security_event, free_texts=("type", "techInfo")),
    "SignCertificate": Route(decide=security.sign_certificate),
    "StatusNotification": Route(answer=empty, facts=availability.status_facts),
    "TransactionEvent": Route(
        decide=transactions.transaction_event,
        decides=transactions.needs_decision,
        answer=empty,
        facts=transactions.transaction_facts,
        identifiers=("idToken.idToken",),
    ),
}
