from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "monitoring"
    verbose_name = "Monitoring"

    def ready(self):
        from monitoring import events, receivers  # noqa: F401
        from monitoring.load import receivers as load_receivers  # noqa: F401
        from monitoring.notices import telling
        from monitoring.uptime import receivers as uptime_receivers  # noqa: F401

        telling.register()
