"""What time brings: holds expire, sessions close, payouts arrive, subscriptions renew."""

from . import checkout, ledger, payment_intents, payouts, refunds, subscriptions


def settle(world):
    """Do everything whose time has come. Cheap when nothing has."""
    ledger.mature(world)
    payment_intents.expire_due(world)
    checkout.expire_due(world)
    payouts.arrive_due(world)
    refunds.fail_due(world)
    subscriptions.renew_due(world)
