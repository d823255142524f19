from billing.models.invoice import Invoice, InvoiceLine, Series
from billing.models.ledger import Entry, Journal, LedgerAccount
from billing.models.payment import Card, Customer, Payment, Refund, WebhookEvent
from billing.models.start import Start
from billing.models.tariff import Cdr, Quote, Tariff, TariffAssignment, TariffVersion
from billing.models.wallet import TopUp

__all__ = [
    "LedgerAccount",
    "Card",
    "Cdr",
    "Customer",
    "Entry",
    "Invoice",
    "InvoiceLine",
    "Journal",
    "Payment",
    "Quote",
    "Refund",
    "Series",
    "Start",
    "Tariff",
    "TariffAssignment",
    "TariffVersion",
    "TopUp",
    "WebhookEvent",
]
