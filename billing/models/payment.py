"""Money on its way: every step is a row with a state before the payment provider hears of it."""

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.tariff import Quote
from bookings.models import Booking
from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User
from stations.models import Session, Settlement


class Customer(models.Model):
    """A driver at the payment provider."""

    user = models.OneToOneField(User, models.PROTECT, related_name="customer")
    stripe_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return str(self.user)


class CardQuerySet(models.QuerySet):
    def of_driver(self, user):
        """The driver's cards that can still be used, the default one first."""
        return self.filter(customer__user=user, removed_at=None)


class Card(models.Model):
    """A saved card: what the driver may see of it; the card itself is at the provider."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="cards")
    stripe_id = models.CharField(max_length=255, unique=True)
    brand = models.CharField(max_length=30)
    last4 = models.CharField(max_length=4)
    exp_month = models.PositiveSmallIntegerField()
    exp_year = models.PositiveSmallIntegerField()
    is_default = models.BooleanField(default=False)
    removed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CardQuerySet.as_manager()

    class Meta:
        ordering = ["-is_default", "-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer"], condition=Q(is_default=True, removed_at=None), name="one_default_card"
            )
        ]
        # A guest finds their receipt by it.
        indexes = [models.Index(fields=["last4"], name="cards_by_last_digits")]

    def __str__(self):
        return f"{self.brand.title()} •••• {self.last4}"


class PaymentQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        mine = Q(user_id=access.user_id) if access.user_id else Q(pk__in=[])
        return self.filter(access.operators(permission) | mine)

    def of_driver(self, user):
        return self.filter(user=user)

    def live(self):
        """Holds that are being placed, stand, or are being charged."""
        return self.filter(state__in=Payment.LIVE)

    def at_terminal(self):
        """Taken by a charger's own terminal, and not through our payment provider."""
        return self.filter(method=Payment.Method.TERMINAL)


class Payment(models.Model):
    """One hold on one card, and what became of it. billing/payments.py has the table of legal steps."""

    class State(models.TextChoices):
        NEW = "new", _("Being placed")
        NEEDS_ACTION = "needs_action", _("Needs the driver's confirmation")
        HELD = "held", _("Held")
        CAPTURING = "capturing", _("Being charged")
        CAPTURED = "captured", _("Charged")
        RELEASING = "releasing", _("Being released")
        RELEASED = "released", _("Released")
        FAILED = "failed", _("Failed")

    class Purpose(models.TextChoices):
        SESSION = "session", _("Charging")
        NO_SHOW = "no_show", _("Slot not used")
        PLAN = "plan", _("Plan's fee")

    class Method(models.TextChoices):
        CARD = "card", _("Card")
        WALLET = "wallet", _("Wallet")
        TERMINAL = "terminal", _("Charger's terminal")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="payments")
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="payments")
    purpose = models.CharField(max_length=10, choices=Purpose, default=Purpose.SESSION)
    method = models.CharField(max_length=8, choices=Method, default=Method.CARD)
    quote = models.ForeignKey(Quote, models.SET_NULL, null=True, blank=True, related_name="payments")
    booking = models.ForeignKey(Booking, models.SET_NULL, null=True, blank=True, related_name="payments")
    session = models.ForeignKey(Session, models.SET_NULL, null=True, blank=True, related_name="payments")
    #: What the charger's terminal said of it (2.1 NotifySettlement).
    settlement = models.OneToOneField(
        Settlement, models.PROTECT, null=True, blank=True, related_name="payment", editable=False
    )
    card = models.ForeignKey(Card, models.SET_NULL, null=True, blank=True, related_name="payments")
    state = models.CharField(max_length=14, choices=State, default=State.NEW)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=12, decimal_places=3, help_text=_("To hold."))
    amount_to_capture = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    amount_captured = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    amount_refunded = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    stripe_intent = models.CharField(max_length=255, blank=True, db_index=True)
    #: The provider's page on which a guest places the hold; its intent is known once they have.
    stripe_checkout = models.CharField(max_length=255, blank=True, db_index=True)
    capture_before = models.DateTimeField(null=True, blank=True)
    #: The bank lets this hold be raised (Stripe's *incremental authorization*).
    may_raise = models.BooleanField(default=False, editable=False)
    #: The hold in whose place this one was put, because that one was about to expire.
    replaces = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="replacements", editable=False
    )
    action_url = models.URLField(max_length=500, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payments_are_above_zero"),
            models.CheckConstraint(
                condition=Q(amount_captured__lte=F("amount")), name="capture_within_the_hold"
            ),
            models.CheckConstraint(
                condition=Q(amount_refunded__lte=F("amount_captured")), name="refund_within_the_capture"
            ),
            # One hold is reused on a retried start: a session or a booking never has two live ones.
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(state__in=["new", "needs_action", "held", "capturing"], purpose="session"),
                name="one_live_hold_per_session",
            ),
            models.UniqueConstraint(
                fields=["booking", "purpose"],
                condition=Q(state__in=["new", "needs_action", "held", "capturing"]),
                name="one_live_hold_per_booking",
            ),
            models.CheckConstraint(
                condition=Q(settlement=None) ^ Q(method="terminal"), name="terminal_payments_are_settlements"
            ),
            models.UniqueConstraint(
                fields=["replaces"],
                condition=Q(state__in=["new", "needs_action", "held", "capturing"]),
                name="one_live_hold_in_place_of_another",
            ),
            models.UniqueConstraint(
                fields=["booking"],
                condition=Q(purpose="no_show") & ~Q(state="failed"),
                name="one_no_show_fee_per_booking",
            ),
        ]
        indexes = [
            models.Index(
                fields=["updated_at"],
                condition=Q(state__in=["new", "needs_action", "held", "capturing", "releasing"]),
                name="payments_under_way",
            )
        ]

    LIVE = (State.NEW, State.NEEDS_ACTION, State.HELD, State.CAPTURING)

    def __str__(self):
        return f"{self.amount} {self.currency} ({self.get_state_display()})"

    @property
    def refundable(self):
        """What we can give back; what a terminal took, its operator gives back there."""
        if self.method == self.Method.TERMINAL:
            return Decimal(0)
        return self.amount_captured - self.amount_refunded


class Refund(models.Model):
    """Money back, always with a credit note."""

    class State(models.TextChoices):
        NEW = "new", _("Being sent")
        DONE = "done", _("Refunded")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    amount = models.DecimalField(max_digits=12, decimal_places=3)
    reason = models.CharField(max_length=200)
    state = models.CharField(max_length=8, choices=State, default=State.NEW)
    stripe_id = models.CharField(max_length=255, blank=True)
    error_message = models.CharField(max_length=255, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="refunds_are_above_zero"),
            # Whoever hears of a refund first writes it down; the second finds it.
            models.UniqueConstraint(
                fields=["stripe_id"], condition=~Q(stripe_id=""), name="one_row_per_refund"
            ),
        ]

    def __str__(self):
        return f"{self.amount} {self.payment.currency} back"


class WebhookEvent(models.Model):
    """An event of the payment provider, inserted in the same transaction as its effect."""

    id = models.CharField(primary_key=True, max_length=255)
    type = models.CharField(max_length=80)
    object_id = models.CharField(max_length=255, blank=True)
    effect = models.CharField(max_length=120, blank=True)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-received_at"]

    def __str__(self):
        return f"{self.type} {self.object_id}"
