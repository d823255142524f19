from tests.running import portal

__all__ = ["portal", "pytest_xdist_make_scheduler"]


def pytest_xdist_make_scheduler(config, log):
    """Tests about the running portal share one worker: another one would start a portal of its own."""
    from xdist.scheduler import LoadScopeScheduling

    class OnePortal(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return "portal" if "/journeys/" in nodeid else nodeid

    return OnePortal(config, log)
