"""One plan or change of a site at a time."""

from django.db import connection


def lock(site_id: int) -> None:
    """Until the transaction ends: whoever comes meanwhile waits, and then sees what was written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('evportal.load'), %s)", [site_id])
