from billing.models.invoice import Invoice, InvoiceLine, Series
from billing.models.payment import Card, Customer, Payment, Refund, WebhookEvent
from billing.models.start import Start
from billing.models.tariff import Cdr, Quote, Tariff, TariffAssignment, TariffVersion

__all__ = [
    "Card",
    "Cdr",
    "Customer",
    "Invoice",
    "InvoiceLine",
    "Payment",
    "Quote",
    "Refund",
    "Series",
    "Start",
    "Tariff",
    "TariffAssignment",
    "TariffVersion",
    "WebhookEvent",
]
