"""Teams and their channels, policies and their steps, quiet hours, deliveries and each try of them."""

import uuid
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import Membership, Operator, User
from evportal.outbox.models.channel import SealedAddress
from stations.models import Site
from stations.models.site import check_time_zone


class OfOperator(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_alerts"):
        return self.filter(access.operators(permission))


class Team(models.Model):
    """People who are told together."""

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="teams")
    name = models.CharField(max_length=60)
    members = models.ManyToManyField(Membership, blank=True, related_name="teams")

    objects = OfOperator.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["operator", "name"], name="one_team_of_a_name"),
        ]

    def __str__(self):
        return self.name


class TeamChannelQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_alerts"):
        return self.filter(access.operators(permission, "team__operator"))


class TeamChannel(SealedAddress):
    """Where a team is told beside its members' own channels. Its address is as good as a key: sealed."""

    class Kind(models.TextChoices):
        EMAIL = "email", _("E-mail address")
        WEBHOOK = "webhook", _("Signed webhook")
        SERVICE = "service", _("Messenger or push service")

    team = models.ForeignKey(Team, models.CASCADE, related_name="channels")
    kind = models.CharField(max_length=10, choices=Kind)
    shown = models.CharField(max_length=120)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    #: Since when nothing has arrived there; empty: it works.
    failing_since = models.DateTimeField(null=True, blank=True)
    #: While it fails, nothing is tried before.
    next_try_at = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=200, blank=True)

    objects = TeamChannelQuerySet.as_manager()

    class Meta:
        ordering = ["team__name", "pk"]

    def __str__(self):
        return f"{self.get_kind_display()} {self.shown}"


class Policy(models.Model):
    """Which alerts go which way. Where none of an operator's policies fits, its crew is mailed."""

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="alert_policies")
    name = models.CharField(max_length=60)
    severities = ArrayField(models.CharField(max_length=10), default=list, blank=True)
    kinds = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    sites = models.ManyToManyField(Site, blank=True, related_name="+")
    is_active = models.BooleanField(default=True)

    objects = OfOperator.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "policies"
        constraints = [
            models.UniqueConstraint(fields=["operator", "name"], name="one_policy_of_a_name"),
        ]

    def __str__(self):
        return self.name


class PolicyStep(models.Model):
    """Who is told when nobody has acknowledged for so long; 0: at once."""

    policy = models.ForeignKey(Policy, models.CASCADE, related_name="steps")
    after_minutes = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(7 * 24 * 60)])
    team = models.ForeignKey(Team, models.CASCADE, related_name="+")

    class Meta:
        ordering = ["after_minutes", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "after_minutes", "team"], name="a_step_tells_a_team_once"
            )
        ]

    def __str__(self):
        return f"{self.team} after {self.after_minutes} min"


class QuietHours(models.Model):
    """When a person is not to be told, by their own clocks."""

    user = models.OneToOneField(User, models.CASCADE, related_name="quiet_hours")
    begins_at = models.TimeField()
    ends_at = models.TimeField(help_text=_("Not after the beginning: on the following day."))
    time_zone = models.CharField(max_length=40, default="Europe/Berlin", validators=[check_time_zone])
    critical_comes_through = models.BooleanField(default=True)

    class Meta:
        verbose_name = verbose_name_plural = _("quiet hours")

    def __str__(self):
        return f"{self.begins_at:%H:%M}–{self.ends_at:%H:%M} {self.time_zone}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class DeliveryQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_alerts"):
        return self.filter(access.operators(permission))

    def waiting(self):
        return self.filter(sent_at=None, given_up_at=None)


class Delivery(models.Model):
    """One piece of news to one person or one channel: a row in the transaction of what it reports.

    `key` says what it is about, so that it is written once; `next_at` is when it is tried next, and a claim
    puts it off, so that a worker that dies leaves it to the next one.
    """

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="deliveries")
    key = models.CharField(max_length=180, unique=True)
    #: What a receiver can tell two deliveries apart by, and a repeated one from a new one.
    uid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    alert = models.ForeignKey(
        "monitoring.Alert", models.CASCADE, null=True, blank=True, related_name="deliveries"
    )
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="+")
    channel = models.ForeignKey(TeamChannel, models.CASCADE, null=True, blank=True, related_name="deliveries")
    event = models.CharField(max_length=20, default="alert.opened")
    #: What a webhook's body says; the same at each try.
    body = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None, channel__isnull=False) | Q(user__isnull=False, channel=None),
                name="a_delivery_has_one_receiver",
            ),
            models.CheckConstraint(
                condition=Q(sent_at=None) | Q(given_up_at=None), name="a_sent_delivery_is_not_given_up"
            ),
        ]
        indexes = [
            models.Index(fields=["operator", "-created_at"]),
            models.Index(
                fields=["next_at"], condition=Q(sent_at=None, given_up_at=None), name="deliveries_waiting"
            ),
        ]

    def __str__(self):
        return self.key


class Try(models.Model):
    """One try of a delivery, and what came of it."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="tries")
    at = models.DateTimeField()
    took_ms = models.PositiveIntegerField()
    error = models.CharField(max_length=300, blank=True, help_text=_("Empty: it arrived."))

    class Meta:
        ordering = ["-at"]
        verbose_name_plural = "tries"

    def __str__(self):
        return f"{self.delivery} {self.at:%Y-%m-%d %H:%M:%S}"
