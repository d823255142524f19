"""A site's limits, who hangs where, what each was given and told, and how it went today."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from stations.models import Evse, InstalledProfile, Session, Site

_amps = {"max_digits": 6, "decimal_places": 1, "validators": [MinValueValidator(0)]}


class LoadSiteQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "site"))


class LoadSite(models.Model):
    """How the load of one site is managed."""

    class Mode(models.TextChoices):
        FAIR = "fair", _("Fair: everybody alike")
        PRIORITY = "priority", _("By priority")

    site = models.OneToOneField(Site, models.CASCADE, related_name="load")
    is_active = models.BooleanField(default=True)
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.FAIR)
    margin_percent = models.DecimalField(
        max_digits=4,
        decimal_places=1,
        default=Decimal(5),
        validators=[MinValueValidator(0), MaxValueValidator(50)],
        help_text=_("The part of each limit that is never given away."),
    )
    takes_turns = models.BooleanField(
        default=False, help_text=_("Where not all can charge at once, cars take turns.")
    )
    booked_a = models.DecimalField(
        **_amps, default=Decimal(16), help_text=_("In A a phase, where a booking's terms say no power.")
    )
    reserves_booked = models.BooleanField(
        default=False,
        help_text=_("What a booked place is promised is kept for it from its early start on, car or not."),
    )
    has_meter = models.BooleanField(
        default=False, help_text=_("A meter tells what else draws at this connection (API).")
    )
    #: Taken for what the building draws while its meter is silent.
    building_safe_l1 = models.DecimalField(**_amps, default=0)
    building_safe_l2 = models.DecimalField(**_amps, default=0)
    building_safe_l3 = models.DecimalField(**_amps, default=0)
    meter_stale_s = models.PositiveIntegerField(
        default=120, validators=[MinValueValidator(10), MaxValueValidator(86400)]
    )
    #: What it said last.
    building_l1 = models.DecimalField(**_amps, null=True, editable=False)
    building_l2 = models.DecimalField(**_amps, null=True, editable=False)
    building_l3 = models.DecimalField(**_amps, null=True, editable=False)
    building_at = models.DateTimeField(null=True, editable=False)

    planned_at = models.DateTimeField(null=True, editable=False)
    #: Why it was planned anew last, in a word of `planning`.
    planned_for = models.CharField(max_length=40, blank=True, editable=False)

    objects = LoadSiteQuerySet.as_manager()

    class Meta:
        ordering = ["site__name"]

    def __str__(self):
        return f"{self.site}"


class LoadGroup(models.Model):
    """A connection, fuse or cable with a limit; the one without a parent is the site's own."""

    load_site = models.ForeignKey(LoadSite, models.CASCADE, related_name="groups")
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="children")
    name = models.CharField(max_length=60)
    limit_l1 = models.DecimalField(**_amps)
    limit_l2 = models.DecimalField(**_amps)
    limit_l3 = models.DecimalField(**_amps)
    #: As measured at the last plan, with all that is below it; the site's with the building.
    draw = models.JSONField(default=list, editable=False)
    #: What plan and reserve give away of it.
    allocated = models.JSONField(default=list, editable=False)
    #: Since when it draws more than its limit.
    over_since = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["load_site", "name"], name="one_load_group_per_name"),
            models.UniqueConstraint(
                fields=["load_site"], condition=Q(parent=None), name="one_root_per_load_site"
            ),
            models.CheckConstraint(
                condition=Q(limit_l1__gte=0, limit_l2__gte=0, limit_l3__gte=0),
                name="load_limits_not_negative",
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def limit(self) -> tuple[Decimal, Decimal, Decimal]:
        return self.limit_l1, self.limit_l2, self.limit_l3


class LoadMember(models.Model):
    """An EVSE in its group: how it is wired, what it falls back to, and what it was given and told.

    `given…` is the plan; `told…` is what the charger has accepted and follows until `told_until`.
    """

    class Rotation(models.TextChoices):
        """OCPP's words: the grid's phases at the EVSE's L1, L2 and L3."""

        RST = "RST", "L1 L2 L3"
        RTS = "RTS", "L1 L3 L2"
        SRT = "SRT", "L2 L1 L3"
        STR = "STR", "L2 L3 L1"
        TRS = "TRS", "L3 L1 L2"
        TSR = "TSR", "L3 L2 L1"

    class Priority(models.IntegerChoices):
        HIGH = 1, _("High")
        NORMAL = 2, _("Normal")
        LOW = 3, _("Low")

    class Flag(models.TextChoices):
        NONE = "", _("Follows")
        REJECTED = "rejected", _("Refuses its limit")
        IGNORED = "ignored", _("Doesn't follow its limit")
        UNABLE = "unable", _("Can't be told a limit")

    evse = models.OneToOneField(Evse, models.CASCADE, related_name="load")
    group = models.ForeignKey(LoadGroup, models.CASCADE, related_name="members")
    rotation = models.CharField(max_length=3, choices=Rotation, default=Rotation.RST)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NORMAL)
    safe_default_a = models.DecimalField(
        **_amps, default=Decimal(6), help_text=_("What it falls back to when contact is lost, in A a phase.")
    )

    #: The plan, in A a phase, with a word of `showing.WHY` and what belongs to it.
    given_a = models.DecimalField(**_amps, default=0, editable=False)
    why = models.CharField(max_length=20, blank=True, editable=False)
    bound_by = models.ForeignKey(LoadGroup, models.SET_NULL, null=True, editable=False, related_name="+")
    #: What it could use, as the plan saw it.
    wants_a = models.DecimalField(**_amps, default=0, editable=False)
    #: What its booking is promised now, awaited or there.
    promised_a = models.DecimalField(**_amps, null=True, editable=False)
    #: What it drew on L1, L2, L3 of the grid; empty: not known.
    draw = models.JSONField(default=list, editable=False)
    #: The grid's phases that this session's car was seen to use, such as “0” or “012”.
    used_phases = models.CharField(max_length=3, blank=True, editable=False)
    flag = models.CharField(max_length=10, choices=Flag, blank=True, default=Flag.NONE, editable=False)
    flagged_at = models.DateTimeField(null=True, editable=False)
    #: How it answered, where it was flagged.
    flag_reason = models.CharField(max_length=200, blank=True, editable=False)
    #: When a charger that refused is asked again, and how often it was.
    try_at = models.DateTimeField(null=True, editable=False)
    tries = models.PositiveSmallIntegerField(default=0, editable=False)
    #: Since when it draws more than it was told.
    over_since = models.DateTimeField(null=True, editable=False)
    #: Since when it draws next to nothing though it may.
    idle_since = models.DateTimeField(null=True, editable=False)
    #: Since when the session has had zero, or more than that.
    waiting_since = models.DateTimeField(null=True, editable=False)
    served_since = models.DateTimeField(null=True, editable=False)

    session = models.ForeignKey(Session, models.SET_NULL, null=True, editable=False, related_name="+")
    told_a = models.DecimalField(**_amps, null=True, editable=False)
    told_at = models.DateTimeField(null=True, editable=False)
    told_until = models.DateTimeField(null=True, editable=False)
    #: On its way: what it is being told, and the row that says how that went.
    sent_a = models.DecimalField(**_amps, null=True, editable=False)
    profile = models.ForeignKey(
        InstalledProfile, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    #: The safe default that the charger holds.
    default_a = models.DecimalField(**_amps, null=True, editable=False)
    default_at = models.DateTimeField(null=True, editable=False)
    default_profile = models.ForeignKey(
        InstalledProfile, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    default_try_at = models.DateTimeField(null=True, editable=False)
    #: When it was last told something higher: raises are spaced.
    raised_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["evse__station__name", "evse__station_id", "evse__number"]

    def __str__(self):
        return f"{self.evse}"


class LoadSample(models.Model):
    """A minute of a site, for the chart of its day."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="load_samples")
    at = models.DateTimeField()
    #: On the phase that had least left: A.
    draw_a = models.DecimalField(max_digits=7, decimal_places=1)
    building_a = models.DecimalField(max_digits=7, decimal_places=1)
    given_a = models.DecimalField(max_digits=7, decimal_places=1)
    limit_a = models.DecimalField(max_digits=7, decimal_places=1)

    class Meta:
        ordering = ["at"]
        constraints = [
            models.UniqueConstraint(fields=["site", "at"], name="one_load_sample_per_minute"),
        ]
        indexes = [models.Index(fields=["at"], name="load_samples_by_age")]

    def __str__(self):
        return f"{self.site} {self.at:%Y-%m-%d %H:%M}"
