from django.urls import path, re_path

from stations import views
from stations.certificates import public
from stations.files import views as files

app_name = "stations"

urlpatterns = [
    path("", views.find, name="find"),
    path("files/firmware/<str:token>/<str:name>", files.firmware_file, name="firmware_file"),
    # Chargers add a name of their own to the address or leave out its last stroke.
    re_path(r"^files/upload/(?P<token>[\w-]{20,100})/?(?P<name>[^/]*)$", files.upload, name="upload"),
    path("s/<slug:slug>/", views.site, name="site"),
    path("ocsp/", public.responder, name="ocsp"),
    path("ocsp/<path:encoded>", public.responder, name="ocsp_get"),
    path("crl/<slug:purpose>.crl", public.revocation_list, name="crl"),
]
