"""Where the embedded servers of a data folder listen, and how each client library spells that."""

import hashlib
import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

CHECKOUT = Path(__file__).resolve().parents[2]
DATABASE = ROLE = "evportal"


def data_dir() -> Path:
    """The folder that holds everything this checkout stores: $DATA, or `.data` in the checkout."""
    return Path(os.environ.get("DATA") or CHECKOUT / ".data").expanduser().resolve()


def runtime_dir(data: Path | str) -> Path:
    """A short folder for the sockets: their paths may have 107 bytes at most, data folders are longer."""
    name = hashlib.sha256(os.fsencode(Path(data).resolve())).hexdigest()[:12]
    return Path("/tmp") / f"evp-{name}"


def database_url(data: Path | str) -> str:
    # The host goes into the query: libpq and django-environ both read it there, while environ
    # does not decode a percent-encoded host.
    return f"postgresql://{ROLE}@/{DATABASE}?host={runtime_dir(data)}"


def redis_url(data: Path | str, db: int = 0) -> str:
    return f"unix://{runtime_dir(data)}/redis.sock?db={db}"


def broker_url(url: str) -> str:
    """A Redis URL as Celery wants it: its name for a socket differs from redis-py's."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    query = dict(parse_qsl(parts.query))
    return f"redis+socket://{parts.path}?virtual_host={query.get('db', 0)}"


def database_settings(url: str) -> dict[str, object]:
    """Django's DATABASES entry for a PostgreSQL URL, sockets included; other parameters become OPTIONS."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql", "psql"}:
        raise ValueError(f"DATABASE_URL must start with postgresql://, not {parts.scheme}://")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": options.pop("user", None) or unquote(parts.username or ""),
        "PASSWORD": options.pop("password", None) or unquote(parts.password or ""),
        "HOST": options.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": str(options.pop("port", None) or parts.port or ""),
        "OPTIONS": options,
    }
