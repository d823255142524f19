"""Whom a driver's documents are made out to."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from billing.models import Account


@transaction.atomic
def save_account(*, account: Account) -> Account:
    """Keep the details, and ask the register about a VAT id that is new."""
    from billing.tasks import ask_vat_register

    before = Account.objects.filter(pk=account.pk).values_list("vat_id", flat=True).first()
    if before != account.vat_id:
        account.vat_id_known, account.vat_id_asked_at = None, None
    account.save()
    if account.vat_id and before != account.vat_id and settings.VAT_REGISTER:
        transaction.on_commit(lambda: ask_vat_register.delay(account.pk))
    return account


def ask_register(*, account: Account) -> None:
    """Outside of any transaction: a register takes its time. An answer to an older id is dropped."""
    if not account.vat_id or not settings.VAT_REGISTER:
        return
    said = import_string(settings.VAT_REGISTER)(account.vat_id)
    Account.objects.filter(pk=account.pk, vat_id=account.vat_id).update(
        vat_id_known=said, vat_id_asked_at=timezone.now()
    )
