"""The ledger: double entry, held by the database. Nothing in it ever changes; a mistake is booked back."""

import uuid

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.ledger import PERSONAL
from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User

#: Counted when the transaction commits: entries of one journal row come one after another.
_WHOLE = """
    IF (SELECT count(e.id) <> j.entry_count
            OR coalesce(sum(e.debit), 0) <> j.amount OR coalesce(sum(e.credit), 0) <> j.amount
            OR NOT coalesce(bool_and(a.operator_id = j.operator_id AND a.currency = j.currency), FALSE)
        FROM billing_journal j
        LEFT JOIN billing_entry e ON e.journal_id = j.id
        LEFT JOIN billing_ledgeraccount a ON a.id = e.account_id
        WHERE j.id = NEW.{journal} GROUP BY j.id)
    THEN
        RAISE EXCEPTION 'Debits and credits of journal % differ.', NEW.{journal}
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
"""

_BALANCE = """
    UPDATE billing_ledgeraccount SET balance = balance + NEW.credit - NEW.debit
    WHERE id = NEW.account_id AND is_personal;
    RETURN NULL;
"""

_BY_ENTRIES_ALONE = """
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'A balance is changed by entries alone.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""


class AccountQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        mine = Q(user_id=access.user_id) if access.user_id else Q(pk__in=[])
        return self.filter(access.operators(permission) | mine)

    def wallets_of(self, user):
        return self.filter(user=user, code=LedgerAccount.Code.WALLET).select_related("operator")


class LedgerAccount(models.Model):
    """One account of an operator's books in one currency; a wallet's belongs to a driver as well."""

    class Code(models.TextChoices):
        """As `billing.ledger.Code`, with names for people."""

        BANK = "1000", _("Bank")
        TRANSIT = "1050", _("On its way to the bank")
        PROVIDER = "1100", _("Payment provider")
        TERMINAL = "1110", _("Payment terminals")
        DISPUTED = "1150", _("Disputed payments")
        RECEIVABLE = "1200", _("Owed by drivers")
        VAT = "2000", _("VAT")
        WALLET = "2100", _("Wallets")
        WALLET_RESERVED = "2110", _("Wallets, reserved")
        REVENUE = "4000", _("Revenue")
        FEES = "6000", _("Payment fees")
        LOSSES = "6100", _("Losses on payments")

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="accounts")
    code = models.CharField(max_length=8, choices=Code)
    currency = models.CharField(max_length=3)
    #: A driver may be erased; what is in their wallet stays in the books.
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="accounts")
    is_personal = models.BooleanField(default=False)
    #: What is credited less what is debited. Kept for personal accounts only: it is what a hold must not
    #: exceed; the others are summed up where they are read, so that nobody waits for their rows.
    balance = models.DecimalField(max_digits=14, decimal_places=3, default=0)

    objects = AccountQuerySet.as_manager()

    class Meta:
        ordering = ["operator", "currency", "code", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["operator", "code", "currency"],
                condition=Q(is_personal=False),
                name="one_account_per_code",
            ),
            models.UniqueConstraint(
                fields=["operator", "code", "currency", "user"],
                condition=Q(is_personal=True, user__isnull=False),
                name="one_wallet_per_driver",
            ),
            models.CheckConstraint(condition=Q(balance__gte=0), name="wallets_are_never_negative"),
            models.CheckConstraint(
                condition=Q(code__in=sorted(PERSONAL), is_personal=True)
                | (~Q(code__in=sorted(PERSONAL)) & Q(is_personal=False)),
                name="wallets_are_personal",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="accounts_never_change", fields=["operator", "code", "currency", "is_personal"]
            ),
            pgtrigger.Protect(name="accounts_stay", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="balances_come_from_entries",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__balance__df=pgtrigger.F("new__balance")),
                func=_BY_ENTRIES_ALONE,
            ),
        ]

    def __str__(self):
        return f"{self.code} {self.get_code_display()}, {self.currency}"


class JournalQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        return self.filter(access.operators(permission))


class Journal(models.Model):
    """One event of money, booked once: `key` names the row that it comes from."""

    class Kind(models.TextChoices):
        """As `billing.ledger.Event`, with names for people."""

        INVOICE = "invoice", _("Invoice")
        CREDIT_NOTE = "credit_note", _("Credit note")
        CAPTURE = "capture", _("Card charged")
        TERMINAL = "terminal", _("Paid at a charger's terminal")
        REFUND = "refund", _("Refund")
        REFUND_RETURNED = "refund_returned", _("Refund returned by the bank")
        TOP_UP = "top_up", _("Wallet topped up")
        WALLET_HOLD = "wallet_hold", _("Reserved in the wallet")
        WALLET_RELEASE = "wallet_release", _("Free again in the wallet")
        WALLET_SPEND = "wallet_spend", _("Paid from the wallet")
        WALLET_REFUND = "wallet_refund", _("Refund to the wallet")
        FEE = "fee", _("Payment fee")
        PAYOUT = "payout", _("Payout")
        PAYOUT_ARRIVED = "payout_arrived", _("Payout at the bank")
        PAYOUT_RETURNED = "payout_returned", _("Payout returned")
        DISPUTE = "dispute", _("Dispute opened")
        DISPUTE_WON = "dispute_won", _("Dispute won")
        DISPUTE_LOST = "dispute_lost", _("Dispute lost")
        WRITE_OFF = "write_off", _("Written off")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="journal")
    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=20, choices=Kind)
    #: When it happened, not when we heard of it.
    at = models.DateTimeField()
    booked_at = models.DateTimeField(auto_now_add=True)
    #: What a person recognises it by: a document's number, a payment's id.
    reference = models.CharField(max_length=80, blank=True)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=14, decimal_places=3, help_text=_("Of each side."))
    entry_count = models.PositiveSmallIntegerField()

    objects = JournalQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("journal")
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="journal_amounts_are_above_zero")
        ]
        indexes = [models.Index(fields=["operator", "at"])]
        triggers = [
            pgtrigger.ReadOnly(name="journal_never_changes"),
            pgtrigger.Protect(name="journal_stays", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="journal_is_whole",
                level=pgtrigger.Row,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                func=_WHOLE.format(journal="id"),
            ),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.reference}".strip()


class EntryQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        return self.filter(access.operators(permission, "journal__operator"))


class Entry(models.Model):
    """One side of a journal row."""

    journal = models.ForeignKey(Journal, models.PROTECT, related_name="entries")
    account = models.ForeignKey(LedgerAccount, models.PROTECT, related_name="entries")
    debit = models.DecimalField(max_digits=14, decimal_places=3, default=0)
    credit = models.DecimalField(max_digits=14, decimal_places=3, default=0)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("entries")
        ordering = ["journal", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(debit__gte=0, credit__gte=0) & (Q(debit=0) | Q(credit=0)) & ~Q(debit=F("credit")),
                name="an_entry_has_one_side",
            )
        ]
        triggers = [
            pgtrigger.ReadOnly(name="entries_never_change"),
            pgtrigger.Protect(name="entries_stay", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="entries_move_balances",
                level=pgtrigger.Row,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                func=_BALANCE,
            ),
            pgtrigger.Trigger(
                name="debits_equal_credits",
                level=pgtrigger.Row,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                func=_WHOLE.format(journal="journal_id"),
            ),
        ]

    def __str__(self):
        return f"{self.account}: {self.debit or -self.credit}"
