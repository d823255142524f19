"""What an action of money says against it, as the API's answer."""

from collections.abc import Iterator
from contextlib import contextmanager

from billing.exceptions import PaymentRefused, ProviderDown
from evportal.rest.problems import Refused


@contextmanager
def refusals() -> Iterator[None]:
    """409 with its reason; 503 where the provider doesn't answer: the step is on its row, and the sweep goes
    on with it, so that who repeats it would not do it twice."""
    try:
        yield
    except ProviderDown as error:
        raise Refused(str(error), status_code=503, code="provider_down") from None
    except PaymentRefused as error:
        raise Refused(str(error)) from None
