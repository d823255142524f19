"""The control API under `/_test/`: what a test or a demo does to the simulated world from outside."""

from . import disputes, due, payouts, refunds
from .api import Fault
from .errors import StripeError, invalid
from .render import render


def handle(world, api, webhooks, method, path, body) -> dict:
    """Answer one control request; bodies and answers are JSON."""
    name = path.removeprefix("/_test/").strip("/")
    serve = ROUTES.get((method, name))
    if serve is None:
        raise StripeError(404, "invalid_request_error", f"No such control: {method} {path}")
    return serve(world, api, webhooks, body)


def advance(world, *, days=0, hours=0, minutes=0, seconds=0) -> int:
    """Move the clock and let everything happen that falls due."""
    now = world.clock.advance(days=days, hours=hours, minutes=minutes, seconds=seconds)
    world.setting("clock")  # so that the new time is stored even if nothing falls due
    due.settle(world)
    return now


def _clock(world, api, webhooks, body):
    return {"now": world.clock.now()}


def _advance(world, api, webhooks, body):
    allowed = {name: body[name] for name in ("days", "hours", "minutes", "seconds") if name in body}
    return {"now": advance(world, **allowed)}


def _events(world, api, webhooks, body):
    return {"data": [render(world, event) for event in world.all("event")]}


def _deliveries(world, api, webhooks, body):
    return {"data": world.all("delivery")}


def _webhooks(world, api, webhooks, body):
    if "hold" in body:
        webhooks.hold = bool(body["hold"])
    if "copies" in body:
        webhooks.copies = max(1, int(body["copies"]))
    return {"hold": webhooks.hold, "copies": webhooks.copies, "url": webhooks.url}


def _release(world, api, webhooks, body):
    webhooks.release(order=body.get("order", "created"), copies=int(body.get("copies", 1)))
    return {"released": True}


def _drop(world, api, webhooks, body):
    webhooks.drop()
    return {"dropped": True}


def _resend(world, api, webhooks, body):
    webhooks.resend(body["event"])
    return {"resent": body["event"]}


def _dispute(world, api, webhooks, body):
    charge = world.get("charge", body["charge"], "charge")
    return render(
        world,
        disputes.open_dispute(
            world, charge, amount=body.get("amount"), reason=body.get("reason", "fraudulent")
        ),
    )


def _settle_dispute(world, api, webhooks, body):
    dispute = world.get("dispute", body["dispute"], "dispute")
    disputes.settle(world, dispute, body["outcome"])
    return render(world, dispute)


def _payout(world, api, webhooks, body):
    at_once = body.get("at_once", True)
    payout = payouts.pay_out_all(world, body.get("currency", "eur"), at_once=at_once)
    if payout is None:
        raise invalid("There is nothing to pay out.", code="balance_insufficient")
    return render(world, payout)


def _fail_payout(world, api, webhooks, body):
    payout = world.get("payout", body["payout"], "payout")
    payouts.fail(world, payout)
    return render(world, payout)


def _fail_refund(world, api, webhooks, body):
    refund = world.get("refund", body["refund"], "refund")
    refunds.fail(world, refund)
    return render(world, refund)


def _fault(world, api, webhooks, body):
    api.faults.append(Fault(body["path"], int(body.get("status", 500)), bool(body.get("after"))))
    return {"faults": len(api.faults)}


ROUTES = {
    ("GET", "clock"): _clock,
    ("POST", "clock/advance"): _advance,
    ("GET", "events"): _events,
    ("GET", "webhooks"): _deliveries,
    ("POST", "webhooks"): _webhooks,
    ("POST", "webhooks/release"): _release,
    ("POST", "webhooks/resend"): _resend,
    ("POST", "webhooks/drop"): _drop,
    ("POST", "disputes"): _dispute,
    ("POST", "disputes/settle"): _settle_dispute,
    ("POST", "payouts"): _payout,
    ("POST", "payouts/fail"): _fail_payout,
    ("POST", "refunds/fail"): _fail_refund,
    ("POST", "faults"): _fault,
}
