from tests.stations.conftest import database, door, ingest_all

__all__ = ["database", "door", "ingest_all"]
