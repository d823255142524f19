"""The operator's pages, in a namespace of their own: `ops:wallboard`."""

from django.urls import include, path

from monitoring.views import alerts, board, charger, chargers, commands, orphans, pending, sessions

ops = [
    path("", board.wallboard, name="wallboard"),
    path("chargers/", chargers.chargers, name="chargers"),
    path("chargers/<int:pk>/", charger.charger, name="charger"),
    path("chargers/<int:pk>/sessions/", charger.sessions, name="charger_sessions"),
    path("chargers/<int:pk>/messages/", charger.messages, name="charger_messages"),
    path("chargers/<int:pk>/messages.csv", charger.messages_csv, name="charger_messages_csv"),
    path("chargers/<int:pk>/history/", charger.history, name="charger_history"),
    path("chargers/<int:pk>/do/<slug:verb>/", commands.do, name="charger_do"),
    path("chargers/<int:pk>/call/", commands.choose, name="call_choose"),
    path("chargers/<int:pk>/call/<slug:action>/", commands.call, name="call"),
    path("commands/<uuid:pk>/", commands.command, name="command"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("sessions/orphans/", orphans.orphans, name="orphans"),
    path("sessions/orphans/<int:pk>/", orphans.orphan, name="orphan"),
    path("sessions/<uuid:pk>/", sessions.session, name="session"),
    path("alerts/", alerts.alerts, name="alerts"),
    path("alerts/<int:pk>/acknowledge/", alerts.acknowledge, name="alert_acknowledge"),
    path("pending/", pending.pending, name="pending"),
    path("pending/<int:pk>/", pending.adopt_station, name="adopt"),
]

urlpatterns = [path("ops/", include((ops, "ops")))]
