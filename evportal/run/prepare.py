"""`python -m evportal.run.prepare [--demo]`: the schema and the demo's data, in one process.

Two `manage.py` commands would load Django twice, which is most of what either takes.
"""

import hashlib
import os
import sys
from pathlib import Path

from evportal.embedded.addresses import CHECKOUT


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evportal.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", interactive=False)
    if "--demo" in sys.argv[1:]:
        call_command("demo")


class Prepared:
    """Remembers with which migrations and demo, on which database, a data folder was last prepared.

    `about` is what else it depends on: the database's address, the portal's own, whether there is a demo.
    """

    def __init__(self, data: Path, about: str, *, code: Path = CHECKOUT) -> None:
        self.file = data / "prepared"
        now = hashlib.sha256(about.encode())
        cluster = data / "postgres" / "PG_VERSION"
        if cluster.exists():
            # A database that was thrown away and made anew is another one.
            now.update(str(cluster.stat().st_mtime_ns).encode())
        for pattern in ("*/migrations/*.py", "*/*/migrations/*.py", "evportal/demo/*.py"):
            for source in sorted(code.glob(pattern)):
                now.update(source.read_bytes())
        self.now = now.hexdigest()

    def is_current(self) -> bool:
        return self.file.exists() and self.file.read_text() == self.now

    def remember(self) -> None:
        self.file.write_text(self.now)


if __name__ == "__main__":
    main()
