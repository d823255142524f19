"""The Celery application: queues `telemetry`, `billing` and `default`, and the clock of the house."""

import os

from celery import Celery
from celery.signals import worker_process_init
from django.db.backends.signals import connection_created

from evportal.collector import seldom_collect
from evportal.embedded import manners

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evportal.settings")

app = Celery("evportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def be_nice(**_signal) -> None:
    seldom_collect()
    connection_created.connect(manners.follow)


# Every sweep finishes what a crash or a lost message left behind, so all of them run often and are cheap
# when there is nothing to do.
app.conf.beat_schedule = {
    "sweep-journal": {"task": "stations.tasks.sweep_journal", "schedule": 5.0},
    "expire-commands": {"task": "stations.tasks.expire_commands", "schedule": 10.0},
    "follow-availability": {"task": "stations.tasks.follow_availability", "schedule": 10.0},
    "sweep-bulk": {"task": "stations.tasks.sweep_bulk", "schedule": 30.0},
    "close-lost-sessions": {"task": "stations.tasks.close_lost_sessions", "schedule": 60.0},
    "roll-up": {"task": "stations.tasks.roll_up", "schedule": 60.0},
    "tend-limits": {"task": "stations.tasks.tend_limits", "schedule": 15.0},
    "drive-firmware": {"task": "stations.tasks.drive_firmware", "schedule": 10.0},
    "purge-files": {"task": "stations.tasks.purge_files", "schedule": 3600.0},
    "sign-certificates": {"task": "stations.tasks.sign_certificates", "schedule": 5.0},
    "renew-certificates": {"task": "stations.tasks.renew_certificates", "schedule": 3600.0},
    "ask-abilities": {"task": "stations.tasks.ask_abilities", "schedule": 15.0},
    "keep-local-lists": {"task": "stations.tasks.keep_local_lists", "schedule": 20.0},
    "keep-partitions": {"task": "stations.tasks.keep_partitions", "schedule": 3600.0},
    "expire-holds": {"task": "bookings.tasks.expire_holds", "schedule": 10.0},
    "turn-slots": {"task": "bookings.tasks.turn_slots", "schedule": 15.0},
    "rescue-bookings": {"task": "bookings.tasks.rescue_bookings", "schedule": 20.0},
    "keep-stop-times": {"task": "bookings.tasks.keep_stop_times", "schedule": 15.0},
    "follow-maintenance": {"task": "bookings.tasks.follow_maintenance", "schedule": 3600.0},
    "tend-waitlist": {"task": "bookings.waitlist.tasks.tend", "schedule": 15.0},
    "remind-drivers": {"task": "bookings.reminders.remind_drivers", "schedule": 20.0},
    "sweep-payments": {"task": "billing.tasks.sweep", "schedule": 15.0},
    "sweep-exports": {"task": "billing.tasks.sweep_exports", "schedule": 30.0},
    "bill-months": {"task": "billing.tasks.bill_months", "schedule": 21600.0},
    "erase-guests": {"task": "billing.tasks.erase_guests", "schedule": 21600.0},
    "book-missed": {"task": "billing.tasks.book_missed", "schedule": 600.0},
    "learn-provider": {"task": "billing.tasks.learn_provider", "schedule": 3600.0},
    "reconcile-payments": {"task": "billing.tasks.reconcile", "schedule": 3600.0},
    "tell-tariffs": {"task": "billing.tasks.tell_tariffs", "schedule": 60.0},
    "check-alerts": {"task": "monitoring.tasks.check_alerts", "schedule": 10.0},
    "manage-load": {"task": "monitoring.load.tasks.look_round", "schedule": 10.0},
    "follow-uptime": {"task": "monitoring.uptime.tasks.look_round", "schedule": 30.0},
    "roll-up-patterns": {"task": "monitoring.patterns.tasks.roll_up", "schedule": 60.0},
    "mail-reports": {"task": "monitoring.patterns.tasks.mail_reports", "schedule": 900.0},
    "deliver-notices": {"task": "monitoring.notices.tasks.look_round", "schedule": 10.0},
    "send-outbox": {"task": "evportal.outbox.tasks.send_pending", "schedule": 10.0},
}
