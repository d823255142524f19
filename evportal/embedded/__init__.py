"""PostgreSQL and Valkey from PyPI wheels, for a machine that has neither.

    with running(data_dir()):       # starts what no DATABASE_URL / REDIS_URL names
        ...

Both listen on a Unix socket only, in a folder that follows from the data folder's name, so every
process of one checkout knows the addresses without being told and two checkouts never meet.
Nothing in here imports Django: it runs before the settings are read.
"""

from .addresses import broker_url, data_dir, database_settings, database_url, redis_url, runtime_dir
from .lifecycle import Embedded, environment, running
from .secret import secret_key
from .server import EmbeddedError

__all__ = [
    "Embedded",
    "EmbeddedError",
    "broker_url",
    "data_dir",
    "database_settings",
    "database_url",
    "environment",
    "redis_url",
    "running",
    "runtime_dir",
    "secret_key",
]
