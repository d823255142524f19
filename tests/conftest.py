from hypothesis import HealthCheck, settings

from tests.running import portal

# On a busy machine any example may be slow; that says nothing about the code.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

__all__ = ["portal", "pytest_xdist_make_scheduler"]


def pytest_xdist_make_scheduler(config, log):
    """Tests that share a running portal share one worker: another one would start a portal of its own."""
    from xdist.scheduler import LoadScopeScheduling

    class OnePortal(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            for folder in ("journeys", "conformance"):
                if f"/{folder}/" in nodeid:
                    return folder
            return nodeid

    return OnePortal(config, log)
