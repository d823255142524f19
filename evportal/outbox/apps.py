from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "evportal.outbox"
    label = "outbox"
