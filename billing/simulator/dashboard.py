"""What the account's owner sees: charges, refunds, payouts, and the webhooks sent."""

from datetime import UTC, datetime
from html import escape

from . import payouts
from .pages import Page, layout, money, redirect, table

SHOWN = 50


def show(world, webhooks) -> Page:
    """The dashboard, newest first."""
    content = (
        f'<p class="soft">{escape(world.merchant)}</p><h1>Simulated payments</h1>'
        '<p class="note">A stand-in for Stripe. No money moves.</p>'
        f"<p>Time here: {_when(world.clock.now())}. {_balance(world)}</p>"
        + _button("payout", "Pay out the balance")
        + table("Charges", ["When", "Amount›", "Refunded›", "State", "Card", "Charge"], _charges(world))
        + table("Refunds", ["When", "Amount›", "State", "Charge"], _refunds(world))
        + table("Disputes", ["When", "Amount›", "State", "Charge"], _disputes(world))
        + table("Payouts", ["When", "Amount›", "State", "Payout"], _payouts(world))
        + f'<p class="soft">Webhooks go to {escape(webhooks.url or "nobody; they are held")}.</p>'
        + table("Webhooks", ["When", "Event", "State", "Attempts›", "Answer", "Again"], _deliveries(world))
    )
    return layout("Simulated payments", content, wide=True)


def act(world, webhooks, path) -> Page | None:
    """The buttons of the dashboard."""
    if path == "/payout":
        for currency in {row["currency"] for row in world.all("balance_transaction")}:
            payouts.pay_out_all(world, currency)
    elif path.startswith("/resend/"):
        webhooks.resend(path.removeprefix("/resend/"))
    else:
        return None
    return redirect(f"{world.public_url}/")


def _latest(world, kind):
    return list(reversed(world.all(kind)))[:SHOWN]


def _charges(world):
    rows = []
    for charge in _latest(world, "charge"):
        held = charge["status"] == "succeeded" and not charge["captured"]
        state = "held" if held else "captured" if charge["captured"] else charge["status"]
        if charge["refunded"]:
            state = "expired" if charge["_expired"] else "refunded" if charge["captured"] else "released"
        card = charge["payment_method_details"]["card"]
        back = charge["amount_refunded"]
        rows.append(
            [
                _when(charge["created"]),
                money(charge["amount"], charge["currency"]),
                money(back, charge["currency"]) if back else "",
                escape(state + (", disputed" if charge["disputed"] else "")),
                escape(f"{card['brand']} {card['last4']}"),
                f"<code>{charge['id']}</code>",
            ]
        )
    return rows


def _refunds(world):
    return [_row(refund, f"<code>{refund['charge']}</code>") for refund in _latest(world, "refund")]


def _disputes(world):
    return [_row(dispute, f"<code>{dispute['charge']}</code>") for dispute in _latest(world, "dispute")]


def _payouts(world):
    return [_row(payout, f"<code>{payout['id']}</code>") for payout in _latest(world, "payout")]


def _row(obj, last):
    amount = money(obj["amount"], obj["currency"])
    return [_when(obj["created"]), amount, escape(obj["status"].replace("_", " ")), last]


def _deliveries(world):
    rows = []
    for delivery in _latest(world, "delivery"):
        again = _button(f"resend/{delivery['event']}", "Resend", of=delivery["type"])
        rows.append(
            [
                _when(delivery["created"]),
                f"<code>{escape(delivery['type'])}</code>",
                escape(delivery["state"]),
                str(delivery["attempts"]),
                escape(delivery["answer"] or ""),
                again,
            ]
        )
    return rows


def _balance(world):
    sums = {}
    for row in world.all("balance_transaction"):
        sums[row["currency"]] = sums.get(row["currency"], 0) + row["net"]
    return "Balance: " + (", ".join(money(n, currency) for currency, n in sorted(sums.items())) or "nothing")


def _button(path, label, of=""):
    name = f' aria-label="{escape(f"{label} {of}")}"' if of else ""
    return f'<form method="post" action="{path}"><button class="second"{name}>{label}</button></form>'


def _when(at):
    return datetime.fromtimestamp(at, UTC).strftime("%d %b %Y %H:%M:%S UTC")
