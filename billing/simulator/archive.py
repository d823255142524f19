"""Objects on disk, so that a restarted demo keeps its customers and charges."""

import json
import sqlite3
from pathlib import Path


class Archive:
    """One SQLite table of JSON documents; without a folder it lives in memory only."""

    def __init__(self, folder: str | Path | None):
        target = ":memory:"
        if folder is not None:
            Path(folder).mkdir(parents=True, exist_ok=True)
            target = str(Path(folder) / "simulator.sqlite3")
        # The world's lock keeps threads apart.
        self.db = sqlite3.connect(target, check_same_thread=False)
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS record "
            "(seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, "
            "UNIQUE (kind, id))"
        )
        self.db.commit()
        # A demo's memory may lose its last moments in a power cut; waiting for the disk would slow it.
        self.db.execute("PRAGMA synchronous = OFF")

    def load(self):
        """Every record in the order of its creation: (kind, id, body)."""
        for kind, id, body in self.db.execute("SELECT kind, id, body FROM record ORDER BY seq"):
            yield kind, id, json.loads(body)

    def save(self, records):
        """Write (kind, id, body) triples in one transaction."""
        with self.db:
            self.db.executemany(
                "INSERT INTO record (kind, id, body) VALUES (?, ?, ?) "
                "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                [(kind, id, json.dumps(body)) for kind, id, body in records],
            )

    def close(self):
        """Release the file."""
        self.db.close()
