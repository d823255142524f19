"""Whom documents are made out to, and how often: a driver's own details, or a fleet's at one operator."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User


class AccountQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        """Fleets only: a driver's own details are on the documents that they were issued with."""
        return self.filter(access.operators(permission), user=None)


class Account(models.Model):
    """Copied into each document when it is issued, so it may be changed until then and at any time after."""

    class Kind(models.TextChoices):
        PRIVATE = "private", _("Private")
        BUSINESS = "business", _("Business")
        #: Sells the electricity on (an e-mobility provider): taxed where it is established (2006/112/EC, 38).
        RESELLER = "reseller", _("Reseller of charging")

    class Invoicing(models.TextChoices):
        EACH = "each", _("An invoice for each charge")
        MONTHLY = "monthly", _("One invoice a month")

    user = models.OneToOneField(User, models.CASCADE, null=True, blank=True, related_name="billing_account")
    operator = models.ForeignKey(Operator, models.CASCADE, null=True, blank=True, related_name="fleets")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.PRIVATE)
    name = models.CharField(_("name or company"), max_length=150, blank=True)
    street = models.CharField(_("street"), max_length=200, blank=True)
    postcode = models.CharField(_("postcode"), max_length=20, blank=True)
    city = models.CharField(_("town"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    vat_id = models.CharField(_("VAT id"), max_length=20, blank=True)
    #: What the country's register said; None: not asked, or it did not answer.
    vat_id_known = models.BooleanField(null=True, blank=True, editable=False)
    vat_id_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    reference = models.CharField(
        _("your reference"),
        max_length=60,
        blank=True,
        help_text=_(
            "A cost centre or order number; public bodies: the Leitweg-ID. It stands on the invoice."
        ),
    )
    email = models.EmailField(_("invoices to"), blank=True)
    language = models.CharField(_("language"), max_length=10, choices=settings.DOCUMENT_LANGUAGES, blank=True)
    invoicing = models.CharField(_("invoices"), max_length=10, choices=Invoicing, default=Invoicing.EACH)
    on_account = models.BooleanField(
        default=False,
        help_text=_("Its drivers charge without a card; the month's invoice is paid by transfer."),
    )
    payment_days = models.PositiveSmallIntegerField(default=14, help_text=_("Days until it is due."))
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AccountQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None) ^ Q(operator=None), name="account_is_a_drivers_or_a_fleets"
            ),
            models.CheckConstraint(
                condition=Q(on_account=False) | Q(user=None, invoicing="monthly"),
                name="only_fleets_charge_on_account",
            ),
        ]

    def __str__(self):
        return self.name or str(self.user or self.operator)


class AccountDriver(models.Model):
    """Somebody who charges at a fleet's cost, at the fleet's operator."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="drivers")
    operator = models.ForeignKey(Operator, models.CASCADE, related_name="+", editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="fleet_places")
    cost_centre = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "operator"], name="one_fleet_per_driver_and_operator")
        ]

    def __str__(self):
        return str(self.user)

    def save(self, **kwargs):
        self.operator_id = self.account.operator_id
        super().save(**kwargs)
