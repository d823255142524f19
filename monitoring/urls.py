"""The operator's pages, in a namespace of their own: `ops:wallboard`."""

from django.urls import include, path

from monitoring.views import alerts, board, bulk, charger, chargers, commands, pending, sessions

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
    path("commands/<uuid:pk>/cancel/", commands.cancel, name="command_cancel"),
    path("plans/<int:pk>/end/", commands.end_plan, name="plan_end"),
    path("bulk/", bulk.bulks_page, name="bulks"),
    path("bulk/new/", bulk.choose, name="bulk_choose"),
    path("bulk/new/<slug:kind>/", bulk.new, name="bulk_new"),
    path("bulk/new/<str:version>/<slug:action>/", bulk.call, name="bulk_call"),
    path("bulk/<uuid:pk>/", bulk.bulk, name="bulk"),
    path("bulk/<uuid:pk>/retry/", bulk.retry, name="bulk_retry"),
    path("bulk/<uuid:pk>/cancel/", bulk.cancel, name="bulk_cancel"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("sessions/<uuid:pk>/", sessions.session, name="session"),
    path("alerts/", alerts.alerts, name="alerts"),
    path("alerts/<int:pk>/acknowledge/", alerts.acknowledge, name="alert_acknowledge"),
    path("pending/", pending.pending, name="pending"),
    path("pending/<int:pk>/", pending.adopt_station, name="adopt"),
]

urlpatterns = [path("ops/", include((ops, "ops")))]
