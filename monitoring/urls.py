"""The operator's pages, in a namespace of their own: `ops:wallboard`."""

from django.urls import include, path

from monitoring.views import (
    alerts,
    board,
    campaigns,
    charger,
    chargers,
    commands,
    customers,
    firmware,
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
    path("chargers/<int:pk>/firmware/", firmware.firmware, name="charger_firmware"),
    path("chargers/<int:pk>/firmware/update/", firmware.update, name="charger_update"),
    path("chargers/<int:pk>/firmware/publish/", firmware.publish, name="charger_publish"),
    path("chargers/<int:pk>/firmware/log/", firmware.ask_log, name="charger_log"),
    path("chargers/<int:pk>/do/<slug:verb>/", commands.do, name="charger_do"),
    path("chargers/<int:pk>/call/", commands.choose, name="call_choose"),
    path("chargers/<int:pk>/call/<slug:action>/", commands.call, name="call"),
    path("commands/<uuid:pk>/", commands.command, name="command"),
    path("firmware/", campaigns.firmware, name="firmware"),
    path("firmware/images/new/", campaigns.new_image, name="firmware_new"),
    path("firmware/images/<int:pk>/retire/", campaigns.retire_image, name="firmware_retire"),
    path("firmware/campaigns/new/", campaigns.new, name="campaign_new"),
    path("firmware/campaigns/<int:pk>/", campaigns.campaign, name="campaign"),
    path("firmware/campaigns/<int:pk>/<slug:verb>/", campaigns.act, name="campaign_act"),
    path("firmware/publications/<int:pk>/withdraw/", firmware.withdraw, name="publication_withdraw"),
    path("logs/<int:pk>/file", firmware.log_file, name="log_file"),
    path("customers/", customers.customers, name="customers"),
    path("customers/<int:pk>/show/", customers.show, name="customer_show"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("sessions/<uuid:pk>/", sessions.session, name="session"),
    path("alerts/", alerts.alerts, name="alerts"),
    path("alerts/<int:pk>/acknowledge/", alerts.acknowledge, name="alert_acknowledge"),
    path("pending/", pending.pending, name="pending"),
    path("pending/<int:pk>/", pending.adopt_station, name="adopt"),
]

urlpatterns = [path("ops/", include((ops, "ops")))]
