"""Use and takings by the hour and by the day: what reports over weeks and years are made from.

All of it can be reckoned anew from sessions, readings, commands and invoices (monitoring/patterns/rollup.py).
An hour in which nothing happened has no row. Hours are UTC's; days, and an hour's place in the week, are the
site's, by the moment at which the hour begins.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import Membership, Operator
from stations.models import Evse, Site


class Use(models.Model):
    energy_wh = models.DecimalField(max_digits=16, decimal_places=3, default=0)
    sessions = models.PositiveIntegerField(default=0, help_text=_("Begun in this time."))
    failed_starts = models.PositiveIntegerField(default=0)
    occupied_s = models.PositiveIntegerField(default=0)
    charging_s = models.PositiveIntegerField(default=0)
    #: Connected and not charging.
    idle_s = models.PositiveIntegerField(default=0)
    #: The highest power of an EVSE; of a site, the sum of its EVSEs' in that hour: at most so much.
    peak_w = models.DecimalField(max_digits=14, decimal_places=1, default=0)

    class Meta:
        abstract = True


class EvseHour(Use):
    evse = models.ForeignKey(Evse, models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, models.CASCADE, related_name="+")
    starts_at = models.DateTimeField()
    #: Something about it was reported since it was reckoned last.
    is_stale = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["evse", "starts_at"], name="one_row_per_evse_hour")]
        indexes = [
            models.Index(fields=["starts_at"], condition=Q(is_stale=True), name="stale_evse_hours"),
            models.Index(fields=["site", "starts_at"]),
        ]

    def __str__(self):
        return f"{self.evse_id} {self.starts_at:%Y-%m-%d %H:00}"


class EvseTakings(models.Model):
    """Net of the invoices and credit notes of sessions that began in the hour, by currency."""

    evse = models.ForeignKey(Evse, models.CASCADE, related_name="+")
    starts_at = models.DateTimeField()
    currency = models.CharField(max_length=3)
    net = models.DecimalField(max_digits=14, decimal_places=3)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["evse", "starts_at", "currency"], name="one_row_per_evse_hour_and_currency"
            )
        ]

    def __str__(self):
        return f"{self.evse_id} {self.starts_at:%Y-%m-%d %H:00} {self.net} {self.currency}"


class SiteHour(Use):
    site = models.ForeignKey(Site, models.CASCADE, related_name="+")
    starts_at = models.DateTimeField()
    #: The hour of the week there: 0 is Monday from 0:00, 167 Sunday from 23:00.
    slot = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "starts_at"], name="one_row_per_site_hour")]

    def __str__(self):
        return f"{self.site_id} {self.starts_at:%Y-%m-%d %H:00}"


class SiteDay(Use):
    site = models.ForeignKey(Site, models.CASCADE, related_name="+")
    day = models.DateField()
    #: How many of the day's sessions lasted so long and took so much (`figures.LENGTHS`, `figures.ENERGIES`).
    lengths = ArrayField(models.PositiveIntegerField(), default=list)
    energies = ArrayField(models.PositiveIntegerField(), default=list)
    #: Occupied seconds in each of the day's 24 hours, by the clocks there.
    by_hour = ArrayField(models.PositiveIntegerField(), default=list)
    #: Hours in which nine tenths of all EVSEs' time were taken: who came had to wait.
    full_hours = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "day"], name="one_row_per_site_day")]

    def __str__(self):
        return f"{self.site_id} {self.day}"


class SiteTakings(models.Model):
    site = models.ForeignKey(Site, models.CASCADE, related_name="+")
    day = models.DateField()
    currency = models.CharField(max_length=3)
    net = models.DecimalField(max_digits=14, decimal_places=3)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "day", "currency"], name="one_row_per_site_day_and_currency"
            )
        ]

    def __str__(self):
        return f"{self.site_id} {self.day} {self.net} {self.currency}"


class Mark(models.Model):
    """How far a source was read; some of it is read again, because late commits carry earlier times."""

    source = models.CharField(max_length=30, primary_key=True)
    at = models.DateTimeField()

    def __str__(self):
        return f"{self.source} until {self.at:%Y-%m-%d %H:%M:%S}"


class ScheduledReportQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        """One's own: a mail goes to the person who asked for it, with what they may see."""
        return self.filter(membership__user_id=access.user_id, membership__is_active=True)


class ScheduledReport(models.Model):
    """A report that is mailed by itself, to somebody who works there, as long as they do."""

    class Every(models.TextChoices):
        WEEK = "week", _("Every Monday, about the week before")
        MONTH = "month", _("On the first of the month, about the month before")

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="scheduled_reports")
    every = models.CharField(max_length=6, choices=Every, default=Every.WEEK)
    site = models.ForeignKey(
        Site, models.CASCADE, null=True, blank=True, related_name="+", help_text=_("Empty: all of them.")
    )
    #: In the link that ends it, without a sign-in.
    token = models.CharField(max_length=43, unique=True, editable=False)
    #: The end of the last period that was mailed.
    sent_until = models.DateField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScheduledReportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["membership", "every", "site"], name="one_schedule_of_a_kind", nulls_distinct=False
            )
        ]

    def __str__(self):
        return f"{self.get_every_display()} to {self.membership.user}"

    @property
    def operator(self) -> Operator:
        return self.membership.operator
