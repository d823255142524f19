"""The browsers' socket. Only pages of the portal may open it, with the visitor's own sign-in."""

from channels.auth import AuthMiddlewareStack
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from monitoring.consumer import LiveConsumer

websocket_urlpatterns = [
    path("live/", AllowedHostsOriginValidator(AuthMiddlewareStack(LiveConsumer.as_asgi()))),
]
