"""The versions by name."""

from stations.ocpp import v16, v21, v201

ROUTES = {module.VERSION: module.ROUTES for module in (v16, v201, v21)}

SUBPROTOCOLS = {"ocpp1.6": "1.6", "ocpp2.0.1": "2.0.1", "ocpp2.1": "2.1"}
