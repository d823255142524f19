"""An operator's books: how they are kept, which months are closed, and where it is registered for VAT."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User
from stations.models.site import check_time_zone

digits = RegexValidator(r"^\d+$", _("Digits only."))


class OfOperator(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        return self.filter(access.operators(permission))


class Books(models.Model):
    """What exports need to know of an operator's bookkeeping."""

    operator = models.OneToOneField(Operator, models.CASCADE, related_name="books")
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="Europe/Berlin", validators=[check_time_zone]
    )
    iban = models.CharField("IBAN", max_length=34, blank=True, help_text=_("Stands on monthly invoices."))
    bic = models.CharField("BIC", max_length=11, blank=True)
    consultant = models.CharField(_("DATEV consultant number"), max_length=7, blank=True, validators=[digits])
    client = models.CharField(_("DATEV client number"), max_length=5, blank=True, validators=[digits])
    fiscal_year_month = models.PositiveSmallIntegerField(
        _("fiscal year begins in month"), default=1, choices=[(n, str(n)) for n in range(1, 13)]
    )
    account_length = models.PositiveSmallIntegerField(
        _("length of G/L accounts"), default=4, choices=[(n, str(n)) for n in range(4, 9)]
    )
    receivables = models.CharField(
        _("receivables account"),
        max_length=9,
        blank=True,
        validators=[digits],
        help_text=_("The contra account of every document: cards in transit, or a collective customer."),
    )

    objects = OfOperator.as_manager()

    class Meta:
        verbose_name_plural = _("books")

    def __str__(self):
        return f"{self.operator}"


class RevenueAccount(models.Model):
    """Where revenue of one VAT treatment is booked."""

    books = models.ForeignKey(Books, models.CASCADE, related_name="accounts")
    country = models.CharField(_("country"), max_length=2, help_text=_("Where the tax is owed."))
    category = models.CharField(
        _("VAT category"),
        max_length=2,
        default="S",
        choices=[
            ("S", _("Standard")),
            ("AE", _("Reverse charge")),
            ("Z", _("Zero rate")),
            ("E", _("Exempt")),
            ("O", _("Not subject to VAT")),
        ],
    )
    vat_percent = models.DecimalField(_("rate, %"), max_digits=5, decimal_places=2)
    account = models.CharField(_("account"), max_length=9, validators=[digits])
    bu_key = models.CharField(
        _("BU key"),
        max_length=4,
        blank=True,
        validators=[digits],
        help_text=_("Leave empty for accounts that reckon VAT by themselves."),
    )

    class Meta:
        ordering = ["country", "category", "-vat_percent"]
        constraints = [
            models.UniqueConstraint(
                fields=["books", "country", "category", "vat_percent"], name="one_account_per_vat_treatment"
            )
        ]

    def __str__(self):
        return f"{self.country} {self.category} {self.vat_percent} % → {self.account}"


class VatRegistration(models.Model):
    """Another country that the operator pays VAT in, beside that of its own VAT id."""

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="vat_registrations")
    country = models.CharField(max_length=2)
    vat_id = models.CharField("VAT id", max_length=20)

    objects = OfOperator.as_manager()

    class Meta:
        ordering = ["country"]
        constraints = [
            models.UniqueConstraint(fields=["operator", "country"], name="one_vat_registration_per_country")
        ]

    def __str__(self):
        return self.vat_id


class ClosedMonth(models.Model):
    """A month that no document is booked into any more; reopening keeps the row and says why."""

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="closed_months")
    month = models.DateField(help_text=_("Its first day."))
    closed_at = models.DateTimeField()
    closed_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    reopened_at = models.DateTimeField(null=True, blank=True)
    reopened_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)

    objects = OfOperator.as_manager()

    class Meta:
        ordering = ["-month", "-closed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["operator", "month"],
                condition=Q(reopened_at=None),
                name="a_month_is_closed_once",
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="a_month_is_its_first_day"),
            models.CheckConstraint(
                condition=Q(reopened_at=None) | ~Q(reason=""), name="reopening_needs_a_reason"
            ),
        ]

    def __str__(self):
        return f"{self.month:%Y-%m}"
