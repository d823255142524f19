from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "evportal.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self):
        # Loaded with Django, not with the package, so that @shared_task always finds this Celery app
        # while `evportal.embedded` and `evportal.money` stay importable without Celery.
        from evportal import celery  # noqa: F401
