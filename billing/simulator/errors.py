"""Refusals, in the JSON shape from which Stripe's SDK raises its exceptions."""


class StripeError(Exception):
    """One answer of Stripe's other than success: HTTP status and the `error` object."""

    def __init__(self, status, type, message, *, code=None, param=None, executed=True, **extra):
        super().__init__(message)
        self.status = status
        # A request refused for its form alone was never executed: its idempotency key stays free.
        self.executed = executed
        self.error = {"type": type, "message": message, **extra}
        if code:
            self.error["code"] = code
            self.error["doc_url"] = f"https://docs.stripe.com/error-codes/{code.replace('_', '-')}"
        if param:
            self.error["param"] = param

    @property
    def body(self) -> dict:
        """The JSON document to answer with."""
        return {"error": self.error}


def invalid(message, code=None, param=None, **extra) -> StripeError:
    """The request makes sense, but not for this object in this state."""
    return StripeError(400, "invalid_request_error", message, code=code, param=param, **extra)


def malformed(message, code=None, param=None) -> StripeError:
    """The request itself is wrong: unknown, missing or ill-typed parameters."""
    return StripeError(400, "invalid_request_error", message, code=code, param=param, executed=False)


def missing(kind, id, param="id") -> StripeError:
    """No object has this id."""
    name = kind.replace("_", " ")
    status = 404 if param == "id" else 400
    return StripeError(
        status, "invalid_request_error", f"No such {name}: '{id}'", code="resource_missing", param=param
    )


def not_simulated(what) -> StripeError:
    """Stripe can do this and the simulator cannot: say so rather than pretend."""
    return StripeError(
        400, "invalid_request_error", f"The simulator does not implement {what}.", executed=False
    )


DECLINES = {
    "generic_decline": ("card_declined", "Your card was declined."),
    "insufficient_funds": ("card_declined", "Your card has insufficient funds."),
    "lost_card": ("card_declined", "Your card was declined."),
    "stolen_card": ("card_declined", "Your card was declined."),
    "fraudulent": ("card_declined", "Your card was declined."),
    "expired_card": ("expired_card", "Your card has expired."),
    "incorrect_cvc": ("incorrect_cvc", "Your card's security code is incorrect."),
    "processing_error": (
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
    "authentication_required": (
        "authentication_required",
        "Your card was declined. This transaction requires authentication.",
    ),
}


def decline(reason) -> dict:
    """The `error` object for a card that its bank refused, as stored in `last_payment_error`."""
    code, message = DECLINES[reason]
    error = {
        "type": "card_error",
        "code": code,
        "message": message,
        "doc_url": f"https://docs.stripe.com/error-codes/{code.replace('_', '-')}",
    }
    if code in ("card_declined", "authentication_required"):
        error["decline_code"] = reason
    return error


def card_error(error, **extra) -> StripeError:
    """A decline, ready to raise."""
    rest = {key: value for key, value in error.items() if key not in ("type", "message", "code", "doc_url")}
    return StripeError(402, "card_error", error["message"], code=error["code"], **rest, **extra)
