"""Tokens with which drivers identify themselves at a charger, and an operator's rules for them."""

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Value
from django.db.models.functions import Replace, Upper
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User
from stations.models.site import Site
from stations.models.station import Evse


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

    def with_places(self):
        return self.prefetch_related("sites", "evses")


class IdToken(models.Model):
    """An RFID card, an app's token, a plate…: who it stands for, and whether it may charge."""

    class Type(models.TextChoices):
        """The types of OCPP 2.x (2.1's appendix included); 1.6 has none, its tags are taken as ISO14443."""

        CENTRAL = "Central", _("Issued by the portal")
        DIRECT_PAYMENT = "DirectPayment", _("Payment at the charger")
        EMAID = "eMAID", _("Contract (Plug & Charge)")
        EVCCID = "EVCCID", _("Car's communication id")
        ISO14443 = "ISO14443", _("RFID card")
        ISO15693 = "ISO15693", _("RFID card (ISO 15693)")
        KEY_CODE = "KeyCode", _("Key code")
        LOCAL = "Local", _("Made at the charger")
        MAC = "MacAddress", _("Car's MAC address")
        NONE = "NoAuthorization", _("No authorisation")
        VIN = "VIN", _("Vehicle identification number")

    class Status(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted")
        BLOCKED = "blocked", _("Blocked")
        EXPIRED = "expired", _("Expired")
        INVALID = "invalid", _("Invalid")

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="id_tokens")
    token = models.CharField(max_length=255)
    type = models.CharField(max_length=20, choices=Type, default=Type.ISO14443)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACCEPTED)
    #: Kept by the database: a start that comes late out of a charger's queue is judged by what held then.
    status_since = models.DateTimeField(null=True, blank=True, editable=False)
    status_before = models.CharField(max_length=10, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    group = models.CharField(
        max_length=255, blank=True, help_text=_("Parent (group) token, OCPP groupIdToken.")
    )
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="id_tokens")
    label = models.CharField(max_length=80, blank=True)
    concurrent_allowed = models.BooleanField(
        _("several cars at once"),
        null=True,
        blank=True,
        help_text=_(
            "May charge several cars at the same time. Unknown: as the operator's rules say; "
            "tokens issued by the portal may."
        ),
    )
    on_local_list = models.BooleanField(
        default=False, help_text=_("Chargers keep it in their own list, and accept it while offline.")
    )
    priority = models.SmallIntegerField(
        default=0,
        validators=[MinValueValidator(-9), MaxValueValidator(9)],
        help_text=_("OCPP 2.x chargingPriority: −9 to 9, higher charges first."),
    )
    language = models.CharField(
        max_length=8, blank=True, help_text=_("In which a charger should speak to the driver, e.g. de-DE.")
    )
    second_language = models.CharField(max_length=8, blank=True)
    message = models.CharField(
        max_length=255, blank=True, help_text=_("Shown on the display when the card is accepted (OCPP 2.x).")
    )
    sites = models.ManyToManyField(
        Site, blank=True, related_name="+", help_text=_("Charges only at these sites. None: at all.")
    )
    evses = models.ManyToManyField(
        Evse, blank=True, related_name="+", help_text=_("Charges also, or only, on these EVSEs.")
    )
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
        triggers = [
            pgtrigger.Trigger(
                name="tokens_remember_their_status",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__status__df=pgtrigger.F("new__status")),
                func="NEW.status_before = OLD.status; NEW.status_since = clock_timestamp(); RETURN NEW;",
            )
        ]

    def __str__(self):
        return self.label or f"…{self.token[-4:]}"


class TokenRules(models.Model):
    """What an operator wants of its tokens; an operator without a row goes by the defaults."""

    class LocalList(models.TextChoices):
        ALL = "all", _("Every accepted token")
        MARKED = "marked", _("The marked tokens")
        NONE = "none", _("No local lists")

    operator = models.OneToOneField(Operator, models.CASCADE, related_name="token_rules")
    concurrent_allowed = models.BooleanField(
        _("one card, several cars"),
        default=False,
        help_text=_(
            "A card may charge several cars at the same time, unless the card itself says otherwise."
        ),
    )
    local_list = models.CharField(
        max_length=10,
        choices=LocalList,
        default=LocalList.MARKED,
        help_text=_("Which tokens chargers keep in their own list, for the time in which they are offline."),
    )
    master_group = models.CharField(
        max_length=36,
        blank=True,
        help_text=_("Tokens of this group may stop any session and start none (OCPP 2.x MasterPassGroupId)."),
    )
    show_cost = models.BooleanField(
        default=True, help_text=_("Send the running cost to chargers whose display can show it.")
    )
    #: Up to here blocked tokens have been taken from the chargers' caches.
    cleared_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("token rules")
        verbose_name_plural = _("token rules")

    def __str__(self):
        return str(self.operator)

    @classmethod
    def of(cls, operator_id: int) -> "TokenRules":
        return cls.objects.filter(operator_id=operator_id).first() or cls(operator_id=operator_id)
