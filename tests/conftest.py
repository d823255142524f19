from tests.running import portal

__all__ = ["portal"]
