"""Plans that drivers subscribe to, who has, and what their periods include."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing import invoicing, subscribing, vat
from billing.models.books import OfOperator
from billing.models.invoice import Invoice
from billing.models.payment import Payment
from billing.models.price_group import key
from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User
from stations.models import Session, Site


class PlanQuerySet(OfOperator):
    def on_sale(self, at):
        began = Q(on_sale_from=None) | Q(on_sale_from__lte=at)
        return self.filter(began, Q(on_sale_until=None) | Q(on_sale_until__gt=at), versions__isnull=False)


class Plan(models.Model):
    """What a driver can subscribe to at an operator. Fee and included energy are its versions' matter."""

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="plans")
    key = models.CharField(
        _("key"),
        max_length=34,
        validators=[key],
        help_text=_("Tariffs name its prices by “plan:” and this. It stays."),
    )
    name = models.CharField(_("name"), max_length=80)
    text = models.CharField(_("text for drivers"), max_length=300, blank=True)
    #: None: at all of the operator's.
    sites = models.ManyToManyField(
        Site, blank=True, related_name="plans", help_text=_("Where it counts; everywhere if none is chosen.")
    )
    on_sale_from = models.DateTimeField(_("on sale from"), null=True, blank=True)
    on_sale_until = models.DateTimeField(_("on sale until"), null=True, blank=True)
    least_months = models.PositiveSmallIntegerField(
        _("minimum months"), default=1, validators=[MinValueValidator(1), MaxValueValidator(24)]
    )
    grace_days = models.PositiveSmallIntegerField(
        _("days of grace"),
        default=7,
        validators=[MaxValueValidator(27)],
        help_text=_("So long it still counts after a renewal that was not paid; then it ends."),
    )
    notice_days = models.PositiveSmallIntegerField(
        _("days of notice"),
        default=30,
        validators=[MaxValueValidator(180)],
        help_text=_("So long before a renewal drivers hear of another fee."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PlanQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["operator", "key"], name="one_plan_per_key"),
            models.CheckConstraint(condition=Q(least_months__gte=1), name="plans_run_a_month_at_least"),
        ]

    def __str__(self):
        return self.name

    @property
    def group(self) -> str:
        """The price group that its drivers are in (billing/groups.py)."""
        return f"plan:{self.key}"

    @property
    def newest(self):
        return self.versions.order_by("-number").first()


class PlanVersion(models.Model):
    """What a subscriber agrees to: the fee for a month and the energy in it. It never changes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    plan = models.ForeignKey(Plan, models.CASCADE, related_name="versions")
    number = models.PositiveSmallIntegerField()
    currency = models.CharField(max_length=3)
    #: A month, with VAT.
    fee = models.DecimalField(_("fee a month, with VAT"), max_digits=9, decimal_places=3)
    vat_percent = models.DecimalField(_("VAT in per cent"), max_digits=5, decimal_places=2)
    included_kwh = models.DecimalField(_("included kWh a month"), max_digits=8, decimal_places=3, default=0)
    published_at = models.DateTimeField(auto_now_add=True)
    published_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    #: At the provider, with VAT and without; both made on first need.
    stripe_price = models.CharField(max_length=255, blank=True, db_index=True)
    stripe_price_net = models.CharField(max_length=255, blank=True, db_index=True)

    class Meta:
        ordering = ["plan", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="one_plan_version_per_number"),
            models.CheckConstraint(condition=Q(fee__gt=0), name="plan_fees_are_above_zero"),
            models.CheckConstraint(
                condition=Q(included_kwh__gte=0) & Q(vat_percent__gte=0),
                name="plans_include_no_less_than_none",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="plan_versions_never_change",
                exclude=["stripe_price", "stripe_price_net", "published_by", "published_at"],
            )
        ]

    def __str__(self):
        return f"{self.plan} v{self.number}"

    @property
    def included_wh(self) -> Decimal:
        return self.included_kwh * 1000

    @property
    def net_fee(self) -> Decimal:
        return invoicing.net_of(self.fee, self.vat_percent, self.currency)

    def fee_for(self, category: str) -> Decimal:
        """What a customer of this VAT category is charged a month."""
        return self.fee if category == vat.STANDARD else self.net_fee

    def price_for(self, category: str) -> str:
        """Its id at the provider; empty while it isn't made."""
        return self.stripe_price if category == vat.STANDARD else self.stripe_price_net


class SubscriptionQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        mine = Q(user_id=access.user_id) if access.user_id else Q(pk__in=[])
        return self.filter(access.operators(permission) | mine)

    def run_by(self, access: Access, permission: str = "view_money"):
        return self.filter(access.operators(permission))

    def of_driver(self, user):
        return self.filter(user=user)

    def running(self):
        return self.filter(state__in=sorted(subscribing.RUNNING))

    def open(self):
        return self.exclude(state=Subscription.State.ENDED)

    def with_plan(self):
        return self.select_related("plan__operator", "version", "next_version", "user")


class Subscription(models.Model):
    """A driver's subscription; billing/subscribing.py has its states. The provider knows what is true."""

    class State(models.TextChoices):
        INCOMPLETE = "incomplete", _("Not paid yet")
        ACTIVE = "active", _("Active")
        CANCELLING = "cancelling", _("Canceled")
        PAST_DUE = "past_due", _("Payment failed")
        ENDED = "ended", _("Ended")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="subscriptions")
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="subscriptions")
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="subscriptions")
    #: What the current period was agreed to with.
    version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="subscriptions")
    #: What holds from the next period on, as the provider has been told.
    next_version = models.ForeignKey(
        PlanVersion, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    #: A newer version of the plan that the driver was told of, and when.
    noticed = models.ForeignKey(
        PlanVersion, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    noticed_at = models.DateTimeField(null=True, blank=True, editable=False)
    state = models.CharField(max_length=12, choices=State, default=State.INCOMPLETE)
    #: How the fee of the current period is taxed (UNTDID 5305), and under which VAT id where that is the
    #: customer's matter; frozen when it was begun. A change begins with the renewal after it.
    vat_category = models.CharField(max_length=2, default=vat.STANDARD, editable=False)
    vat_id = models.CharField(max_length=20, blank=True, editable=False)
    #: What holds from the next period on, as the provider has been told; empty: the same.
    next_vat_category = models.CharField(max_length=2, blank=True, default="", editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    period_start = models.DateTimeField(null=True, blank=True)
    period_end = models.DateTimeField(null=True, blank=True)
    past_due_since = models.DateTimeField(null=True, blank=True)
    #: When the driver wants it to end, and whether the provider has been told so.
    ends_at = models.DateTimeField(null=True, blank=True)
    ends_there = models.BooleanField(default=False, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    #: A switch that is under way: to what, and when it was asked for.
    switching_to = models.ForeignKey(
        PlanVersion, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    switch_key = models.UUIDField(null=True, blank=True, editable=False)
    switch_begun_at = models.DateTimeField(null=True, blank=True, editable=False)
    stripe_checkout = models.CharField(max_length=255, blank=True, db_index=True)
    #: Unknown until the driver has paid on the provider's page.
    stripe_id = models.CharField(max_length=255, blank=True, db_index=True)
    stripe_item = models.CharField(max_length=255, blank=True)
    #: When the provider was last asked: an older answer changes nothing.
    asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "operator"],
                condition=~Q(state="ended"),
                name="one_plan_per_driver_and_operator",
            ),
            models.UniqueConstraint(
                fields=["stripe_id"], condition=~Q(stripe_id=""), name="one_row_per_subscription"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["incomplete", "ended"])
                | Q(started_at__isnull=False, period_start__isnull=False, period_end__isnull=False),
                name="running_plans_have_a_period",
            ),
            models.CheckConstraint(
                condition=Q(vat_category="S") | ~Q(vat_id=""), name="who_owes_a_plans_tax_has_a_vat_id"
            ),
            models.CheckConstraint(
                condition=Q(switching_to=None, switch_key=None)
                | Q(switching_to__isnull=False, switch_key__isnull=False),
                name="a_switch_has_its_key",
            ),
        ]
        indexes = [
            models.Index(fields=["asked_at"], condition=~Q(state="ended"), name="plans_under_way"),
        ]

    def __str__(self):
        return f"{self.plan} ({self.get_state_display()})"

    @property
    def is_running(self) -> bool:
        return self.state in subscribing.RUNNING

    @property
    def fee(self) -> Decimal:
        return self.version.fee_for(self.vat_category)

    @property
    def next_category(self) -> str:
        """Of the next period, as the provider knows it."""
        return self.next_vat_category or self.vat_category

    @property
    def next_fee(self) -> Decimal:
        return (self.next_version or self.version).fee_for(self.next_category)

    @property
    def facts(self) -> subscribing.Facts:
        return subscribing.Facts(
            state=subscribing.State(self.state),
            started_at=self.started_at,
            ends_at=self.ends_at if self.state != self.State.ENDED else None,
            ended_at=self.ended_at,
            past_due_since=self.past_due_since,
            grace=timedelta(days=self.plan.grace_days),
        )

    def counts(self, at) -> bool:
        """Whether a charge that begins then is charged by the plan."""
        return subscribing.counts(self.facts, at)

    @property
    def grace_until(self):
        return self.past_due_since and self.past_due_since + timedelta(days=self.plan.grace_days)

    @property
    def period(self):
        """The row of the current period; None while it is not known."""
        return self.periods.filter(starts_at=self.period_start).first()


class PlanPeriod(models.Model):
    """A paid month: the energy in it, and how much of that is used. Its row is the lock of the sharing."""

    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="periods")
    version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    included_wh = models.DecimalField(max_digits=14, decimal_places=3, default=0)
    used_wh = models.DecimalField(max_digits=14, decimal_places=3, default=0)

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            models.UniqueConstraint(fields=["subscription", "starts_at"], name="one_plan_period_per_start"),
            models.CheckConstraint(
                condition=Q(used_wh__gte=0) & Q(used_wh__lte=F("included_wh")),
                name="no_more_is_used_than_a_plan_includes",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="plan_periods_have_a_length"
            ),
        ]

    def __str__(self):
        return f"{self.starts_at:%Y-%m-%d}"

    @property
    def left_wh(self) -> Decimal:
        return self.included_wh - self.used_wh


class AllowanceUse(models.Model):
    """How much of a period's energy a billed charge has used."""

    period = models.ForeignKey(PlanPeriod, models.PROTECT, related_name="uses")
    session = models.OneToOneField(Session, models.CASCADE, related_name="allowance_use")
    wh = models.DecimalField(max_digits=14, decimal_places=3)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(wh__gte=0), name="allowance_uses_are_not_negative")]

    def __str__(self):
        return f"{self.wh} Wh"


class PlanInvoice(models.Model):
    """An invoice of the provider's for a subscription, and the document that we issued for it once paid."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        PAID = "paid", _("Paid")
        VOID = "void", _("Void")

    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="plan_invoices")
    stripe_id = models.CharField(max_length=255, unique=True)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    currency = models.CharField(max_length=3)
    total = models.DecimalField(max_digits=12, decimal_places=3)
    at = models.DateTimeField()
    payment = models.OneToOneField(
        Payment, models.PROTECT, null=True, blank=True, related_name="plan_invoice"
    )
    document = models.OneToOneField(
        Invoice, models.PROTECT, null=True, blank=True, related_name="plan_invoice"
    )

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self):
        return self.stripe_id
