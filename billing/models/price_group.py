"""Groups of drivers who pay other prices, and the days that are holidays somewhere."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.account import Account
from billing.models.books import OfOperator
from evportal.accounts.models import Operator, User

key = RegexValidator(r"^[a-z0-9][a-z0-9-]*$", _("Small letters, digits and hyphens."))


class PriceGroup(models.Model):
    """Drivers for whom tariffs may have prices of their own; tariffs name it by its key."""

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="price_groups")
    key = models.CharField(
        _("key"), max_length=40, validators=[key], help_text=_("What tariffs name it by. It stays.")
    )
    name = models.CharField(_("name"), max_length=80)

    objects = OfOperator.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["operator", "key"], name="one_price_group_per_key")]

    def __str__(self):
        return self.name


class PriceGroupMember(models.Model):
    """A driver, or all drivers of a fleet."""

    group = models.ForeignKey(PriceGroup, models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="price_groups")
    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="price_groups")
    added_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None) ^ Q(account=None), name="member_is_driver_or_fleet"
            ),
            models.UniqueConstraint(fields=["group", "user"], name="one_place_per_driver_and_group"),
            models.UniqueConstraint(fields=["group", "account"], name="one_place_per_fleet_and_group"),
        ]

    def __str__(self):
        return str(self.user or self.account)


class HolidayCalendar(models.Model):
    """Days that an operator copies into its tariffs: a version has the days that it was published with."""

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="holiday_calendars")
    name = models.CharField(_("name"), max_length=80)
    #: ISO dates, in order.
    days = models.JSONField(_("days"), default=list)

    objects = OfOperator.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["operator", "name"], name="one_holiday_calendar_per_name")
        ]

    def __str__(self):
        return self.name
