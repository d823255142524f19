from django.apps import AppConfig


class BookingsConfig(AppConfig):
    name = "bookings"
    verbose_name = "Bookings"

    def ready(self):
        from bookings import receivers, reminders  # noqa: F401
        from bookings.waitlist import receivers as _queue  # noqa: F401
