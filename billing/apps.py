from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = "Billing"

    def ready(self):
        from billing import at_charger, prices, receivers  # noqa: F401
        from bookings import overrun
        from stations import display

        display.register_pricer(at_charger.price_of)
        overrun.register_pricer(prices.slot_price)
