"""The operator's pages, in a namespace of their own: `ops:wallboard`."""

from django.urls import include, path

from monitoring.views import (
    alerts,
    board,
    certificates,
    charger,
    chargers,
    commands,
    configuration,
    display,
    fleet_configuration,
    pending,
    sessions,
)

ops = [
    path("", board.wallboard, name="wallboard"),
    path("chargers/", chargers.chargers, name="chargers"),
    path("chargers/<int:pk>/", charger.charger, name="charger"),
    path("chargers/<int:pk>/sessions/", charger.sessions, name="charger_sessions"),
    path("chargers/<int:pk>/messages/", charger.messages, name="charger_messages"),
    path("chargers/<int:pk>/messages.csv", charger.messages_csv, name="charger_messages_csv"),
    path("chargers/<int:pk>/history/", charger.history, name="charger_history"),
    path("chargers/<int:pk>/certificates/", certificates.charger_certificates, name="charger_certificates"),
    path("chargers/<int:pk>/display/", display.charger_display, name="charger_display"),
    path("chargers/<int:pk>/do/<slug:verb>/", commands.do, name="charger_do"),
    path("chargers/<int:pk>/call/", commands.choose, name="call_choose"),
    path("chargers/<int:pk>/call/<slug:action>/", commands.call, name="call"),
    path("chargers/<int:pk>/config/", configuration.config, name="charger_config"),
    path("chargers/<int:pk>/config/set/", configuration.change, name="config_set"),
    path("chargers/<int:pk>/config/do/<slug:verb>/", configuration.do, name="config_do"),
    path("configuration/", fleet_configuration.overview, name="configuration"),
    path("configuration/apply/", fleet_configuration.apply, name="configuration_apply"),
    path("configuration/bulk/<uuid:bulk>/", fleet_configuration.bulk, name="configuration_bulk"),
    path("configuration/runs/<int:pk>/", configuration.run, name="configuration_run"),
    path("configuration/templates/new/", fleet_configuration.template, name="template_new"),
    path("configuration/templates/<int:pk>/", fleet_configuration.template, name="template"),
    path("configuration/templates/<int:pk>/delete/", fleet_configuration.delete, name="template_delete"),
    path("certificates/", certificates.overview, name="certificates"),
    path("certificates/<int:pk>/revoke/", certificates.revoke, name="certificate_revoke"),
    path("certificates/authorities/<slug:purpose>.pem", certificates.authority, name="authority_pem"),
    path("certificates/roots/add/", certificates.add_root, name="root_add"),
    path("certificates/roots/<int:pk>/delete/", certificates.delete_root, name="root_delete"),
    path("commands/<uuid:pk>/", commands.command, name="command"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("sessions/<uuid:pk>/", sessions.session, name="session"),
    path("alerts/", alerts.alerts, name="alerts"),
    path("alerts/<int:pk>/acknowledge/", alerts.acknowledge, name="alert_acknowledge"),
    path("pending/", pending.pending, name="pending"),
    path("pending/<int:pk>/", pending.adopt_station, name="adopt"),
]

urlpatterns = [path("ops/", include((ops, "ops")))]
