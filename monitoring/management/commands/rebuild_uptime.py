from django.core.management.base import BaseCommand, CommandError

from monitoring.uptime import ledger
from stations.models import Evse


class Command(BaseCommand):
    help = "Make the ledger of outages anew from the history of EVSEs' conditions; harmless to repeat."

    def add_arguments(self, parser):
        parser.add_argument("--evse", action="append", metavar="PUBLIC_ID", help="only these EVSEs")

    def handle(self, **options):
        pks = None
        if options["evse"]:
            pks = []
            for public_id in options["evse"]:
                found = Evse.objects.for_public_id(public_id).first()
                if found is None:
                    raise CommandError(f"There is no EVSE {public_id}.")
                pks.append(found.pk)
        kept, changed = ledger.rebuild(evse_ids=pks)
        self.stdout.write(f"{kept} outages were right, {changed} were put right.")
