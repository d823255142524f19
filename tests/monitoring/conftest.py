import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _quiet(settings):
    """No second factor to set up first, and nothing left over from the test before."""
    settings.STAFF_MFA_REQUIRED = False
    cache.clear()
