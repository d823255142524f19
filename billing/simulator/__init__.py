"""A local stand-in for Stripe: the same HTTP API, hosted pages and signed webhooks, no real money.

For the demo and the tests only. It keeps to loopback and turns live keys away.
"""

from .server import Simulator

__all__ = ["Simulator"]
