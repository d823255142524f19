"""Maintenance that comes again: each time is a closure, so that the one constraint holds it too."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings import recurring
from evportal.accounts.access import Access
from evportal.accounts.models import User
from stations.models import Evse, Site


def check_rule(rule: str) -> None:
    try:
        recurring.check(rule)
    except recurring.Unreadable as problem:
        raise ValidationError(
            _("“%(part)s” can't be used. Rules look like FREQ=WEEKLY;BYDAY=TU or FREQ=MONTHLY;BYDAY=1MO."),
            params={"part": problem},
        ) from None


class MaintenanceRuleQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_bookings"):
        return self.filter(access.sites(permission, "site"))


class MaintenanceRule(models.Model):
    """When a site's EVSEs, or one of them, are closed again and again; in the site's own time."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="maintenance_rules")
    evse = models.ForeignKey(
        Evse,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="maintenance_rules",
        help_text=_("Empty: every EVSE of the site."),
    )
    rule = models.CharField(
        max_length=120,
        validators=[check_rule],
        help_text=_("As in calendars (RFC 5545): FREQ=WEEKLY;BYDAY=TU, FREQ=MONTHLY;BYDAY=1MO, FREQ=DAILY."),
    )
    first_on = models.DateField(help_text=_("The day from which the rule counts."))
    until = models.DateField(null=True, blank=True, help_text=_("The last day; empty: without an end."))
    begins = models.TimeField(help_text=_("By the clock at the site."))
    minutes = models.PositiveSmallIntegerField(
        default=60, validators=[MinValueValidator(5), MaxValueValidator(7 * 24 * 60)]
    )
    reason = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MaintenanceRuleQuerySet.as_manager()

    class Meta:
        ordering = ["site", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("first_on")), name="maintenance_ends_after_it_began"
            ),
            models.CheckConstraint(condition=Q(minutes__gt=0), name="maintenance_takes_time"),
        ]

    def __str__(self):
        return f"{self.evse or self.site}: {self.rule} {self.begins:%H:%M}"

    def clean(self):
        if self.evse_id and self.site_id and self.evse.station.site_id != self.site_id:
            raise ValidationError({"evse": _("This EVSE stands at another site.")})
        if self.until and self.first_on and self.until < self.first_on:
            raise ValidationError({"until": _("The last day must not be before the first.")})
