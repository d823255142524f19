"""Stripe's test cards: numbers, `pm_card_…` names and what each of them does."""

import hashlib
from dataclasses import dataclass

from .errors import DECLINES, card_error, decline, malformed

# When the bank wants to see the cardholder: never, until the card was set up for later use, or always.
NEVER, UNTIL_SET_UP, ALWAYS = "never", "until_set_up", "always"


@dataclass(frozen=True)
class TestCard:
    """One magic number and its behaviour."""

    number: str
    token: str
    brand: str = "visa"
    refuses: str | None = None
    attaches: bool = True
    asks: str = NEVER
    disputes: str | None = None
    refund_fails: bool = False
    raise_refused: str | None = None
    note: str = ""


CARDS = [
    TestCard("4242424242424242", "pm_card_visa", note="Succeeds"),
    TestCard("4000056655665556", "pm_card_visa_debit"),
    TestCard("5555555555554444", "pm_card_mastercard", brand="mastercard"),
    TestCard("378282246310005", "pm_card_amex", brand="amex"),
    TestCard(
        "4000002500003155", "pm_card_authenticationRequiredOnSetup", asks=UNTIL_SET_UP, note="3-D Secure"
    ),
    TestCard("4000002760003184", "pm_card_authenticationRequired", asks=ALWAYS),
    TestCard("4000000000003220", "pm_card_threeDSecure2Required", asks=ALWAYS, note="3-D Secure every time"),
    TestCard(
        "4000000000000002", "pm_card_visa_chargeDeclined", refuses="generic_decline", attaches=False,
        note="Declined",
    ),
    TestCard(
        "4000000000009995", "pm_card_visa_chargeDeclinedInsufficientFunds", refuses="insufficient_funds",
        attaches=False, note="Insufficient funds",
    ),
    TestCard(
        "4000000000009987", "pm_card_visa_chargeDeclinedLostCard", refuses="lost_card", attaches=False
    ),
    TestCard(
        "4000000000000069", "pm_card_chargeDeclinedExpiredCard", refuses="expired_card", attaches=False,
        note="Expired card",
    ),
    TestCard(
        "4000000000000127", "pm_card_chargeDeclinedIncorrectCvc", refuses="incorrect_cvc", attaches=False
    ),
    TestCard(
        "4000000000000119", "pm_card_chargeDeclinedProcessingError", refuses="processing_error",
        attaches=False,
    ),
    TestCard("4000000000000341", "pm_card_chargeCustomerFail", refuses="generic_decline",
             note="Saves, then declines"),
    TestCard("4000000000000259", "pm_card_createDispute", disputes="fraudulent", note="Disputed afterwards"),
    # Ours: Stripe has no card of which the bank holds money and declines to hold more.
    TestCard("4000000000002206", "pm_card_visa_raiseDeclined", raise_refused="insufficient_funds",
             note="Holds, never more"),
    TestCard("4000000000005126", "pm_card_refundFail", refund_fails=True),
]  # fmt: skip
BY_NUMBER = {card.number: card for card in CARDS}
BY_TOKEN = {card.token: card for card in CARDS}


def parse_number(text: str) -> str:
    """The digits of a card number that someone typed, or Stripe's error."""
    number = "".join(text.split()).replace("-", "")
    if not number.isdigit() or not 12 <= len(number) <= 19 or not _luhn(number):
        raise card_error(
            {"type": "card_error", "code": "incorrect_number", "message": "Your card number is incorrect."},
            param="number",
        )
    if number not in BY_NUMBER:
        error = decline("generic_decline")
        error["message"] = (
            "Your card was declined. Your request was in test mode, but used a card that is not a test card."
        )
        raise card_error(error | {"decline_code": "test_mode_live_card"}, param="number")
    return number


def parse_expiry(month, year, now_year, now_month) -> tuple[int, int]:
    """Month and four-digit year that have not passed."""
    month, year = int(month), int(year)
    year += 2000 if year < 100 else 0
    if not 1 <= month <= 12:
        raise _expiry_error("invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month")
    if (year, month) < (now_year, now_month) or year > now_year + 50:
        raise _expiry_error("invalid_expiry_year", "Your card's expiration year is invalid.", "exp_year")
    return month, year


def behaviour(payment_method) -> TestCard:
    """What the card behind a payment method does."""
    return BY_NUMBER[payment_method["_number"]]


def named(name: str) -> TestCard:
    """The card behind a `pm_card_…` or `tok_…` name."""
    card = BY_TOKEN.get(name.replace("tok_", "pm_card_", 1))
    if card is None:
        raise malformed(f"No such PaymentMethod: '{name}'", code="resource_missing", param="payment_method")
    return card


def details(card: TestCard, month, year) -> dict:
    """The `card` hash of a payment method."""
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "fail" if card.refuses == "incorrect_cvc" else "pass",
        },
        "country": "US",
        "display_brand": {"amex": "american_express"}.get(card.brand, card.brand),
        "exp_month": month,
        "exp_year": year,
        # The same number gives the same fingerprint, which is how a portal spots a card saved twice.
        "fingerprint": hashlib.sha256(card.number.encode()).hexdigest()[:16],
        "funding": "debit" if card.token.endswith("_debit") else "credit",
        "generated_from": None,
        "last4": card.number[-4:],
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _luhn(number) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _expiry_error(code, message, param):
    return card_error({"type": "card_error", "code": code, "message": message}, param=param)


assert all(card.refuses is None or card.refuses in DECLINES for card in CARDS)
