"""Files for accountants, made by workers: what was asked for, how far it is, and what came out."""

import uuid

import pgtrigger
from django.core.files.storage import storages
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.invoice import Invoice
from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User


def private_storage():
    """Files that no address serves by itself."""
    return storages["private"]


def export_path(export, name: str) -> str:
    return f"exports/{export.pk}"


class ExportQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        """Of the whole operator's people; who is limited to some sites sees what they asked for."""
        mine = Q(created_by_id=access.user_id) if access.user_id else Q(pk__in=[])
        of_theirs = {grant.operator_id for grant in access.with_permission(permission)}
        return self.filter(access.operators(permission) | mine & Q(operator_id__in=of_theirs))


class Export(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Under way")
        DONE = "done", _("Ready")
        FAILED = "failed", _("Failed")
        EXPIRED = "expired", _("Deleted after its time")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="exports")
    kind = models.CharField(max_length=20)
    format = models.CharField(max_length=8)
    #: The filters in words that billing/exports/filters.py reads; `up_to` freezes what there was to export.
    params = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    claimed_at = models.DateTimeField(null=True, blank=True)
    done = models.PositiveIntegerField(default=0, help_text=_("Documents written so far."))
    of = models.PositiveIntegerField(default=0)
    rows = models.PositiveIntegerField(default=0)
    #: {"EUR": {"documents": 2, "net": "3.28", "tax": "0.62", "gross": "3.90"}}
    totals = models.JSONField(default=dict)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    file = models.FileField(storage=private_storage, upload_to=export_path, blank=True, editable=False)
    name = models.CharField(max_length=120, blank=True)
    problems = models.JSONField(default=list)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()

    objects = ExportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(
                fields=["created_at"], condition=Q(state__in=["queued", "running"]), name="exports_to_make"
            )
        ]

    def __str__(self):
        return self.name or f"{self.kind}.{self.format}"

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // self.of) if self.of else 0


class DocumentEvent(models.Model):
    """What was done with a document: the audit trail, added to and never changed."""

    class Kind(models.TextChoices):
        ISSUED = "issued", _("Issued")
        MAILED = "mailed", _("Mail written")
        RESENT = "resent", _("Sent again")
        EXPORTED = "exported", _("Exported")
        CREDITED = "credited", _("Credited")
        REISSUED = "reissued", _("Issued anew with other details")

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="events")
    kind = models.CharField(max_length=10, choices=Kind)
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    detail = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["at", "pk"]
        triggers = [
            # Whoever did it may be erased (GDPR); that it was done may not.
            pgtrigger.ReadOnly(name="document_events_never_change", exclude=["by"]),
            pgtrigger.Protect(name="document_events_stay", operation=pgtrigger.Delete),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M}"
