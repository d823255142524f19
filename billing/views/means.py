"""What a driver may pay with, and what they chose in a form: a saved card, or their wallet."""

from decimal import Decimal

from billing import parties, showing
from billing.actions import posting
from billing.actions.bill import outstanding
from billing.models import Card, Cdr
from evportal.accounts.models import Operator

WALLET = "wallet"


def offered(user, operator: Operator, currency: str, amount: Decimal) -> dict:
    """For billing/_cards.html: the driver's cards, and their wallet's balance where it carries the amount.

    `on_account`: the fleet that pays, where the driver needs neither."""
    if user is None:
        return {"cards": [], "wallet": "", "on_account": ""}
    account = parties.account_of(user, operator)
    balance = posting.wallet_balance(user=user, operator=operator, currency=currency)
    return {
        "cards": Card.objects.of_driver(user),
        "wallet": showing.money(balance, currency) if balance >= amount > 0 else "",
        # Whose invoice of the month it goes on, where nobody is asked for a card.
        "on_account": str(account) if account is not None and account.on_account and amount > 0 else "",
    }


def usual(user, cdr: Cdr) -> dict:
    """For a bill that is open: the wallet where it carries it, else the card that is used first."""
    operator = cdr.session.station.site.operator
    offer = offered(user, operator, cdr.currency, outstanding(cdr))
    return {"card": offer["cards"].first(), "from_wallet": bool(offer["wallet"])}


def chosen(request) -> dict:
    """What to hand to the action that places the hold."""
    given = request.POST.get("card", "")
    if given == WALLET:
        return {"card": None, "from_wallet": True}
    pk = int(given) if given.isdecimal() and len(given) < 18 else 0
    return {"card": Card.objects.of_driver(request.user).filter(pk=pk).first(), "from_wallet": False}
