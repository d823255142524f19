"""Tokens with which drivers identify themselves at a charger."""

from django.db import models
from django.db.models import Value
from django.db.models.functions import Replace, Upper
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User


def without_separators(column: str = "token"):
    """A contract's id as it is compared: upper case, without the separators that people put in."""
    text = Upper(column)
    for separator in "-* ":
        text = Replace(text, Value(separator), Value(""))
    return text


class IdTokenQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_drivers"):
        return self.filter(access.operators(permission))

    def for_token(self, operator_id: int, token: str):
        """Chargers differ in how they spell a card's number, so case never counts (OCPP 1.6 §3.11)."""
        return self.filter(operator_id=operator_id, token__iexact=token)

    def for_contract(self, operator_id: int, spellings: list[str]):
        """Plug & Charge contracts that are written in one of these ways (certificates/emaid.py)."""
        contracts = self.filter(operator_id=operator_id, type=IdToken.Type.EMAID)
        return contracts.alias(plain=without_separators()).filter(plain__in=spellings)


class IdToken(models.Model):
    """An RFID card, an app's token, a plate…: who it stands for, and whether it may charge."""

    class Type(models.TextChoices):
        """OCPP 2.x IdTokenEnumType; 1.6 has no types, its tags are taken as ISO14443."""

        CENTRAL = "Central", _("Issued by the portal")
        EMAID = "eMAID", _("Contract (Plug & Charge)")
        ISO14443 = "ISO14443", _("RFID card")
        ISO15693 = "ISO15693", _("RFID card (ISO 15693)")
        KEY_CODE = "KeyCode", _("Key code")
        LOCAL = "Local", _("Made at the charger")
        MAC = "MacAddress", _("Car's MAC address")
        NONE = "NoAuthorization", _("No authorisation")

    class Status(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted")
        BLOCKED = "blocked", _("Blocked")
        EXPIRED = "expired", _("Expired")
        INVALID = "invalid", _("Invalid")

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="id_tokens")
    token = models.CharField(max_length=255)
    type = models.CharField(max_length=20, choices=Type, default=Type.ISO14443)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACCEPTED)
    expires_at = models.DateTimeField(null=True, blank=True)
    group = models.CharField(
        max_length=255, blank=True, help_text=_("Parent (group) token, OCPP groupIdToken.")
    )
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="id_tokens")
    label = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = IdTokenQuerySet.as_manager()

    class Meta:
        ordering = ["token"]
        constraints = [
            models.UniqueConstraint("operator", Upper("token"), name="one_row_per_token"),
        ]
        indexes = [
            models.Index(
                without_separators(), condition=models.Q(type="eMAID"), name="contracts_by_their_id"
            ),
        ]

    def __str__(self):
        return self.label or f"…{self.token[-4:]}"
