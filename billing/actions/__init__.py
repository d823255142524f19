"""Every change of money: holds, charges, refunds, documents. Rows first, then the provider, then the rows.

holds    from a card to a payment that is held, captured or released · booking  paying for a slot
charging from the button to a session · bill    from an ended session to its invoice
refunds  money back · cards  saved cards · invoices  numbers and documents
follow   what a payment's news lead to
"""

from billing.actions.bill import (
    approve,
    bill,
    correct,
    note_correction,
    open_cdr,
    pay_outstanding,
    settle,
    waive,
)
from billing.actions.booking import charge_fee, confirm_booking, requote
from billing.actions.cards import (
    card_page,
    make_default,
    remove_card,
    renew_card,
    save_card,
    save_card_from_event,
)
from billing.actions.charging import (
    ask_charger,
    command_answered,
    fail_start,
    secure,
    start_charging,
    watch_hold,
)
from billing.actions.follow import proceed
from billing.actions.holds import attach_hold, capture, learn, look, place_hold, reconcile, release
from billing.actions.invoices import issue_invoice
from billing.actions.refunds import refund, send_refund

__all__ = [
    "approve",
    "ask_charger",
    "attach_hold",
    "bill",
    "capture",
    "card_page",
    "charge_fee",
    "command_answered",
    "confirm_booking",
    "correct",
    "fail_start",
    "issue_invoice",
    "learn",
    "look",
    "make_default",
    "note_correction",
    "open_cdr",
    "pay_outstanding",
    "place_hold",
    "proceed",
    "reconcile",
    "refund",
    "release",
    "renew_card",
    "requote",
    "remove_card",
    "save_card",
    "save_card_from_event",
    "secure",
    "send_refund",
    "settle",
    "start_charging",
    "waive",
    "watch_hold",
]
