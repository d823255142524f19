from django.urls import path

from stations import views

app_name = "stations"

urlpatterns = [
    path("", views.find, name="find"),
    path("s/<slug:slug>/", views.site, name="site"),
]
