"""`make messages`: take the strings of drivers' pages and mails into the catalogues, and compile them.

Needs gettext's tools (xgettext, msgfmt); running the portal doesn't, because the compiled catalogues are
committed. What operators' people read is in English and left out. A string without a translation shows in
English.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: What drivers never see.
LEFT_OUT = (
    ".venv/*", ".data/*", "tests/*", "static/*", "monitoring/*", "templates/monitoring/*", "templates/fin/*",
    "templates/admin/*", "*/admin.py", "*/api/*", "*/api.py", "*/simulator/*", "evportal/demo/*",
    "evportal/run/*", "evportal/accounts/models.py", "stations/certificates/*", "stations/configuration/*",
    "stations/firmware/*", "stations/charging_profiles/*", "stations/files/*",
    "stations/display/*", "stations/ocpp/*", "stations/paying/*", "billing/views/fin.py",
    "templates/tariffs/*", "billing/forms_tariff.py", "billing/forms_plan.py", "billing/previews.py",
    "billing/actions/tariffs.py", "billing/actions/drafts.py", "billing/actions/price_groups.py",
    "billing/actions/selling_plans.py", "billing/actions/reconciliation.py", "billing/actions/disputes.py",
    "billing/actions/movements.py", "billing/models/reconciliation.py", "billing/models/dispute.py",
    "billing/models/provider.py", "billing/models/draft.py", "billing/models/price_group.py",
    "billing/views/tariffs.py", "billing/views/tariff_draft.py", "billing/views/tariff_people.py",
    "billing/views/selling_plans.py", "billing/views/disputes.py", "billing/views/payouts.py",
    "billing/views/reconciliation.py", "templates/billing/mail/di*",
    "stations/labels/*", "stations/importing/*", "evportal/accounts/audit/*", "evportal/admin_actions.py",
    "billing/exports/*", "billing/pricing/lint.py", "billing/pricing/plain.py", "billing/pricing/reading.py",
    "billing/models/tariff.py", "bookings/models/terms.py",
)  # fmt: skip
#: Of the modules of `stations`, those that drivers see.
SEEN = (
    "stations/exceptions.py",
    "stations/finding.py",
    "stations/forms.py",
    "stations/hours.py",
    "stations/models/id_token.py",
    "stations/models/station.py",
    "stations/naming.py",
    "stations/views.py",
)


def main() -> None:
    ignored = [f"--ignore={each}" for each in _patterns()]
    run = [
        sys.executable,
        "manage.py",
        "makemessages",
        "--all",
        "--no-location",
        "--no-wrap",
        "--no-obsolete",
    ]
    subprocess.run([*run, *ignored], cwd=ROOT, check=True)
    for catalogue in ROOT.glob("locale/*/LC_MESSAGES/django.po"):
        compiled = catalogue.with_suffix(".mo")
        subprocess.run(["msgfmt", "--check-format", "-o", compiled, catalogue], check=True)


def _patterns() -> list[str]:
    modules = [
        str(path.relative_to(ROOT))
        for folder in ("stations", "stations/models")
        for path in ROOT.glob(f"{folder}/*.py")
    ]
    return [*LEFT_OUT, *(each for each in modules if each not in SEEN)]


if __name__ == "__main__":
    main()
