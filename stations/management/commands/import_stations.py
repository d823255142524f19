"""Enter an operator's sites and chargers from a CSV or XLSX file."""

import os
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError

from evportal.accounts.access import Access
from evportal.accounts.audit import acting
from evportal.accounts.models import Operator
from stations.importing import actions, columns, known, planning, sheet, tables
from stations.importing.planning import CHANGE, CREATE, SAME


class Command(BaseCommand):
    help = "Enter sites, chargers, EVSEs and connectors from a CSV or XLSX file: all of it, or nothing."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument("--operator", required=True, help="its slug")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
        parser.add_argument(
            "--passwords",
            type=Path,
            help="a new file for the new chargers' passwords; needed where there are any",
        )

    def handle(self, *, file, operator, dry_run, passwords, **options):
        owner = Operator.objects.filter(slug=operator).first()
        if owner is None:
            raise CommandError(f"There is no operator “{operator}”.")
        try:
            table = tables.read(file.read_bytes(), columns.is_known)
        except OSError as error:
            raise CommandError(f"{file} can't be read: {error.strerror}") from None
        except tables.Unreadable as error:
            raise CommandError(str(error)) from None
        plan = planning.plan(table, known.read(table, owner, Access(everything=True)))
        self.stdout.write(f"Read as {table.read_as}.")
        for heading, meant in plan.unknown:
            hint = f" Did you mean “{meant}”?" if meant else ""
            self.stdout.write(f"Column “{heading}” is not known and is left out.{hint}")
        if plan.problems:
            for problem in plan.problems:
                where = f"Row {problem.row}" + (f", {problem.column}" if problem.column else "")
                self.stderr.write(f"{where}: {problem.text}")
            raise CommandError(f"{len(plan.problems)} errors. Nothing was entered.")
        for step in plan.steps:
            if step.verb != SAME:
                changes = "; ".join(
                    f"{sheet.heading(step.level, n)}: {sheet.cell(n, a)} → {sheet.cell(n, b)}"
                    for n, (a, b) in step.changes.items()
                )
                name = " / ".join(str(part) for part in step.key)
                self.stdout.write(f"{step.verb} {step.level} {name}" + (f" ({changes})" if changes else ""))
        self.stdout.write(
            f"{plan.count(CREATE)} to create, {plan.count(CHANGE)} to change, {plan.count(SAME)} as they are."
        )
        if dry_run or not plan.does_something:
            return
        makes = plan.count(CREATE, "station")
        if makes and passwords is None:
            raise CommandError("New chargers get passwords: say --passwords FILE. Nothing was entered.")
        self._enter(plan, owner, passwords if makes else None)

    def _enter(self, plan, owner, path):
        target = None
        if path is not None:
            try:
                # Opened before anything is entered, for the eyes of who runs this alone.
                target = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
            except OSError as error:
                raise CommandError(f"{path} can't be made: {error.strerror}. Nothing was entered.") from None
        try:
            with acting.acting(acting.command("import_stations")):
                made = actions.enter(plan, owner)
        except IntegrityError:
            if target:
                target.close()
                path.unlink()
            raise CommandError(actions.NotAsShown.default) from None
        if target:
            with target:
                target.write(actions.passwords_as_csv(made))
            self.stdout.write(f"{len(made)} passwords are in {path}.")
        self.stdout.write("Entered.")
