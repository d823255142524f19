"""The record of changes. Rows are written by triggers and are never changed or deleted."""

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access


class ChangeQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_changes"):
        return self.filter(access.operators(permission))

    def of(self, row: models.Model):
        return self.filter(model=row._meta.label_lower, object_id=row.pk)


class Change(models.Model):
    """One row of another table as it came, changed or went.

    Whom and what it names may be gone by now: it names them by number, without a constraint.
    """

    class Action(models.TextChoices):
        CREATED = "created", _("created")
        CHANGED = "changed", _("changed")
        DELETED = "deleted", _("deleted")

    at = models.DateTimeField(_("when"))
    operator = models.ForeignKey(
        "accounts.Operator", models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    model = models.CharField(_("kind"), max_length=60)
    object_id = models.BigIntegerField()
    name = models.CharField(max_length=200)
    action = models.CharField(max_length=10, choices=Action)
    #: {column: [from, to]}
    fields = models.JSONField()
    by = models.ForeignKey(
        "accounts.User", models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    api_key = models.ForeignKey(
        "accounts.ApiKey", models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    #: The address, or the command, by which it was changed.
    via = models.CharField(max_length=200)
    request_id = models.CharField(max_length=64)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["model", "object_id", "-at"], name="changes_of_a_row"),
            models.Index(fields=["operator", "-at"], name="changes_of_an_operator"),
        ]
        triggers = [
            pgtrigger.Protect(name="changes_are_never_changed", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self):
        return f"{self.name} {self.get_action_display()}"
