"""A payment provider of the tests' own, and tasks that run where they are called."""

import time

import pytest

from billing.simulator.server import Simulator
from evportal.celery import app


@pytest.fixture(scope="session")
def running_provider():
    with Simulator() as provider:
        yield provider


@pytest.fixture
def provider(running_provider, settings):
    """The payment simulator, spoken to through the same code as in production."""
    settings.STRIPE_API_BASE = running_provider.url
    settings.STRIPE_SECRET_KEY = "sk_test_simulator"
    settings.STRIPE_WEBHOOK_SECRET = "whsec_simulator"
    yield running_provider
    running_provider.app.api.faults.clear()
    running_provider.webhooks.take()
    assert abs(running_provider.now() - time.time()) < 60, "who moves the clock needs `own_provider`"


@pytest.fixture
def own_provider(settings):
    """An account that nothing else ever happened in: what compares whole books needs one of its own."""
    with Simulator() as provider:
        settings.STRIPE_API_BASE = provider.url
        settings.STRIPE_SECRET_KEY = "sk_test_simulator"
        settings.STRIPE_WEBHOOK_SECRET = "whsec_simulator"
        yield provider


@pytest.fixture
def eager():
    """Tasks run at once, in the test's own transaction."""
    before = app.conf.task_always_eager
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = before
