"""Compare a day of the ledger with the payment provider's books, and print what differs."""

from datetime import UTC, date, timedelta

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from billing.actions import reconciliation
from billing.exceptions import ProviderDown
from billing.models import Reconciliation


class Command(BaseCommand):
    help = "Compares a day (UTC) with the payment provider's books; fails where a difference is open."

    def add_arguments(self, parser):
        parser.add_argument("--day", type=date.fromisoformat, help="2026-06-15; yesterday unless told")

    def handle(self, *args, day, **options):
        day = day or timezone.now().astimezone(UTC).date() - timedelta(days=1)
        try:
            found = reconciliation.reconcile_day(day=day)
        except ProviderDown as problem:
            raise CommandError(str(problem)) from problem
        for row in Reconciliation.objects.filter(day=day).select_related("operator"):
            self.stdout.write(
                f"{row.operator or 'nobody'} {row.currency}: {row.compared} movements, "
                f"theirs {row.theirs:f}, ours {row.ours:f}, open differences {row.differing:f}"
            )
        for each in found:
            self.stdout.write(
                f"{each.get_kind_display()}: {each.what} {each.object_id}, {each.amount:f} {each.currency}\n"
                f"  ours: {each.ours}\n  theirs: {each.theirs}\n  {each.advice}"
            )
        if found:
            raise CommandError(f"{len(found)} differences on {day}.")
