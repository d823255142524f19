import json

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from evportal.demo import seed


class Command(BaseCommand):
    help = "Fill the database with the demo's network, people and tariffs; harmless when they are there."

    def add_arguments(self, parser):
        parser.add_argument("--print", action="store_true", help="print addresses and sign-ins as JSON")

    def handle(self, **options):
        if not settings.DEMO and not settings.EMBEDDED:
            raise CommandError(
                "The demo's people have known passwords. Set DEMO=1 if you really want them here."
            )
        seed.seed(data=settings.DATA)
        if options["print"]:
            self.stdout.write(json.dumps(seed.sign_ins(), indent=1))
