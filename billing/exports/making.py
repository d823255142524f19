"""Make an export's file: claimed by one worker, written in pieces, hashed, kept where no address leads."""

from __future__ import annotations

import hashlib
import logging
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, BinaryIO

from django.conf import settings
from django.core.files import File
from django.db import connection, transaction
from django.db.models import Max, Q
from django.utils import timezone

from billing import calendar, documents
from billing.actions import books
from billing.exceptions import ExportRefused
from billing.exports import datev, filters, sheets
from billing.exports.tables import TABLES, Control, read
from billing.invoicing import by_rate
from billing.models import DocumentEvent, Export, InvoiceLine
from evportal.accounts.models import Operator, User

log = logging.getLogger(__name__)
State = Export.State

#: kind → its formats, the first one by default.
KINDS = {
    "invoices": ("xlsx", "csv"),
    "journal": ("csv", "xlsx"),
    "vat": ("xlsx", "csv"),
    "revenue": ("xlsx", "csv"),
    "datev": ("zip",),
    "pdf": ("zip",),
    "ubl": ("zip",),
}
#: A worker that says nothing for so long is dead; another one begins anew.
CLAIM = timedelta(minutes=5)
#: Files in archives carry no time of day, or the same export twice would differ.
ZIP_TIME = (2020, 1, 1, 0, 0, 0)


@transaction.atomic
def create(*, operator: Operator, kind: str, format: str, params: dict[str, Any], by: User | None) -> Export:
    """Order a file. What there is to export now is fixed here; what is issued later is for another one."""
    from billing.tasks import make_export

    if format not in KINDS.get(kind, ()):
        raise ExportRefused(f"There is no {kind} as {format}.")
    found = filters.documents(operator, params)
    span = found.aggregate(last=Max("pk"))
    params = params | {"up_to": span["last"] or 0}
    found = filters.documents(operator, params)
    row = Export.objects.create(
        operator=operator,
        kind=kind,
        format=format,
        params=params,
        of=found.count(),
        name=_name(operator, kind, format, params),
        problems=datev_problems(operator, found) if kind == "datev" else [],
        created_by=by,
        expires_at=timezone.now() + timedelta(days=settings.EXPORT_KEEP_DAYS),
    )
    if row.problems:
        Export.objects.filter(pk=row.pk).update(state=State.FAILED, finished_at=timezone.now())
        row.refresh_from_db()
    else:
        transaction.on_commit(lambda: make_export.delay(str(row.pk)))
    return row


def _name(operator: Operator, kind: str, format: str, params: dict) -> str:
    span = "_".join(filter(None, (params.get("since"), params.get("until"))))
    return "_".join(filter(None, (operator.slug, kind, span))) + f".{format}"


def make(*, export_id) -> None:
    """Claimed by a conditional update: a second call, or a second worker, changes nothing."""
    now = timezone.now()
    waiting = Q(state=State.QUEUED) | Q(state=State.RUNNING, claimed_at__lt=now - CLAIM)
    if not Export.objects.filter(waiting, pk=export_id).update(state=State.RUNNING, claimed_at=now, done=0):
        return
    row = Export.objects.select_related("operator").get(pk=export_id)
    control = Control(progress=lambda done: _progress(row, done))
    try:
        with tempfile.TemporaryFile() as out:
            _write(row, out, control)
            _keep(row, out, control)
    except Exception as error:
        log.exception("Export %s failed", row.pk)
        sentence = str(error) if isinstance(error, ExportRefused | ValueError) else type(error).__name__
        Export.objects.filter(pk=row.pk).update(
            state=State.FAILED, problems=[sentence[:300]], finished_at=timezone.now()
        )


def _progress(row: Export, done: int) -> None:
    Export.objects.filter(pk=row.pk).update(done=done, claimed_at=timezone.now())


def _write(row: Export, out: BinaryIO, control: Control) -> None:
    found = filters.documents(row.operator, row.params)
    if row.kind in TABLES:
        table = TABLES[row.kind]
        rows = table.rows(found, control)
        if row.format == "csv":
            sheets.write_csv(out, table.head, rows)
        else:
            sheets.write_xlsx(out, row.kind, table.head, rows)
        return
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        if row.kind == "datev":
            _datev(row, found, archive, control)
        else:
            make_one = documents.pdf if row.kind == "pdf" else documents.ubl_xml
            ending = "pdf" if row.kind == "pdf" else "xml"
            for invoice in read(found, control):
                control.rows += 1
                _into(archive, f"{invoice.booked_on:%Y-%m}/{invoice.number}.{ending}", make_one(invoice))


def _into(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    # What is compressed already stays as it is: it would take time and save nothing.
    info = zipfile.ZipInfo(name.replace("..", "_").lstrip("/"), ZIP_TIME)
    kind = zipfile.ZIP_STORED if name.endswith(".pdf") else zipfile.ZIP_DEFLATED
    archive.writestr(info, content, compress_type=kind)


def datev_settings(operator: Operator) -> tuple[datev.Settings, dict]:
    kept = books.books_of(operator)
    accounts = {
        (row.country, row.category, row.vat_percent.normalize()): (row.account, row.bu_key)
        for row in kept.accounts.all()
    }
    chosen = datev.Settings(
        kept.consultant,
        kept.client,
        kept.receivables,
        kept.fiscal_year_month,
        kept.account_length,
        operator.currency,
    )
    return chosen, accounts


def datev_problems(operator: Operator, found) -> list[str]:
    """What has to be set before DATEV takes these documents."""
    chosen, accounts = datev_settings(operator)
    used = InvoiceLine.objects.filter(invoice__in=found.order_by().values("pk")).order_by()
    treatments = {
        (country, category, rate.normalize())
        for country, category, rate in used.values_list(
            "invoice__vat_country", "vat_category", "vat_percent"
        ).distinct()
    }
    currencies = set(found.order_by().values_list("currency", flat=True).distinct())
    return datev.problems(chosen, treatments, accounts, currencies)


def _datev(row: Export, found, archive: zipfile.ZipFile, control: Control) -> None:
    chosen, accounts = datev_settings(row.operator)
    # The newest document's moment, not the clock's: the same documents make the same file.
    newest = found.order_by().aggregate(at=Max("issued_at"))["at"] or datetime(2020, 1, 1)
    invoices = read(found, control)
    for month, group in groupby(invoices, key=lambda invoice: calendar.first_of(invoice.booked_on)):
        lines = datev.lines(chosen, accounts, month, _postings(group, control), made_at=newest)
        info = zipfile.ZipInfo(f"EXTF_Buchungsstapel_{month:%Y%m}.csv", ZIP_TIME)
        info.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(info, "w") as file:
            for line in lines:
                file.write(line)


def _postings(invoices, control: Control) -> Iterator[datev.Posting]:
    for invoice in invoices:
        for rate in by_rate(invoice.lines.all()):
            if not rate.gross:
                continue
            control.rows += 1
            yield datev.Posting(
                invoice.number,
                invoice.booked_on,
                invoice.supplied_on,
                rate.gross,
                (invoice.vat_country, rate.vat_category, rate.vat_percent),
                ", ".join(filter(None, (invoice.buyer.get("name"), invoice.details.get("site")))),
                invoice.buyer.get("vat_id", ""),
            )


def _keep(row: Export, out: BinaryIO, control: Control) -> None:
    size = out.seek(0, 2)
    out.seek(0)
    digest = hashlib.file_digest(out, "sha256").hexdigest()
    out.seek(0)
    row.file.save(row.name, File(out), save=False)
    with transaction.atomic():
        Export.objects.filter(pk=row.pk).update(
            state=State.DONE,
            done=control.documents,
            of=control.documents,
            rows=control.rows,
            totals=control.totals(),
            sha256=digest,
            size=size,
            file=row.file.name,
            finished_at=timezone.now(),
        )
        _note(row, f"{row.name} {digest[:12]}")


def _note(row: Export, detail: str) -> None:
    """A line in each document's audit trail, without reading one of them."""
    found = filters.documents(row.operator, row.params).order_by().values_list("pk", flat=True)
    sql, values = found.query.sql_with_params()
    table = DocumentEvent._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (invoice_id, kind, at, by_id, detail) "  # noqa: S608  names of ours
            f"SELECT found.id, 'exported', %s, %s, %s FROM ({sql}) AS found(id)",
            [timezone.now(), row.created_by_id, detail[:200], *values],
        )


def sweep(now: datetime) -> None:
    """Begin what a lost message or a dead worker left, and delete files whose time is up."""
    from billing.tasks import make_export

    late = Q(state=State.QUEUED, created_at__lt=now - timedelta(seconds=30))
    for pk in Export.objects.filter(late | Q(state=State.RUNNING, claimed_at__lt=now - CLAIM)).values_list(
        "pk", flat=True
    )[:50]:
        make_export.delay(str(pk))
    for row in Export.objects.filter(state=State.DONE, expires_at__lt=now)[:200]:
        name, storage = row.file.name, row.file.storage
        Export.objects.filter(pk=row.pk).update(state=State.EXPIRED, file="")
        storage.delete(name)
