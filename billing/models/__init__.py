from billing.models.account import Account, AccountDriver
from billing.models.books import Books, ClosedMonth, RevenueAccount, VatRegistration
from billing.models.export import DocumentEvent, Export
from billing.models.host import Host, HostShare
from billing.models.invoice import Invoice, InvoiceLine, Series
from billing.models.payment import Card, Customer, Payment, Refund, WebhookEvent
from billing.models.start import Start
from billing.models.tariff import Cdr, Quote, Tariff, TariffAssignment, TariffVersion

__all__ = [
    "Account",
    "AccountDriver",
    "Books",
    "Card",
    "Cdr",
    "ClosedMonth",
    "Customer",
    "DocumentEvent",
    "Export",
    "Host",
    "HostShare",
    "Invoice",
    "InvoiceLine",
    "Payment",
    "Quote",
    "Refund",
    "RevenueAccount",
    "Series",
    "Start",
    "Tariff",
    "TariffAssignment",
    "TariffVersion",
    "VatRegistration",
    "WebhookEvent",
]
