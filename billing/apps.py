from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = "Billing"

    def ready(self):
        from billing import at_charger, groups, moves, news, plans, receivers  # noqa: F401
        from billing.actions import plan_news
        from bookings import affected
        from stations import display, transaction_limits

        display.register_pricer(at_charger.price_of)
        transaction_limits.register_teller(at_charger.limit_to_tell)
        affected.register_pricer(moves.prices_at)
        groups.register(plans.groups_of, plans.names)
        news.register()
        plan_news.register()
