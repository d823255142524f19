"""The API's view of money: one module per resource."""

from django.urls import path

from billing.api.disputes import Disputes
from billing.api.exports import Exports
from billing.api.invoices import InvoiceExport, Invoices
from billing.api.payments import Payments
from billing.api.payouts import Payouts
from billing.api.plans import Plans, Subscriptions
from billing.api.quotes import Quotes
from billing.api.reconciliation import Differences, Reconciliations
from billing.api.starts import Starts
from billing.api.tariffs import Tariffs
from billing.api.wallets import Wallets

RESOURCES = {
    "tariffs": Tariffs,
    "quotes": Quotes,
    "payments": Payments,
    "invoices": Invoices,
    "exports": Exports,
    "wallets": Wallets,
    "starts": Starts,
    "plans": Plans,
    "subscriptions": Subscriptions,
    "disputes": Disputes,
    "payouts": Payouts,
    "reconciliations": Reconciliations,
    "differences": Differences,
}

#: Files have names, and no slash after them.
FILES = [
    path("exports/invoices.csv", InvoiceExport.as_view({"get": "download"}), name="export-invoices"),
]
