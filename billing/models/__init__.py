from billing.models.account import Account, AccountDriver
from billing.models.books import Books, ClosedMonth, RevenueAccount, VatRegistration
from billing.models.debt import DebtPage, FeeDebt
from billing.models.dispute import Dispute
from billing.models.draft import TariffApproval, TariffDraft, TariffRules
from billing.models.export import DocumentEvent, Export
from billing.models.host import Host, HostShare
from billing.models.increment import HoldIncrement, HoldRules
from billing.models.invoice import Invoice, InvoiceLine, RefundLine, Series
from billing.models.ledger import Entry, Journal, LedgerAccount
from billing.models.limit import ChargeLimit, SessionWatch
from billing.models.payment import Card, Customer, Payment, Refund, WebhookEvent
from billing.models.plan import AllowanceUse, Plan, PlanInvoice, PlanPeriod, PlanVersion, Subscription
from billing.models.price_group import HolidayCalendar, PriceGroup, PriceGroupMember
from billing.models.provider import BalanceTransaction, Payout
from billing.models.reconciliation import Difference, Reconciliation
from billing.models.start import Start
from billing.models.tariff import Cdr, Quote, Tariff, TariffAssignment, TariffVersion
from billing.models.wallet import TopUp

__all__ = [
    "Account",
    "AccountDriver",
    "AllowanceUse",
    "BalanceTransaction",
    "Books",
    "LedgerAccount",
    "Card",
    "Cdr",
    "ChargeLimit",
    "ClosedMonth",
    "Customer",
    "DebtPage",
    "Difference",
    "Dispute",
    "DocumentEvent",
    "Export",
    "FeeDebt",
    "HoldIncrement",
    "HoldRules",
    "HolidayCalendar",
    "Host",
    "HostShare",
    "Entry",
    "Invoice",
    "InvoiceLine",
    "Journal",
    "Payment",
    "Payout",
    "Plan",
    "PlanInvoice",
    "PlanPeriod",
    "PlanVersion",
    "PriceGroup",
    "PriceGroupMember",
    "Quote",
    "Reconciliation",
    "Refund",
    "RefundLine",
    "RevenueAccount",
    "Series",
    "SessionWatch",
    "Start",
    "Subscription",
    "Tariff",
    "TariffApproval",
    "TariffAssignment",
    "TariffDraft",
    "TariffRules",
    "TariffVersion",
    "VatRegistration",
    "TopUp",
    "WebhookEvent",
]
