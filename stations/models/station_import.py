"""Station files that somebody looked at and may apply."""

import uuid

from django.db import models

from evportal.accounts.models import Operator, User


class StationImport(models.Model):
    """A file as it was read, and what was shown of it: that alone is applied, by who was shown it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operator = models.ForeignKey(Operator, models.CASCADE, related_name="+")
    created_by = models.ForeignKey(User, models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    name = models.CharField(max_length=200)
    #: {"head": [row, [cells]], "rows": […], "read_as": …}
    table = models.JSONField()
    #: Of the plan that was shown.
    digest = models.CharField(max_length=64)
    applied_at = models.DateTimeField(null=True)
    #: What came of it: {"create": {"station": 3, …}, "change": {…}}.
    outcome = models.JSONField(default=dict)
    #: New chargers' passwords, sealed, until they are taken: once.
    secrets = models.TextField(blank=True)

    def __str__(self):
        return self.name
