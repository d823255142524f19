"""Prices before they are published: a tariff's draft, who approved it, and the operator's rules for both."""

import hashlib
import json

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.models.tariff import Tariff
from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User


class TariffRules(models.Model):
    """How an operator publishes its tariffs."""

    operator = models.OneToOneField(Operator, models.CASCADE, related_name="tariff_rules")
    second_person = models.BooleanField(
        _("a second person approves each version before it is published"), default=False
    )
    #: Who wants to do without the second person; it takes another one to agree.
    end_asked_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    end_asked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = _("tariff rules")

    def __str__(self):
        return f"{self.operator}"


class DraftQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "manage_tariffs"):
        return self.filter(access.operators(permission, "tariff__operator"))


class TariffDraft(models.Model):
    """The next version of a tariff while it is written. There is one at a time, and it is always readable."""

    tariff = models.OneToOneField(Tariff, models.CASCADE, related_name="draft")
    ocpi = models.JSONField(help_text=_("OCPI 2.3.0 tariff object"))
    #: None: from the moment at which it is published.
    valid_from = models.DateTimeField(null=True, blank=True)
    #: Everybody who changed it: none of them can approve it.
    editors = models.ManyToManyField(User, related_name="+", blank=True)
    updated_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = DraftQuerySet.as_manager()

    def __str__(self):
        return f"{self.tariff}, draft"

    @property
    def digest(self) -> str:
        """What names exactly this draft: its prices and its day. Of the row as the database has it."""
        content = {"ocpi": self.ocpi, "valid_from": self.valid_from and self.valid_from.isoformat()}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class TariffApproval(models.Model):
    """Somebody approved what they saw. It goes with any change of the draft."""

    draft = models.OneToOneField(TariffDraft, models.CASCADE, related_name="approval")
    digest = models.CharField(max_length=64)
    by = models.ForeignKey(User, models.CASCADE, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return f"{self.draft}: {self.by}"
