from billing.models.account import Account, AccountDriver
from billing.models.books import Books, ClosedMonth, RevenueAccount, VatRegistration
from billing.models.draft import TariffApproval, TariffDraft, TariffRules
from billing.models.export import DocumentEvent, Export
from billing.models.host import Host, HostShare
from billing.models.invoice import Invoice, InvoiceLine, Series
from billing.models.ledger import Entry, Journal, LedgerAccount
from billing.models.payment import Card, Customer, Payment, Refund, WebhookEvent
from billing.models.price_group import HolidayCalendar, PriceGroup, PriceGroupMember
from billing.models.start import Start
from billing.models.tariff import Cdr, Quote, Tariff, TariffAssignment, TariffVersion
from billing.models.wallet import TopUp

__all__ = [
    "Account",
    "AccountDriver",
    "Books",
    "LedgerAccount",
    "Card",
    "Cdr",
    "ClosedMonth",
    "Customer",
    "DocumentEvent",
    "Export",
    "HolidayCalendar",
    "Host",
    "HostShare",
    "Entry",
    "Invoice",
    "InvoiceLine",
    "Journal",
    "Payment",
    "PriceGroup",
    "PriceGroupMember",
    "Quote",
    "Refund",
    "RevenueAccount",
    "Series",
    "Start",
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
