"""What may be booked at a site, and the terms that a booking freezes."""

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from stations.models import Evse, Site


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

    class Meta:
        abstract = True

    TERMS = (
        "change_until_minutes",
        "cancel_until_minutes",
        "early_start_minutes",
        "noshow_timeout_minutes",
        "noshow_fee",
        "late_stop_minutes",
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
    offer_minutes = models.PositiveSmallIntegerField(
        default=15,
        validators=[MinValueValidator(2)],
        help_text=_("Time to answer when the waitlist offers a slot."),
    )
    max_open_per_driver = models.PositiveSmallIntegerField(default=3)
    walk_in_only = models.ManyToManyField(
        Evse, blank=True, related_name="+", help_text=_("EVSEs that can never be booked.")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("booking rules")

    def __str__(self):
        return f"Booking rules of {self.site}"
