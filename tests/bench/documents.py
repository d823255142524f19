"""Documents in bulk: a month's charges priced, invoiced and booked; exports; PDFs. Prints JSON, one object.

`python -m tests.bench.documents [CHARGES]`, with the bench portal's environment. Everything is made under an
operator of its own; a second process fills the tables, so that the memory measured is that of the run.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evportal.settings")

SLUG = "bench-documents"
#: So many charges a month has a customer.
CHARGES_EACH = 10
MONTH = datetime(2026, 6, 1, tzinfo=UTC)
PDFS = 40
OCPI = {
    "id": "BENCH",
    "currency": "EUR",
    "tax_included": "YES",
    "elements": [
        {
            "price_components": [
                {"type": "ENERGY", "price": 0.49, "vat": 19, "step_size": 1},
                {"type": "PARKING_TIME", "price": 6.0, "vat": 19, "step_size": 60},
            ]
        }
    ],
}


def fill(charges: int) -> None:
    """Customers who want one invoice a month, and ended charges that nobody has priced yet."""
    from billing.models import Account, Cdr, Tariff, TariffVersion
    from evportal.accounts.models import Operator, User
    from stations.models import Evse, Session, Site, Station

    operator = Operator.objects.create(slug=SLUG, name="Bench", party_id="BEN", vat_id="DE123456788")
    site = Site.objects.create(operator=operator, slug=SLUG, name="Bench", latitude=52, longitude=13)
    station = Station(site=site, name="Bench", identity=SLUG)
    station.set_password("a password of the bench")
    station.save()
    evse = Evse.objects.create(station=station, number=1, public_id="DE*BEN*E1")
    version = TariffVersion.objects.create(
        tariff=Tariff.objects.create(operator=operator, name="Bench"), number=1, valid_from=MONTH, ocpi=OCPI
    )
    for first in range(0, charges, 5000):
        count = min(5000, charges - first)
        people = User.objects.bulk_create(
            User(email=f"bench{first}-{n}@example.invalid", name=f"Driver {n}", password="!")
            for n in range((count + CHARGES_EACH - 1) // CHARGES_EACH)
        )
        Account.objects.bulk_create(
            Account(user=user, name=user.name, country="DE", invoicing="monthly") for user in people
        )
        sessions = Session.objects.bulk_create(
            Session(
                station=station,
                evse=evse,
                user=people[n // CHARGES_EACH],
                transaction_id=str(first + n),
                start_key=f"bench:{uuid.uuid4()}",
                started_at=(at := MONTH + timedelta(seconds=20 * (first + n) % 2_000_000)),
                stopped_at=at + timedelta(minutes=30),
                start_received_at=at,
                stop_received_at=at + timedelta(minutes=30),
                meter_start_wh=1000,
                meter_stop_wh=11_000 + n,
                energy_wh=10_000 + n,
            )
            for n in range(count)
        )
        Cdr.objects.bulk_create(Cdr(session=session, version=version, currency="EUR") for session in sessions)


def price(operator) -> None:
    """As `bill` prices one charge, without asking a payment provider: it is billed by the month."""
    from billing import prices, pricing
    from billing.lines import to_json
    from billing.models import Cdr

    batch = []
    waiting = Cdr.objects.filter(state="open", session__station__site__operator=operator)
    waiting = waiting.select_related("version", "session__evse", "session__station__site")
    versions: dict[int, object] = {}
    for cdr in waiting.iterator(chunk_size=1000):
        version = versions.setdefault(cdr.version_id, cdr.version)
        priced = pricing.price(prices.tariff(version), prices.usage(cdr.session))
        cdr.lines, cdr.state = to_json(priced), "on_account"
        cdr.net, cdr.tax, cdr.gross = priced.net, priced.tax, priced.gross
        batch.append(cdr)
        if len(batch) == 1000:
            Cdr.objects.bulk_update(batch, ["lines", "state", "net", "tax", "gross"], batch_size=500)
            batch.clear()
    Cdr.objects.bulk_update(batch, ["lines", "state", "net", "tax", "gross"], batch_size=500)


def rss() -> float:
    """The most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run() -> dict:
    from billing import documents
    from billing.actions import monthly
    from billing.models import Invoice, InvoiceLine
    from evportal.accounts.models import Operator

    operator = Operator.objects.get(slug=SLUG)
    found = {"before_mb": rss()}
    started = time.perf_counter()
    price(operator)
    found["priced_s"] = time.perf_counter() - started
    issued = monthly.bill_month(operator=operator, month=MONTH.date())
    found |= {"month_s": time.perf_counter() - started, "month_mb": rss(), "issued": issued}
    lines = InvoiceLine.objects.filter(invoice__operator=operator)
    assert sum(lines.values_list("gross", flat=True)) == sum(
        Invoice.objects.filter(operator=operator).values_list("gross", flat=True)
    )
    rows = Invoice.objects.filter(operator=operator).with_place()[:PDFS]
    started = time.perf_counter()
    for invoice in rows:
        documents.pdf(invoice)
    found["pdf_per_s"] = len(rows) / (time.perf_counter() - started)
    return found


def export(rows: int, format: str) -> dict:
    """A table of so many lines: the month's documents again and again, each row new from the database."""
    import itertools
    import tempfile

    from billing.exports import filters, sheets
    from billing.exports.tables import TABLES, Control
    from evportal.accounts.models import Operator

    operator, table = Operator.objects.get(slug=SLUG), TABLES["invoices"]

    def endless():
        while True:
            yield from table.rows(filters.documents(operator, {}), Control())

    started = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        wanted = itertools.islice(endless(), rows)
        if format == "csv":
            sheets.write_csv(out, table.head, wanted)
        else:
            sheets.write_xlsx(out, "invoices", table.head, wanted)
        out.seek(0)
        digest = hashlib.file_digest(out, "sha256").hexdigest()
    return {f"{format}_s": time.perf_counter() - started, f"{format}_mb": rss(), "sha256": digest}


def main(charges: int) -> dict:
    found: dict = {"charges": charges}
    for part in ("fill", "run", "csv", "xlsx"):
        out = subprocess.run(
            [sys.executable, "-m", "tests.bench.documents", part, str(charges)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        found |= json.loads(out or "{}")
    return found


if __name__ == "__main__":
    words = sys.argv[1:]
    if len(words) == 2:
        import django

        django.setup()
        number = int(words[1])
        match words[0]:
            case "fill":
                fill(number)
            case "run":
                sys.stdout.write(json.dumps(run(), default=str))
            case kind:
                sys.stdout.write(json.dumps(export(number, kind)))
    else:
        sys.stdout.write(json.dumps(main(int(words[0]) if words else 100_000), default=str) + "\n")
