"""Book whatever the ledger lacks, from the beginning: once after an upgrade, and harmless again."""

from datetime import UTC, datetime

from django.core.management.base import BaseCommand

from billing.actions import missed


class Command(BaseCommand):
    help = "Books documents, charges and refunds that the ledger does not have yet."

    def handle(self, *args, **options):
        booked = missed.book_missed(since=datetime(2000, 1, 1, tzinfo=UTC))
        self.stdout.write(f"{booked} booked.")
