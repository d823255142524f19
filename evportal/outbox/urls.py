from django.conf import settings
from django.urls import path

from evportal.outbox import views

app_name = "outbox"

urlpatterns = [path("demo/mail/", views.sent, name="sent")] if settings.DEMO else []
