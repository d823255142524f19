"""The API's addresses: each app's resources behind one router, and the document that describes them."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.routers import DefaultRouter

import billing.api
import bookings.api
import monitoring.api
import stations.api
from evportal.rest import schema  # noqa: F401  how the two ways to sign in are described

router = DefaultRouter()
router.include_format_suffixes = False
for app in (stations, bookings, billing, monitoring):
    for name, resource in app.api.RESOURCES.items():
        router.register(name, resource, basename=name.removesuffix("s"))

app_name = "api"

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="api:schema"), name="docs"),
    *billing.api.FILES,
    path("", include(router.urls)),
]
