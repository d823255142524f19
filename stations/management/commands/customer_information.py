"""Ask every 2.x charger where a driver charged what it keeps about them, or have it forget them."""

from django.core.management.base import BaseCommand, CommandError

from evportal.accounts.models import User
from stations import customer_information


class Command(BaseCommand):
    help = "Ask the chargers where a driver charged what they keep about them, or to forget them."

    def add_arguments(self, parser):
        parser.add_argument("--email", required=True, help="of the driver's account")
        parser.add_argument("--report", action="store_true", help="let the chargers tell")
        parser.add_argument("--clear", action="store_true", help="let the chargers forget")

    def handle(self, *, email, report, clear, **options):
        if report == clear:
            raise CommandError("Say --report or --clear.")
        person = User.objects.filter(email__iexact=email).first()
        if person is None:
            raise CommandError("Nobody has an account with this e-mail address.")
        ask = customer_information.clear if clear else customer_information.report
        asked = ask(user=person, reason="asked by command")
        self.stdout.write(f"{len(asked)} asked; what becomes of it is shown at /ops/customers/")
