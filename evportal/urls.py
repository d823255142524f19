"""Every address of the portal; each app keeps its own list."""

from django.contrib import admin
from django.urls import include, path

from evportal import health, metrics
from evportal.accounts import language

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("evportal.api")),
    path("accounts/", include("allauth.urls")),
    # Without a namespace, as Django's own templates name it.
    path("language/", language.choose, name="set_language"),
    path("", include("evportal.accounts.urls")),
    path("", include("evportal.outbox.urls")),
    path("", include("stations.urls")),
    path("", include("bookings.urls")),
    path("", include("billing.urls")),
    path("", include("monitoring.urls")),
]

handler400 = "evportal.errors.bad_request"
handler403 = "evportal.errors.forbidden"
handler404 = "evportal.errors.not_found"
handler500 = "evportal.errors.server_error"
