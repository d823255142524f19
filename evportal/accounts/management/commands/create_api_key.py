from django.core.management.base import BaseCommand, CommandError

from evportal.accounts.models import ApiKey, Operator, Role


class Command(BaseCommand):
    help = "Make an API key for an operator and print it, alone, once."

    def add_arguments(self, parser):
        parser.add_argument("--operator", required=True, help="the operator's slug")
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument("--name", default="command line")

    def handle(self, *, operator, role, name, **options):
        try:
            tenant = Operator.objects.get(slug=operator)
        except Operator.DoesNotExist:
            known = ", ".join(Operator.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no operator “{operator}”. Known: {known}.") from None
        key, _row = ApiKey.issue(operator=tenant, role=role, name=name)
        self.stdout.write(key)
