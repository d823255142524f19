"""Every change of money: holds, charges, refunds, documents. Rows first, then the provider, then the rows.

holds    from a card to a payment that is held, captured or released · booking  paying for a slot
charging from the button to a session · bill    from an ended session to its invoice
refunds  money back · cards  saved cards · invoices  numbers and documents
follow   what a payment's news lead to · posting  the ledger's entries · missed  those that it lacks
debts    what a driver owes · debt_pages  paying it · wallet_holds  reserving what is in a wallet · top_ups
limiting the driver's own limits · watching  sessions that end in time · raising  holds that have to be higher
reauthorising  holds that would run out · terminal  what a charger's own terminal took
subscriptions  to plans · plan_terms  another fee or VAT for them · plan_rounds  those to look at again
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
from billing.actions.booking import charge_fee, confirm_booking, forgive_fee, requote
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
from billing.actions.debt_pages import write_off
from billing.actions.follow import proceed
from billing.actions.holds import attach_hold, capture, learn, look, place_hold, reconcile, release
from billing.actions.invoices import issue_invoice
from billing.actions.refunds import refund, send_refund
from billing.actions.top_ups import look_at_top_up, take_top_up, top_up

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
    "forgive_fee",
    "issue_invoice",
    "learn",
    "look",
    "look_at_top_up",
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
    "take_top_up",
    "top_up",
    "waive",
    "watch_hold",
    "write_off",
]
