"""Empty the database after a test that committed: only the tables that have rows. `-p tests.flush`.

Django truncates every table and then makes all permissions anew; with a hundred tables that takes a second
for each test that talks to a real socket.
"""

import pytest
from django.db import connections

#: What migrations have made and tests don't change.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}
#: Each table, and whether a trigger of ours watches what is deleted from it: TRUNCATE goes past those.
TABLES = """
    SELECT relname, EXISTS (
        SELECT FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal AND tgtype & 8 <> 0
    )
    FROM pg_class
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
"""


def empty(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(TABLES)
        watched = {name: is_watched for name, is_watched in cursor.fetchall() if name not in KEPT}
        questions = (f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in watched)
        cursor.execute(" UNION ALL ".join(questions))
        filled = [name for (name,) in cursor.fetchall()]
        if any(watched[name] for name in filled):
            cursor.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
        elif filled:
            # Foreign keys are looked at when all of it is gone.
            deletions = "".join(f'DELETE FROM "{name}";' for name in filled)
            cursor.execute(f"BEGIN; SET CONSTRAINTS ALL DEFERRED; {deletions} COMMIT")


@pytest.fixture(scope="session", autouse=True)
def _quick_flush():
    from django.test import TransactionTestCase

    def teardown(self):
        for alias in self._databases_names(include_mirrors=False):
            empty(alias)

    before = TransactionTestCase._fixture_teardown
    TransactionTestCase._fixture_teardown = teardown
    yield
    TransactionTestCase._fixture_teardown = before
