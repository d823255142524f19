from django.urls import path

from stations import views
from stations.certificates import public

app_name = "stations"

urlpatterns = [
    path("", views.find, name="find"),
    path("s/<slug:slug>/", views.site, name="site"),
    path("ocsp/", public.responder, name="ocsp"),
    path("ocsp/<path:encoded>", public.responder, name="ocsp_get"),
    path("crl/<slug:purpose>.crl", public.revocation_list, name="crl"),
]
