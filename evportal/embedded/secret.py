"""The secret key of a data folder."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path


def secret_key(data: Path) -> str:
    """Made once per data folder, readable by its owner alone: a new one would sign everybody out."""
    file = data / "secret-key"
    if not file.exists():
        data.mkdir(parents=True, exist_ok=True)
        descriptor, fresh = tempfile.mkstemp(dir=data)  # 0600
        with os.fdopen(descriptor, "w") as new:
            new.write(secrets.token_urlsafe(50))
        # Of two processes that start at once, one makes the key and both read that one.
        with contextlib.suppress(FileExistsError):
            os.link(fresh, file)
        Path(fresh).unlink()
    return file.read_text().strip()
