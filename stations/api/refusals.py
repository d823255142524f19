"""What the house refuses, as a problem document."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from evportal.rest import problems
from stations.exceptions import Refused


@contextmanager
def told() -> Iterator[None]:
    """409 with the sentence of the rule that said no."""
    try:
        yield
    except Refused as refusal:
        raise problems.Refused(str(refusal)) from None
