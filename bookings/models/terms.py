"""What may be booked at a site, and the terms that a booking freezes."""

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from bookings.rules import Hours
from evportal.accounts.audit.triggers import NAME_OF_SITE, OF_SITE, recorded
from stations import hours
from stations.models import Evse, Site
from stations.models.site import check_hours


class LateStopPer(models.TextChoices):
    MINUTE = "minute", _("For each minute begun")
    ONCE = "once", _("Once")


class Terms(models.Model):
    """A booking's terms, in OCPI 2.3's words; a booking freezes the site's at the moment it is made."""

    change_until_minutes = models.PositiveIntegerField(
        default=30, help_text=_("Changes allowed until this long before.")
    )
    cancel_until_minutes = models.PositiveIntegerField(
        default=30, help_text=_("Free cancellation until this long before.")
    )
    early_start_minutes = models.PositiveIntegerField(
        default=10, help_text=_("The EVSE is kept from this long before.")
    )
    noshow_timeout_minutes = models.PositiveIntegerField(
        default=15, help_text=_("Released this long after the start.")
    )
    noshow_fee = models.DecimalField(
        max_digits=8,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("Tax included."),
    )
    late_stop_minutes = models.PositiveIntegerField(
        default=0, help_text=_("Charging may go on this long after the end.")
    )
    late_stop_fee = models.DecimalField(
        max_digits=8,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("For charging on after that, tax included; without a fee it is stopped instead."),
    )
    late_stop_fee_per = models.CharField(
        max_length=6, choices=LateStopPer, default=LateStopPer.MINUTE, help_text=_("How often it is charged.")
    )

    promised_power_w = models.PositiveIntegerField(
        _("promised power"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1000)],
        help_text=_(
            "In W, during the slot, where the site's load is managed; empty: what its load settings promise."
        ),
    )

    overlapping_bookings_allowed = models.BooleanField(
        default=True, help_text=_("A driver may have several EVSEs at the same time.")
    )

    class Meta:
        abstract = True

    TERMS = (
        "change_until_minutes",
        "cancel_until_minutes",
        "early_start_minutes",
        "noshow_timeout_minutes",
        "noshow_fee",
        "late_stop_minutes",
        "late_stop_fee",
        "late_stop_fee_per",
        "promised_power_w",
        "overlapping_bookings_allowed",
    )


class SiteRules(Terms):
    """What may be booked at a site, and on which terms."""

    site = models.OneToOneField(Site, models.CASCADE, related_name="booking_rules")
    bookable = models.BooleanField(default=True)
    slot_minutes = models.PositiveSmallIntegerField(default=30, validators=[MinValueValidator(5)])
    min_minutes = models.PositiveSmallIntegerField(default=30)
    max_minutes = models.PositiveSmallIntegerField(default=240)
    notice_minutes = models.PositiveSmallIntegerField(default=0)
    horizon_days = models.PositiveSmallIntegerField(default=14)
    buffer_minutes = models.PositiveSmallIntegerField(default=0, help_text=_("Kept free after each booking."))
    hold_minutes = models.PositiveSmallIntegerField(default=10)
    max_open_per_driver = models.PositiveSmallIntegerField(
        default=3, help_text=_("Bookings here that a driver may have before them at once.")
    )
    max_per_day = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text=_("Bookings here that a driver may have on one day; empty: any number."),
    )
    max_late_minutes = models.PositiveSmallIntegerField(
        default=30,
        help_text=_("How much longer a driver who says that they are late is waited for; 0: not at all."),
    )
    walk_in_hours = models.CharField(
        max_length=200,
        blank=True,
        validators=[check_hours],
        help_text=_(
            "Hours of the week in which nothing can be booked, left to drivers without a booking, "
            "such as “Mo-Fr 16:00-19:00”."
        ),
    )
    offer_minutes = models.PositiveSmallIntegerField(
        default=15,
        validators=[MinValueValidator(2)],
        help_text=_("Time to answer when the waitlist offers a slot."),
    )
    walk_in_only = models.ManyToManyField(
        Evse, blank=True, related_name="+", help_text=_("EVSEs that can never be booked.")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("booking rules")
        triggers = recorded("bookings.siterules", operator=OF_SITE, name=NAME_OF_SITE)

    def __str__(self):
        return f"Booking rules of {self.site}"

    @cached_property
    def hours(self) -> Hours:
        walk_in = hours.parse(self.walk_in_hours) if self.walk_in_hours else hours.NEVER
        return Hours(self.site.zone, self.site.week, walk_in)
