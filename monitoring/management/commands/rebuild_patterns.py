from datetime import UTC, date, datetime, timedelta

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring.patterns import rollup


class Command(BaseCommand):
    help = "Reckon the hours and days of use anew, from sessions, readings and invoices; harmless to repeat."

    def add_arguments(self, parser):
        parser.add_argument("--days", type=int, default=400, help="how far back (400)")
        parser.add_argument("--since", type=date.fromisoformat, help="or from this day on, e.g. 2026-01-31")

    def handle(self, **options):
        now = timezone.now()
        since = now - timedelta(days=options["days"])
        if options["since"]:
            since = datetime.combine(options["since"], datetime.min.time(), UTC)
        if since >= now:
            raise CommandError("That begins in the future.")
        count = rollup.rebuild(since=since, until=now)
        rollup.roll_up_all()
        self.stdout.write(f"{count} hours were reckoned anew.")
