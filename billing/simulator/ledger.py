"""The account's balance: one transaction for each movement of money."""

from .endpoints import endpoint, page
from .errors import malformed

# European consumer cards, Stripe's standard price: 1.5 % + 0.25.
FEE_PER_MILLE, FEE_FIXED = 15, 25
DISPUTE_FEE = 2000
SMALLEST_CHARGE = 50
AVAILABLE_AFTER = 2 * 86400


def post(world, *, amount, currency, source, type, category, fee=0, description=None) -> dict:
    """Book a movement; charges become available for payout after two days, the rest at once."""
    now = world.clock.now()
    waits = type == "charge"
    details = []
    if fee:
        details = [
            {
                "amount": fee,
                "application": None,
                "currency": currency,
                "description": "Stripe processing fees",
                "type": "stripe_fee",
            }
        ]
    return world.new(
        "balance_transaction",
        amount=amount,
        available_on=now + AVAILABLE_AFTER if waits else now,
        balance_type="payments",
        currency=currency,
        description=description,
        exchange_rate=None,
        fee=fee,
        fee_details=details,
        net=amount - fee,
        reporting_category=category,
        source=source,
        status="pending" if waits else "available",
        type=type,
        _payout=None,
    )


def fee_on(amount) -> int:
    """What Stripe keeps of a charge."""
    return (amount * FEE_PER_MILLE + 500) // 1000 + FEE_FIXED


def mature(world):
    """Pending money becomes available when its day comes."""
    for row in world.all("balance_transaction", status="pending"):
        if row["available_on"] <= world.clock.now():
            world.touch(row)["status"] = "available"


def available(world, currency) -> int:
    """What could be paid out now."""
    rows = world.all("balance_transaction", status="available", currency=currency)
    return sum(row["net"] for row in rows)


@endpoint("GET /v1/balance_transactions", "BalanceTransactionListParams")
def list_balance_transactions(world, params):
    """Movements, all or those of one payout."""
    rows = world.all("balance_transaction")
    if "payout" in params:
        payout = world.get("payout", params["payout"], "payout")
        if not payout["automatic"]:
            raise malformed(
                "Balance transaction history can only be filtered on automatic transfers, not manual.",
                param="payout",
            )
        rows = [row for row in rows if row["_payout"] == payout["id"] or row["source"] == payout["id"]]
    return page(world, params, rows, "/v1/balance_transactions", ("currency", "source", "type"))


@endpoint("GET /v1/balance_transactions/{id}", "BalanceTransactionRetrieveParams")
def retrieve_balance_transaction(world, params, id):
    """One movement."""
    return world.get("balance_transaction", id)


@endpoint("GET /v1/balance", "BalanceRetrieveParams")
def retrieve_balance(world, params):
    """What is available and what is still on its way, by currency."""
    rows = world.all("balance_transaction")
    currencies = sorted({row["currency"] for row in rows}) or ["eur"]

    def amounts(status):
        sums = []
        for currency in currencies:
            total = sum(r["net"] for r in rows if r["currency"] == currency and r["status"] == status)
            sums.append({"amount": total, "currency": currency, "source_types": {"card": total}})
        return sums

    return {
        "object": "balance",
        "available": amounts("available"),
        "livemode": False,
        "pending": amounts("pending"),
    }
