from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "evportal.demo"
    label = "demo"
