"""Sites: the places where chargers stand (OCPI *Location*)."""

import zoneinfo
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.audit.triggers import recorded
from evportal.accounts.models import Membership, Operator
from stations import hours


def check_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(
            _("“%(name)s” is not an IANA time zone such as Europe/Berlin."), params={"name": name}
        )


def check_hours(text: str) -> None:
    try:
        hours.parse(text)
    except hours.Unreadable as problem:
        raise ValidationError(
            _("“%(part)s” is not hours of the week such as Mo-Fr 06:00-22:00; Sa 08:00-20:00; Su off."),
            params={"part": problem},
        ) from None


class SiteQuerySet(models.QuerySet):
    def public(self):
        """Sites any driver may find and use."""
        return self.filter(is_public=True)

    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission))


class Site(models.Model):
    """A place with chargers; its time zone is the one that drivers and tariffs there go by."""

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="sites")
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    street = models.CharField(max_length=200, blank=True)
    postcode = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=2, default="DE", help_text=_("ISO 3166-1 alpha-2"))
    latitude = models.DecimalField(
        max_digits=9, decimal_places=6, validators=[MinValueValidator(-90), MaxValueValidator(90)]
    )
    longitude = models.DecimalField(
        max_digits=9, decimal_places=6, validators=[MinValueValidator(-180), MaxValueValidator(180)]
    )
    time_zone = models.CharField(max_length=64, default="Europe/Berlin", validators=[check_time_zone])
    directions = models.TextField(blank=True)
    opening_hours = models.CharField(
        max_length=200,
        blank=True,
        validators=[check_hours],
        help_text=_("Such as “Mo-Fr 06:00-22:00; Sa 08:00-20:00; Su off”; empty means 24/7."),
    )
    is_public = models.BooleanField(default=True)
    has_accessible_bay = models.BooleanField(default=False)
    without_card = models.BooleanField(
        default=False,
        help_text=_("Anyone may charge: chargers that start without a card (NoAuthorization) are let."),
    )
    takes_payment = models.BooleanField(
        _("payment terminal"),
        default=False,
        help_text=_("Chargers have a payment terminal and start by it (OCPP 2.1 DirectPayment)."),
    )
    static_codes = models.BooleanField(
        default=True,
        help_text=_("Printed QR codes may be used. Off: only the codes that a charger's display shows."),
    )
    grid_limit_w = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("What the grid connection gives.")
    )
    members = models.ManyToManyField(
        Membership,
        related_name="sites",
        blank=True,
        help_text=_("Memberships that are limited to certain sites, of which this is one."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        triggers = recorded("stations.site", operator="it.operator_id", name="it.name")

    def __str__(self):
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def week(self) -> hours.Week:
        """When it is open. Hours that were entered in words, before they were read, shut nobody out."""
        try:
            return hours.parse(self.opening_hours) if self.opening_hours else hours.ALWAYS
        except hours.Unreadable:
            return hours.ALWAYS

    @property
    def address(self) -> str:
        return ", ".join(filter(None, [self.street, f"{self.postcode} {self.city}".strip()]))
