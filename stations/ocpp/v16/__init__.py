"""OCPP 1.6 (edition 2, with the security extensions): what each message of a station does."""

from stations.ocpp.routing import Route, empty
from stations.ocpp.v16 import (
    authorization,
    availability,
    data_transfer,
    firmware,
    logs,
    provisioning,
    security,
    transactions,
)

VERSION = "1.6"

ROUTES = {
    "Authorize": Route(decide=authorization.authorize, identifiers=("idTag",)),
    "BootNotification": Route(
        together=provisioning.boot_notifications,
        before_boot=True,
        free_texts=("chargePointVendor", "chargePointModel", "firmwareVersion", "chargePointSerialNumber"),
    ),
    "DataTransfer": Route(answer=data_transfer.answer, later=data_transfer.keep),
    "DiagnosticsStatusNotification": Route(answer=empty, later=logs.status_notification),
    "FirmwareStatusNotification": Route(answer=empty, later=firmware.status_notification),
    "Heartbeat": Route(answer=provisioning.heartbeat, durable=False),
    "LogStatusNotification": Route(answer=empty, later=logs.status_notification),
    "MeterValues": Route(answer=empty, facts=transactions.meter_facts),
    "SecurityEventNotification": Route(
        answer=empty, later=security.security_event, free_texts=("type", "techInfo")
    ),
    "SignCertificate": Route(decide=security.sign_certificate),
    "SignedFirmwareStatusNotification": Route(answer=empty, later=firmware.status_notification),
    "StartTransaction": Route(decide=transactions.start_transaction, identifiers=("idTag",)),
    "StatusNotification": Route(
        answer=empty, facts=availability.status_facts, free_texts=("info", "vendorId", "vendorErrorCode")
    ),
    "StopTransaction": Route(
        decide=transactions.stop_transaction, facts=transactions.stop_facts, identifiers=("idTag",)
    ),
}
