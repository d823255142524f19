import datetime
import uuid
from decimal import Decimal

import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import billing.ledger
import billing.models.export
import billing.models.invoice
import stations.models.site


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("accounts", "__first__"),
        ("bookings", "0001_initial"),
        ("stations", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Payout",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stripe_id", models.CharField(max_length=255, unique=True)),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.DecimalField(decimal_places=3, max_digits=14)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Waits"),
                            ("in_transit", "On its way"),
                            ("paid", "At the bank"),
                            ("failed", "Failed"),
                            ("canceled", "Cancelled"),
                        ],
                        max_length=10,
                    ),
                ),
                ("is_automatic", models.BooleanField(default=True)),
                ("opened_at", models.DateTimeField()),
                ("arrives_at", models.DateTimeField()),
                ("failure", models.CharField(blank=True, max_length=255)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ["-opened_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="PlanPeriod",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("included_wh", models.DecimalField(decimal_places=3, default=0, max_digits=14)),
                ("used_wh", models.DecimalField(decimal_places=3, default=0, max_digits=14)),
            ],
            options={
                "ordering": ["-starts_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("used_wh__gte", 0), ("used_wh__lte", models.F("included_wh"))),
                        name="no_more_is_used_than_a_plan_includes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="plan_periods_have_a_length",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookEvent",
            fields=[
                ("id", models.CharField(max_length=255, primary_key=True, serialize=False)),
                ("type", models.CharField(max_length=80)),
                ("object_id", models.CharField(blank=True, max_length=255)),
                ("effect", models.CharField(blank=True, max_length=120)),
                ("received_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-received_at"],
            },
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("private", "Private"),
                            ("business", "Business"),
                            ("reseller", "Reseller of charging"),
                        ],
                        default="private",
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=150, verbose_name="name or company")),
                ("street", models.CharField(blank=True, max_length=200, verbose_name="street")),
                ("postcode", models.CharField(blank=True, max_length=20, verbose_name="postcode")),
                ("city", models.CharField(blank=True, max_length=100, verbose_name="town")),
                ("country", models.CharField(blank=True, max_length=2, verbose_name="country")),
                ("vat_id", models.CharField(blank=True, max_length=20, verbose_name="VAT id")),
                ("vat_id_known", models.BooleanField(blank=True, editable=False, null=True)),
                ("vat_id_asked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "reference",
                    models.CharField(
                        blank=True,
                        help_text="A cost centre or order number; public bodies: the Leitweg-ID. It stands on the invoice.",
                        max_length=60,
                        verbose_name="your reference",
                    ),
                ),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="invoices to")),
                (
                    "language",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("en", "English"),
                            ("de", "Deutsch"),
                            ("fr", "Français"),
                            ("nl", "Nederlands"),
                            ("es", "Español"),
                            ("it", "Italiano"),
                        ],
                        max_length=10,
                        verbose_name="language",
                    ),
                ),
                (
                    "invoicing",
                    models.CharField(
                        choices=[("each", "An invoice for each charge"), ("monthly", "One invoice a month")],
                        default="each",
                        max_length=10,
                        verbose_name="invoices",
                    ),
                ),
                (
                    "on_account",
                    models.BooleanField(
                        default=False,
                        help_text="Its drivers charge without a card; the month's invoice is paid by transfer.",
                    ),
                ),
                (
                    "payment_days",
                    models.PositiveSmallIntegerField(default=14, help_text="Days until it is due."),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "operator",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="fleets",
                        to="accounts.operator",
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="billing_account",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name", "pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("user", None), ("operator", None), _connector="XOR"),
                        name="account_is_a_drivers_or_a_fleets",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("on_account", False),
                            models.Q(("invoicing", "monthly"), ("user", None)),
                            _connector="OR",
                        ),
                        name="only_fleets_charge_on_account",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AccountDriver",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("cost_centre", models.CharField(blank=True, max_length=60)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drivers",
                        to="billing.account",
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.operator",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="fleet_places",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "operator"), name="one_fleet_per_driver_and_operator"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Books",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        default="Europe/Berlin",
                        max_length=64,
                        validators=[stations.models.site.check_time_zone],
                        verbose_name="time zone",
                    ),
                ),
                (
                    "iban",
                    models.CharField(
                        blank=True,
                        help_text="Stands on monthly invoices.",
                        max_length=34,
                        verbose_name="IBAN",
                    ),
                ),
                ("bic", models.CharField(blank=True, max_length=11, verbose_name="BIC")),
                (
                    "consultant",
                    models.CharField(
                        blank=True,
                        max_length=7,
                        validators=[django.core.validators.RegexValidator("^\\d+$", "Digits only.")],
                        verbose_name="DATEV consultant number",
                    ),
                ),
                (
                    "client",
                    models.CharField(
                        blank=True,
                        max_length=5,
                        validators=[django.core.validators.RegexValidator("^\\d+$", "Digits only.")],
                        verbose_name="DATEV client number",
                    ),
                ),
                (
                    "fiscal_year_month",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "1"),
                            (2, "2"),
                            (3, "3"),
                            (4, "4"),
                            (5, "5"),
                            (6, "6"),
                            (7, "7"),
                            (8, "8"),
                            (9, "9"),
                            (10, "10"),
                            (11, "11"),
                            (12, "12"),
                        ],
                        default=1,
                        verbose_name="fiscal year begins in month",
                    ),
                ),
                (
                    "account_length",
                    models.PositiveSmallIntegerField(
                        choices=[(4, "4"), (5, "5"), (6, "6"), (7, "7"), (8, "8")],
                        default=4,
                        verbose_name="length of G/L accounts",
                    ),
                ),
                (
                    "receivables",
                    models.CharField(
                        blank=True,
                        help_text="The contra account of every document: cards in transit, or a collective customer.",
                        max_length=9,
                        validators=[django.core.validators.RegexValidator("^\\d+$", "Digits only.")],
                        verbose_name="receivables account",
                    ),
                ),
                (
                    "operator",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="books",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "books",
            },
        ),
        migrations.CreateModel(
            name="Cdr",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("groups", models.JSONField(blank=True, default=list)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Charging"),
                            ("review", "Needs a look"),
                            ("priced", "Priced"),
                            ("settled", "Paid"),
                            ("on_account", "On the month's invoice"),
                            ("unpaid", "Unpaid"),
                            ("waived", "Not charged"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("review", models.CharField(blank=True, max_length=200)),
                ("currency", models.CharField(max_length=3)),
                ("lines", models.JSONField(default=list)),
                ("net", models.DecimalField(decimal_places=3, default=0, max_digits=12)),
                ("tax", models.DecimalField(decimal_places=3, default=0, max_digits=12)),
                ("gross", models.DecimalField(decimal_places=3, default=0, max_digits=12)),
                ("vat_category", models.CharField(default="S", max_length=2)),
                ("priced_at", models.DateTimeField(blank=True, null=True)),
                ("reviewed_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "session",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="cdr", to="stations.session"
                    ),
                ),
                (
                    "vehicle",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="accounts.vehicle",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["state"], name="billing_cdr_state_8e6cf4_idx")],
            },
        ),
        migrations.CreateModel(
            name="ClosedMonth",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("month", models.DateField(help_text="Its first day.")),
                ("closed_at", models.DateTimeField()),
                ("reopened_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, max_length=200)),
                (
                    "closed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="closed_months",
                        to="accounts.operator",
                    ),
                ),
                (
                    "reopened_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-month", "-closed_at"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("reopened_at", None)),
                        fields=("operator", "month"),
                        name="a_month_is_closed_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("month__day", 1)), name="a_month_is_its_first_day"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("reopened_at", None), models.Q(("reason", ""), _negated=True), _connector="OR"
                        ),
                        name="reopening_needs_a_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stripe_id", models.CharField(blank=True, max_length=255, null=True, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="customer",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Card",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stripe_id", models.CharField(max_length=255, unique=True)),
                ("brand", models.CharField(max_length=30)),
                ("last4", models.CharField(max_length=4)),
                ("exp_month", models.PositiveSmallIntegerField()),
                ("exp_year", models.PositiveSmallIntegerField()),
                ("is_default", models.BooleanField(default=False)),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="cards",
                        to="billing.customer",
                    ),
                ),
            ],
            options={
                "ordering": ["-is_default", "-created_at"],
                "indexes": [models.Index(fields=["last4"], name="cards_by_last_digits")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True), ("removed_at", None)),
                        fields=("customer",),
                        name="one_default_card",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Difference",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("day", models.DateField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("missing_here", "Missing in our ledger"),
                            ("missing_there", "Missing at the provider"),
                            ("amount", "Amount differs"),
                            ("fee", "Fee not booked"),
                            ("state", "State differs"),
                            ("duplicate", "Twice on one side"),
                            ("unknown", "Unknown object"),
                        ],
                        max_length=14,
                    ),
                ),
                ("what", models.CharField(max_length=20)),
                ("object_id", models.CharField(max_length=255)),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.DecimalField(decimal_places=3, max_digits=14)),
                ("ours", models.CharField(max_length=255)),
                ("theirs", models.CharField(max_length=255)),
                (
                    "mend",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "By hand"),
                            ("learn_payment", "Take over the provider's state of the payment"),
                            ("learn_refund", "Take over the refund, with its credit note"),
                            ("learn_dispute", "Take over the dispute"),
                            ("learn_payout", "Take over the payout"),
                            ("book", "Book what our rows say"),
                        ],
                        max_length=14,
                    ),
                ),
                ("advice", models.CharField(max_length=255)),
                ("found_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, max_length=200)),
                (
                    "accepted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="differences",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "ordering": ["-day", "found_at"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("operator", "day", "kind", "what", "object_id", "currency"),
                        name="one_difference_per_object",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Export",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("kind", models.CharField(max_length=20)),
                ("format", models.CharField(max_length=8)),
                ("params", models.JSONField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("running", "Under way"),
                            ("done", "Ready"),
                            ("failed", "Failed"),
                            ("expired", "Deleted after its time"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("claimed_at", models.DateTimeField(blank=True, null=True)),
                ("done", models.PositiveIntegerField(default=0, help_text="Documents written so far.")),
                ("of", models.PositiveIntegerField(default=0)),
                ("rows", models.PositiveIntegerField(default=0)),
                ("totals", models.JSONField(default=dict)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("size", models.PositiveBigIntegerField(default=0)),
                (
                    "file",
                    models.FileField(
                        blank=True,
                        editable=False,
                        storage=billing.models.export.private_storage,
                        upload_to=billing.models.export.export_path,
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=120)),
                ("problems", models.JSONField(default=list)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("expires_at", models.DateTimeField()),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exports",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "running"])),
                        fields=["created_at"],
                        name="exports_to_make",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FeeDebt",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.DecimalField(decimal_places=3, max_digits=12)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Unpaid"), ("paid", "Paid"), ("waived", "Not charged")],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "booking",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fee_debt",
                        to="bookings.booking",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fee_debts",
                        to="accounts.operator",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="fee_debts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["created_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "open")), fields=["user"], name="open_fee_debts"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="fee_debts_are_above_zero"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HoldRules",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "when_used_up",
                    models.CharField(
                        choices=[
                            ("raise", "Raise the hold, and stop where that is refused"),
                            ("stop", "Stop charging"),
                        ],
                        default="raise",
                        max_length=8,
                        verbose_name="when the hold is used up",
                    ),
                ),
                (
                    "most",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        help_text="For one session, in the operator's currency. Empty: four times what is held at the start.",
                        max_digits=12,
                        null=True,
                        verbose_name="most that is held",
                    ),
                ),
                (
                    "site",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="hold_rules",
                        to="stations.site",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "hold rules",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("most", None), ("most__gt", 0), _connector="OR"),
                        name="most_that_is_held_is_above_zero",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HolidayCalendar",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("days", models.JSONField(default=list, verbose_name="days")),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="holiday_calendars",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("operator", "name"), name="one_holiday_calendar_per_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="Host",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=150, verbose_name="name or company")),
                ("street", models.CharField(blank=True, max_length=200, verbose_name="street")),
                ("postcode", models.CharField(blank=True, max_length=20, verbose_name="postcode")),
                ("city", models.CharField(blank=True, max_length=100, verbose_name="town")),
                ("country", models.CharField(default="DE", max_length=2, verbose_name="country")),
                ("vat_id", models.CharField(blank=True, max_length=20, verbose_name="VAT id")),
                (
                    "tax_number",
                    models.CharField(
                        blank=True,
                        help_text="Where there is no VAT id.",
                        max_length=30,
                        verbose_name="tax number",
                    ),
                ),
                (
                    "vat_percent",
                    models.DecimalField(
                        decimal_places=2,
                        default=19,
                        help_text="0 for a small business that charges no VAT.",
                        max_digits=5,
                        verbose_name="VAT rate, %",
                    ),
                ),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                (
                    "language",
                    models.CharField(
                        choices=[
                            ("en", "English"),
                            ("de", "Deutsch"),
                            ("fr", "Français"),
                            ("nl", "Nederlands"),
                            ("es", "Español"),
                            ("it", "Italiano"),
                        ],
                        default="en",
                        max_length=10,
                        verbose_name="language",
                    ),
                ),
                ("iban", models.CharField(blank=True, max_length=34, verbose_name="IBAN")),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="hosts",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="HostShare",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("valid_from", models.DateField(verbose_name="from")),
                (
                    "percent",
                    models.DecimalField(
                        decimal_places=2, default=0, max_digits=5, verbose_name="share of net revenue, %"
                    ),
                ),
                (
                    "per_kwh",
                    models.DecimalField(
                        decimal_places=5, default=0, max_digits=8, verbose_name="for each kWh"
                    ),
                ),
                (
                    "host",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="shares", to="billing.host"
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="host_shares",
                        to="stations.site",
                    ),
                ),
            ],
            options={
                "ordering": ["site", "-valid_from"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("site", "valid_from"), name="one_host_share_per_site_and_day"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("per_kwh__gte", 0), ("percent__gte", 0), ("percent__lte", 100)),
                        name="host_shares_are_shares",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Invoice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sequence", models.PositiveBigIntegerField()),
                ("number", models.CharField(max_length=40)),
                (
                    "link",
                    models.CharField(
                        default=billing.models.invoice.new_link, editable=False, max_length=32, unique=True
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("380", "Invoice"), ("381", "Credit note"), ("389", "Host's statement")],
                        default="380",
                        max_length=3,
                    ),
                ),
                ("issued_at", models.DateTimeField()),
                ("supplied_on", models.DateField()),
                ("booked_on", models.DateField()),
                ("period_start", models.DateField(blank=True, help_text="BT-73", null=True)),
                ("period_end", models.DateField(blank=True, help_text="BT-74: its last day", null=True)),
                ("due_on", models.DateField(blank=True, help_text="BT-9", null=True)),
                ("language", models.CharField(default="en", max_length=10)),
                ("vat_country", models.CharField(help_text="Where the tax is owed.", max_length=2)),
                ("currency", models.CharField(max_length=3)),
                ("seller", models.JSONField()),
                ("buyer", models.JSONField()),
                ("details", models.JSONField(default=dict)),
                (
                    "issued_in",
                    models.BigIntegerField(
                        db_default=billing.models.invoice.CurrentTransaction(), editable=False
                    ),
                ),
                ("net", models.DecimalField(decimal_places=3, max_digits=12)),
                ("tax", models.DecimalField(decimal_places=3, max_digits=12)),
                ("gross", models.DecimalField(decimal_places=3, max_digits=12)),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="invoices",
                        to="billing.account",
                    ),
                ),
                (
                    "booking",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invoices",
                        to="bookings.booking",
                    ),
                ),
                (
                    "cdr",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invoices",
                        to="billing.cdr",
                    ),
                ),
                (
                    "corrects",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credit_notes",
                        to="billing.invoice",
                    ),
                ),
                (
                    "host",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statements",
                        to="billing.host",
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invoices",
                        to="accounts.operator",
                    ),
                ),
                (
                    "replaces",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="billing.invoice",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invoices",
                        to="stations.site",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="invoices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-issued_at", "-pk"],
                "indexes": [
                    models.Index(fields=["operator", "-issued_at"], name="billing_inv_operato_53448b_idx"),
                    models.Index(fields=["user", "-issued_at"], name="billing_inv_user_id_2d288f_idx"),
                    models.Index(
                        fields=["operator", "booked_on", "id"], name="billing_inv_operato_96b2f2_idx"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("operator", "number"), name="one_document_per_printed_number"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "380"), ("replaces", None)),
                        fields=("cdr",),
                        name="one_invoice_per_session",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "389")),
                        fields=("host", "period_start", "currency"),
                        name="one_statement_per_host_and_month",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "gross",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("net"), "+", models.F("tax")
                                ),
                            )
                        ),
                        name="gross_is_net_and_tax",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DocumentEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("issued", "Issued"),
                            ("mailed", "Mail written"),
                            ("resent", "Sent again"),
                            ("exported", "Exported"),
                            ("credited", "Credited"),
                            ("reissued", "Issued anew with other details"),
                        ],
                        max_length=10,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("detail", models.CharField(blank=True, max_length=200)),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="billing.invoice",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "pk"],
            },
        ),
        migrations.AddField(
            model_name="cdr",
            name="billed_on",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="billed",
                to="billing.invoice",
            ),
        ),
        migrations.CreateModel(
            name="InvoiceLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveIntegerField()),
                ("kind", models.CharField(max_length=20)),
                ("text", models.CharField(max_length=200)),
                ("quantity", models.DecimalField(decimal_places=4, max_digits=14)),
                ("unit", models.CharField(blank=True, max_length=10)),
                ("unit_price", models.DecimalField(decimal_places=5, max_digits=12)),
                (
                    "per",
                    models.PositiveSmallIntegerField(
                        default=1, help_text="The unit price is for so many units (BT-149)."
                    ),
                ),
                ("vat_percent", models.DecimalField(decimal_places=2, max_digits=5)),
                (
                    "vat_category",
                    models.CharField(default="S", help_text="BT-151, UNTDID 5305", max_length=2),
                ),
                ("energy_wh", models.DecimalField(decimal_places=3, default=0, max_digits=14)),
                ("net", models.DecimalField(decimal_places=3, max_digits=12)),
                ("tax", models.DecimalField(decimal_places=3, max_digits=12)),
                ("gross", models.DecimalField(decimal_places=3, max_digits=12)),
                (
                    "cdr",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invoice_lines",
                        to="billing.cdr",
                    ),
                ),
                (
                    "corrects",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credits",
                        to="billing.invoiceline",
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="billing.invoice",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="stations.site",
                    ),
                ),
            ],
            options={
                "ordering": ["invoice", "position"],
                "constraints": [
                    models.UniqueConstraint(fields=("invoice", "position"), name="one_line_per_position"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "gross",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("net"), "+", models.F("tax")
                                ),
                            )
                        ),
                        name="line_gross_is_net_and_tax",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Journal",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("key", models.CharField(max_length=120, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("invoice", "Invoice"),
                            ("credit_note", "Credit note"),
                            ("capture", "Card charged"),
                            ("refund", "Refund"),
                            ("refund_returned", "Refund returned by the bank"),
                            ("top_up", "Wallet topped up"),
                            ("wallet_hold", "Reserved in the wallet"),
                            ("wallet_release", "Free again in the wallet"),
                            ("wallet_spend", "Paid from the wallet"),
                            ("wallet_refund", "Refund to the wallet"),
                            ("fee", "Payment fee"),
                            ("payout", "Payout"),
                            ("payout_arrived", "Payout at the bank"),
                            ("payout_returned", "Payout returned"),
                            ("dispute", "Dispute opened"),
                            ("dispute_won", "Dispute won"),
                            ("dispute_lost", "Dispute lost"),
                            ("write_off", "Written off"),
                        ],
                        max_length=20,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("booked_at", models.DateTimeField(auto_now_add=True)),
                ("reference", models.CharField(blank=True, max_length=80)),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.DecimalField(decimal_places=3, help_text="Of each side.", max_digits=14)),
                ("entry_count", models.PositiveSmallIntegerField()),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="journal",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "journal",
                "ordering": ["-at", "-pk"],
                "indexes": [models.Index(fields=["operator", "at"], name="billing_jou_operato_e6cce3_idx")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="journal_amounts_are_above_zero"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        choices=[
                            ("1000", "Bank"),
                            ("1050", "On its way to the bank"),
                            ("1100", "Payment provider"),
                            ("1150", "Disputed payments"),
                            ("1200", "Owed by drivers"),
                            ("2000", "VAT"),
                            ("2100", "Wallets"),
                            ("2110", "Wallets, reserved"),
                            ("4000", "Revenue"),
                            ("6000", "Payment fees"),
                            ("6100", "Losses on payments"),
                        ],
                        max_length=8,
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("is_personal", models.BooleanField(default=False)),
                ("balance", models.DecimalField(decimal_places=3, default=0, max_digits=14)),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accounts",
                        to="accounts.operator",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="accounts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["operator", "currency", "code", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_personal", False)),
                        fields=("operator", "code", "currency"),
                        name="one_account_per_code",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_personal", True), ("user__isnull", False)),
                        fields=("operator", "code", "currency", "user"),
                        name="one_wallet_per_driver",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("balance__gte", 0)), name="wallets_are_never_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                (
                                    "code__in",
                                    [billing.ledger.Code["WALLET"], billing.ledger.Code["WALLET_RESERVED"]],
                                ),
                                ("is_personal", True),
                            ),
                            models.Q(
                                models.Q(
                                    (
                                        "code__in",
                                        [
                                            billing.ledger.Code["WALLET"],
                                            billing.ledger.Code["WALLET_RESERVED"],
                                        ],
                                    ),
                                    _negated=True,
                                ),
                                ("is_personal", False),
                            ),
                            _connector="OR",
                        ),
                        name="wallets_are_personal",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("debit", models.DecimalField(decimal_places=3, default=0, max_digits=14)),
                ("credit", models.DecimalField(decimal_places=3, default=0, max_digits=14)),
                (
                    "journal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="billing.journal",
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="billing.ledgeraccount",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "entries",
                "ordering": ["journal", "pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("credit__gte", 0),
                            ("debit__gte", 0),
                            models.Q(("debit", 0), ("credit", 0), _connector="OR"),
                            models.Q(("debit", models.F("credit")), _negated=True),
                        ),
                        name="an_entry_has_one_side",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("session", "Charging"),
                            ("no_show", "Slot not used"),
                            ("plan", "Plan's fee"),
                        ],
                        default="session",
                        max_length=10,
                    ),
                ),
                (
                    "method",
                    models.CharField(
                        choices=[("card", "Card"), ("wallet", "Wallet")], default="card", max_length=8
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("new", "Being placed"),
                            ("needs_action", "Needs the driver's confirmation"),
                            ("held", "Held"),
                            ("capturing", "Being charged"),
                            ("captured", "Charged"),
                            ("releasing", "Being released"),
                            ("released", "Released"),
                            ("failed", "Failed"),
                        ],
                        default="new",
                        max_length=14,
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.DecimalField(decimal_places=3, help_text="To hold.", max_digits=12)),
                (
                    "amount_to_capture",
                    models.DecimalField(blank=True, decimal_places=3, max_digits=12, null=True),
                ),
                ("amount_captured", models.DecimalField(decimal_places=3, default=0, max_digits=12)),
                ("amount_refunded", models.DecimalField(decimal_places=3, default=0, max_digits=12)),
                ("stripe_intent", models.CharField(blank=True, db_index=True, max_length=255)),
                ("stripe_checkout", models.CharField(blank=True, db_index=True, max_length=255)),
                ("capture_before", models.DateTimeField(blank=True, null=True)),
                ("may_raise", models.BooleanField(default=False, editable=False)),
                ("action_url", models.URLField(blank=True, max_length=500)),
                ("error_code", models.CharField(blank=True, max_length=60)),
                ("error_message", models.CharField(blank=True, max_length=255)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "booking",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="payments",
                        to="bookings.booking",
                    ),
                ),
                (
                    "card",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="payments",
                        to="billing.card",
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payments",
                        to="accounts.operator",
                    ),
                ),
                (
                    "replaces",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="replacements",
                        to="billing.payment",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="payments",
                        to="stations.session",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="payments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("state__in", ["new", "needs_action", "held", "capturing", "releasing"])
                        ),
                        fields=["updated_at"],
                        name="payments_under_way",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="payments_are_above_zero"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_captured__lte", models.F("amount"))),
                        name="capture_within_the_hold",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_refunded__lte", models.F("amount_captured"))),
                        name="refund_within_the_capture",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("purpose", "session"),
                            ("state__in", ["new", "needs_action", "held", "capturing"]),
                        ),
                        fields=("session",),
                        name="one_live_hold_per_session",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["new", "needs_action", "held", "capturing"])),
                        fields=("booking", "purpose"),
                        name="one_live_hold_per_booking",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["new", "needs_action", "held", "capturing"])),
                        fields=("replaces",),
                        name="one_live_hold_in_place_of_another",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("purpose", "no_show"), models.Q(("state", "failed"), _negated=True)
                        ),
                        fields=("booking",),
                        name="one_no_show_fee_per_booking",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HoldIncrement",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("before", models.DecimalField(decimal_places=3, max_digits=12)),
                ("amount", models.DecimalField(decimal_places=3, max_digits=12)),
                (
                    "state",
                    models.CharField(
                        choices=[("new", "Being asked for"), ("done", "Raised"), ("refused", "Refused")],
                        default="new",
                        max_length=8,
                    ),
                ),
                ("error_code", models.CharField(blank=True, max_length=60)),
                ("error_message", models.CharField(blank=True, max_length=255)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="increments",
                        to="billing.payment",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "new")), fields=["updated_at"], name="raises_under_way"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "new")), fields=("payment",), name="one_raise_at_a_time"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", models.F("before"))), name="raises_go_up"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DebtPage",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.DecimalField(decimal_places=3, max_digits=12)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("new", "Waiting for the payment"),
                            ("paid", "Paid"),
                            ("expired", "Not paid"),
                        ],
                        default="new",
                        max_length=8,
                    ),
                ),
                ("stripe_checkout", models.CharField(blank=True, db_index=True, max_length=255)),
                ("url", models.URLField(blank=True, max_length=1000)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "cdr",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pages",
                        to="billing.cdr",
                    ),
                ),
                (
                    "fee",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pages",
                        to="billing.feedebt",
                    ),
                ),
                (
                    "payment",
                    models.OneToOneField(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="debt_page",
                        to="billing.payment",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "new")),
                        fields=["updated_at"],
                        name="debt_pages_under_way",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="debt_pages_are_above_zero"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("cdr", None), ("fee", None), _connector="XOR"),
                        name="a_debt_page_is_of_a_bill_or_a_fee",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "new")), fields=("cdr",), name="one_open_page_per_bill"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "new")), fields=("fee",), name="one_open_page_per_fee"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Plan",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        help_text="Tariffs name its prices by “plan:” and this. It stays.",
                        max_length=34,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9][a-z0-9-]*$", "Small letters, digits and hyphens."
                            )
                        ],
                        verbose_name="key",
                    ),
                ),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("text", models.CharField(blank=True, max_length=300, verbose_name="text for drivers")),
                ("on_sale_from", models.DateTimeField(blank=True, null=True, verbose_name="on sale from")),
                ("on_sale_until", models.DateTimeField(blank=True, null=True, verbose_name="on sale until")),
                (
                    "least_months",
                    models.PositiveSmallIntegerField(
                        default=1,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(24),
                        ],
                        verbose_name="minimum months",
                    ),
                ),
                (
                    "grace_days",
                    models.PositiveSmallIntegerField(
                        default=7,
                        help_text="So long it still counts after a renewal that was not paid; then it ends.",
                        validators=[django.core.validators.MaxValueValidator(27)],
                        verbose_name="days of grace",
                    ),
                ),
                (
                    "notice_days",
                    models.PositiveSmallIntegerField(
                        default=30,
                        help_text="So long before a renewal drivers hear of another fee.",
                        validators=[django.core.validators.MaxValueValidator(180)],
                        verbose_name="days of notice",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="plans",
                        to="accounts.operator",
                    ),
                ),
                (
                    "sites",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Where it counts; everywhere if none is chosen.",
                        related_name="plans",
                        to="stations.site",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("operator", "key"), name="one_plan_per_key"),
                    models.CheckConstraint(
                        condition=models.Q(("least_months__gte", 1)), name="plans_run_a_month_at_least"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AllowanceUse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("wh", models.DecimalField(decimal_places=3, max_digits=14)),
                (
                    "session",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="allowance_use",
                        to="stations.session",
                    ),
                ),
                (
                    "period",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="uses",
                        to="billing.planperiod",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("wh__gte", 0)), name="allowance_uses_are_not_negative"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PlanVersion",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "fee",
                    models.DecimalField(decimal_places=3, max_digits=9, verbose_name="fee a month, with VAT"),
                ),
                (
                    "vat_percent",
                    models.DecimalField(decimal_places=2, max_digits=5, verbose_name="VAT in per cent"),
                ),
                (
                    "included_kwh",
                    models.DecimalField(
                        decimal_places=3, default=0, max_digits=8, verbose_name="included kWh a month"
                    ),
                ),
                ("published_at", models.DateTimeField(auto_now_add=True)),
                ("stripe_price", models.CharField(blank=True, db_index=True, max_length=255)),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="billing.plan",
                    ),
                ),
                (
                    "published_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["plan", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("plan", "number"), name="one_plan_version_per_number"),
                    models.CheckConstraint(
                        condition=models.Q(("fee__gt", 0)), name="plan_fees_are_above_zero"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("included_kwh__gte", 0), ("vat_percent__gte", 0)),
                        name="plans_include_no_less_than_none",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="planperiod",
            name="version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.planversion"
            ),
        ),
        migrations.CreateModel(
            name="PriceGroup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        help_text="What tariffs name it by. It stays.",
                        max_length=40,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9][a-z0-9-]*$", "Small letters, digits and hyphens."
                            )
                        ],
                        verbose_name="key",
                    ),
                ),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="price_groups",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("operator", "key"), name="one_price_group_per_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="PriceGroupMember",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("added_at", models.DateTimeField(auto_now_add=True)),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="price_groups",
                        to="billing.account",
                    ),
                ),
                (
                    "added_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="billing.pricegroup",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="price_groups",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("user", None), ("account", None), _connector="XOR"),
                        name="member_is_driver_or_fleet",
                    ),
                    models.UniqueConstraint(fields=("group", "user"), name="one_place_per_driver_and_group"),
                    models.UniqueConstraint(
                        fields=("group", "account"), name="one_place_per_fleet_and_group"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Quote",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("energy_wh", models.DecimalField(decimal_places=3, max_digits=14)),
                ("groups", models.JSONField(blank=True, default=list)),
                ("currency", models.CharField(max_length=3)),
                ("lines", models.JSONField()),
                ("net", models.DecimalField(decimal_places=3, max_digits=12)),
                ("tax", models.DecimalField(decimal_places=3, max_digits=12)),
                ("gross", models.DecimalField(decimal_places=3, max_digits=12)),
                ("hold_amount", models.DecimalField(decimal_places=3, max_digits=12)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "booking",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="quote",
                        to="bookings.booking",
                    ),
                ),
                (
                    "evse",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="quotes", to="stations.evse"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="quotes",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="payment",
            name="quote",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="payments",
                to="billing.quote",
            ),
        ),
        migrations.AddField(
            model_name="cdr",
            name="quote",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="cdr",
                to="billing.quote",
            ),
        ),
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("currency", models.CharField(max_length=3)),
                ("ran_at", models.DateTimeField()),
                ("compared", models.PositiveIntegerField()),
                ("theirs", models.DecimalField(decimal_places=3, max_digits=14)),
                ("ours", models.DecimalField(decimal_places=3, max_digits=14)),
                ("differing", models.DecimalField(decimal_places=3, default=0, max_digits=14)),
                ("accepted", models.DecimalField(decimal_places=3, default=0, max_digits=14)),
                ("differences", models.PositiveIntegerField(default=0, help_text="That are open.")),
                (
                    "operator",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reconciliations",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "ordering": ["-day", "operator", "currency"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("operator", "day", "currency"),
                        name="one_reconciliation_per_day",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "theirs",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("ours"), "+", models.F("differing")
                                    ),
                                    "+",
                                    models.F("accepted"),
                                ),
                            )
                        ),
                        name="no_cent_is_unexplained",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("amount", models.DecimalField(decimal_places=3, max_digits=12)),
                ("reason", models.CharField(max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[("new", "Being sent"), ("done", "Refunded"), ("failed", "Failed")],
                        default="new",
                        max_length=8,
                    ),
                ),
                ("stripe_id", models.CharField(blank=True, max_length=255)),
                ("error_message", models.CharField(blank=True, max_length=255)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="billing.payment",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="refunds_are_above_zero"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("stripe_id", ""), _negated=True),
                        fields=("stripe_id",),
                        name="one_row_per_refund",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="invoice",
            name="refund",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="credit_note",
                to="billing.refund",
            ),
        ),
        migrations.CreateModel(
            name="RefundLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("gross", models.DecimalField(decimal_places=3, max_digits=12)),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="billing.invoiceline",
                    ),
                ),
                (
                    "refund",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="billing.refund"
                    ),
                ),
            ],
            options={
                "ordering": ["refund", "line__position"],
                "constraints": [
                    models.UniqueConstraint(fields=("refund", "line"), name="a_refund_names_a_line_once"),
                    models.CheckConstraint(
                        condition=models.Q(("gross__gt", 0)), name="refunded_lines_are_above_zero"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RevenueAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "country",
                    models.CharField(
                        help_text="Where the tax is owed.", max_length=2, verbose_name="country"
                    ),
                ),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("S", "Standard"),
                            ("AE", "Reverse charge"),
                            ("Z", "Zero rate"),
                            ("E", "Exempt"),
                            ("O", "Not subject to VAT"),
                        ],
                        default="S",
                        max_length=2,
                        verbose_name="VAT category",
                    ),
                ),
                ("vat_percent", models.DecimalField(decimal_places=2, max_digits=5, verbose_name="rate, %")),
                (
                    "account",
                    models.CharField(
                        max_length=9,
                        validators=[django.core.validators.RegexValidator("^\\d+$", "Digits only.")],
                        verbose_name="account",
                    ),
                ),
                (
                    "bu_key",
                    models.CharField(
                        blank=True,
                        help_text="Leave empty for accounts that reckon VAT by themselves.",
                        max_length=4,
                        validators=[django.core.validators.RegexValidator("^\\d+$", "Digits only.")],
                        verbose_name="BU key",
                    ),
                ),
                (
                    "books",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="accounts",
                        to="billing.books",
                    ),
                ),
            ],
            options={
                "ordering": ["country", "category", "-vat_percent"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("books", "country", "category", "vat_percent"),
                        name="one_account_per_vat_treatment",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Series",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("prefix", models.CharField(max_length=20)),
                ("last_number", models.PositiveBigIntegerField(default=0)),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invoice_series",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "series",
                "constraints": [
                    models.UniqueConstraint(fields=("operator", "prefix"), name="one_series_per_prefix")
                ],
            },
        ),
        migrations.AddField(
            model_name="invoice",
            name="series",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="invoices", to="billing.series"
            ),
        ),
        migrations.CreateModel(
            name="SessionWatch",
            fields=[
                (
                    "session",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="watch",
                        serialize=False,
                        to="stations.session",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("energy", "Energy"),
                            ("money", "Amount"),
                            ("time", "Time"),
                            ("soc", "State of charge"),
                            ("hold", "What is secured"),
                            ("expiry", "The hold's last moment"),
                            ("unsecured", "Not secured"),
                        ],
                        max_length=10,
                    ),
                ),
                ("at", models.DateTimeField(blank=True, db_index=True, null=True)),
                ("why", models.CharField(blank=True, max_length=120)),
                ("asked_at", models.DateTimeField(blank=True, null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                (
                    "command",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="stations.command",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Start",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("paying", "Waiting for the hold"),
                            ("asked", "The charger was asked"),
                            ("charging", "Charging"),
                            ("failed", "Did not start"),
                        ],
                        default="paying",
                        max_length=10,
                    ),
                ),
                (
                    "problem",
                    models.CharField(
                        blank=True, help_text="Why it did not start, for the driver.", max_length=255
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("asked_at", models.DateTimeField(blank=True, null=True)),
                ("expires_at", models.DateTimeField()),
                (
                    "booking",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="starts",
                        to="bookings.booking",
                    ),
                ),
                (
                    "command",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="stations.command",
                    ),
                ),
                (
                    "evse",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="starts", to="stations.evse"
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="starts",
                        to="billing.payment",
                    ),
                ),
                (
                    "quote",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="starts",
                        to="billing.quote",
                    ),
                ),
                (
                    "session",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="start",
                        to="stations.session",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="starts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["paying", "asked"])),
                        fields=["expires_at"],
                        name="starts_under_way",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["paying", "asked"])),
                        fields=("user", "evse"),
                        name="one_open_start",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ChargeLimit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "energy_wh",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        max_digits=14,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(Decimal("1"))],
                    ),
                ),
                ("money", models.DecimalField(blank=True, decimal_places=3, max_digits=12, null=True)),
                ("minutes", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "soc_percent",
                    models.PositiveSmallIntegerField(
                        blank=True, null=True, validators=[django.core.validators.MaxValueValidator(100)]
                    ),
                ),
                ("told", models.JSONField(default=dict, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "session",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="limit",
                        to="stations.session",
                    ),
                ),
                (
                    "start",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="limit",
                        to="billing.start",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("start", None), _negated=True),
                            models.Q(("session", None), _negated=True),
                            _connector="OR",
                        ),
                        name="a_limit_is_of_a_start_or_session",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("noticed_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("incomplete", "Not paid yet"),
                            ("active", "Active"),
                            ("cancelling", "Canceled"),
                            ("past_due", "Payment failed"),
                            ("ended", "Ended"),
                        ],
                        default="incomplete",
                        max_length=12,
                    ),
                ),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("period_start", models.DateTimeField(blank=True, null=True)),
                ("period_end", models.DateTimeField(blank=True, null=True)),
                ("past_due_since", models.DateTimeField(blank=True, null=True)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("ends_there", models.BooleanField(default=False, editable=False)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("switch_key", models.UUIDField(blank=True, editable=False, null=True)),
                ("switch_begun_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("stripe_checkout", models.CharField(blank=True, db_index=True, max_length=255)),
                ("stripe_id", models.CharField(blank=True, db_index=True, max_length=255)),
                ("stripe_item", models.CharField(blank=True, max_length=255)),
                ("asked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "next_version",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.planversion",
                    ),
                ),
                (
                    "noticed",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.planversion",
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subscriptions",
                        to="accounts.operator",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subscriptions",
                        to="billing.plan",
                    ),
                ),
                (
                    "switching_to",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.planversion",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="subscriptions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subscriptions",
                        to="billing.planversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "ended"), _negated=True),
                        fields=["asked_at"],
                        name="plans_under_way",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "ended"), _negated=True),
                        fields=("user", "operator"),
                        name="one_plan_per_driver_and_operator",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("stripe_id", ""), _negated=True),
                        fields=("stripe_id",),
                        name="one_row_per_subscription",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["incomplete", "ended"]),
                            models.Q(
                                ("period_end__isnull", False),
                                ("period_start__isnull", False),
                                ("started_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="running_plans_have_a_period",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("switch_key", None), ("switching_to", None)),
                            models.Q(("switch_key__isnull", False), ("switching_to__isnull", False)),
                            _connector="OR",
                        ),
                        name="a_switch_has_its_key",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="planperiod",
            name="subscription",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="periods", to="billing.subscription"
            ),
        ),
        migrations.CreateModel(
            name="PlanInvoice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stripe_id", models.CharField(max_length=255, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("paid", "Paid"), ("void", "Void")],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("total", models.DecimalField(decimal_places=3, max_digits=12)),
                ("at", models.DateTimeField()),
                (
                    "document",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="plan_invoice",
                        to="billing.invoice",
                    ),
                ),
                (
                    "payment",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="plan_invoice",
                        to="billing.payment",
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="plan_invoices",
                        to="billing.subscription",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Tariff",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tariffs",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("operator", "name"), name="one_tariff_per_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="TariffAssignment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "valid_from",
                    models.DateTimeField(
                        default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.UTC),
                        verbose_name="valid from",
                    ),
                ),
                (
                    "evse",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tariff_assignments",
                        to="stations.evse",
                        verbose_name="charge point",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tariff_assignments",
                        to="stations.site",
                        verbose_name="site",
                    ),
                ),
                (
                    "tariff",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to="billing.tariff",
                        verbose_name="tariff",
                    ),
                ),
            ],
            options={
                "ordering": ["site", "evse", "-valid_from"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("evse", None)),
                        fields=("site", "valid_from"),
                        name="one_tariff_per_site",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("evse", None), _negated=True),
                        fields=("evse", "valid_from"),
                        name="one_tariff_per_evse",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TariffDraft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("ocpi", models.JSONField(help_text="OCPI 2.3.0 tariff object")),
                ("valid_from", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "editors",
                    models.ManyToManyField(blank=True, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                (
                    "tariff",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="draft", to="billing.tariff"
                    ),
                ),
                (
                    "updated_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TariffApproval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64)),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "draft",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="approval",
                        to="billing.tariffdraft",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TariffRules",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "second_person",
                    models.BooleanField(
                        default=False,
                        verbose_name="a second person approves each version before it is published",
                    ),
                ),
                ("end_asked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "end_asked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "operator",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tariff_rules",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "tariff rules",
            },
        ),
        migrations.CreateModel(
            name="TariffVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("valid_from", models.DateTimeField()),
                ("ocpi", models.JSONField(help_text="OCPI 2.3.0 tariff object")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tariff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="billing.tariff",
                    ),
                ),
            ],
            options={
                "ordering": ["tariff", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("tariff", "number"), name="one_tariff_version_per_number")
                ],
            },
        ),
        migrations.AddField(
            model_name="quote",
            name="version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="quotes", to="billing.tariffversion"
            ),
        ),
        migrations.AddField(
            model_name="cdr",
            name="version",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="cdrs",
                to="billing.tariffversion",
            ),
        ),
        migrations.CreateModel(
            name="TopUp",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.DecimalField(decimal_places=3, max_digits=12)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("new", "Waiting for the payment"),
                            ("paid", "Paid"),
                            ("expired", "Not paid"),
                        ],
                        default="new",
                        max_length=8,
                    ),
                ),
                ("stripe_checkout", models.CharField(blank=True, db_index=True, max_length=255)),
                ("stripe_intent", models.CharField(blank=True, db_index=True, max_length=255)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="top_ups",
                        to="accounts.operator",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="top_ups",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "new")), fields=["updated_at"], name="top_ups_under_way"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="top_ups_are_above_zero"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Dispute",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("stripe_id", models.CharField(max_length=255, unique=True)),
                ("stripe_charge", models.CharField(max_length=255)),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.DecimalField(decimal_places=3, max_digits=12)),
                ("reason", models.CharField(help_text="The bank's, in the provider's word.", max_length=60)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("warning_needs_response", "Inquiry: needs an answer"),
                            ("warning_under_review", "Inquiry: with the bank"),
                            ("warning_closed", "Inquiry closed"),
                            ("needs_response", "Needs an answer"),
                            ("under_review", "With the bank"),
                            ("won", "Won"),
                            ("lost", "Lost"),
                            ("prevented", "Prevented"),
                        ],
                        max_length=24,
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "evidence_state",
                    models.CharField(
                        choices=[("none", "Not sent"), ("sending", "Being sent"), ("sent", "Sent")],
                        default="none",
                        max_length=8,
                    ),
                ),
                ("evidence", models.JSONField(blank=True, default=dict)),
                ("evidence_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "evidence_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="disputes",
                        to="accounts.operator",
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="disputes",
                        to="billing.payment",
                    ),
                ),
                (
                    "top_up",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="disputes",
                        to="billing.topup",
                    ),
                ),
            ],
            options={
                "ordering": ["-opened_at", "-pk"],
                "indexes": [
                    models.Index(fields=["operator", "-opened_at"], name="billing_dis_operato_94e918_idx")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="disputes_are_above_zero"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("payment__isnull", False), ("top_up", None)),
                            models.Q(("payment", None), ("top_up__isnull", False)),
                            _connector="OR",
                        ),
                        name="a_dispute_is_of_one_payment",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BalanceTransaction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stripe_id", models.CharField(max_length=255, unique=True)),
                ("type", models.CharField(max_length=60)),
                ("category", models.CharField(max_length=60)),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.DecimalField(decimal_places=3, max_digits=14)),
                ("fee", models.DecimalField(decimal_places=3, max_digits=14)),
                ("net", models.DecimalField(decimal_places=3, max_digits=14)),
                ("at", models.DateTimeField()),
                ("available_on", models.DateTimeField()),
                ("source", models.CharField(blank=True, db_index=True, max_length=255)),
                ("intent", models.CharField(blank=True, db_index=True, max_length=255)),
                ("description", models.CharField(blank=True, max_length=255)),
                (
                    "operator",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="balance_transactions",
                        to="accounts.operator",
                    ),
                ),
                (
                    "dispute",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="balance_transactions",
                        to="billing.dispute",
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="balance_transactions",
                        to="billing.payment",
                    ),
                ),
                (
                    "payout",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="balance_transactions",
                        to="billing.payout",
                    ),
                ),
                (
                    "refund",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="balance_transactions",
                        to="billing.refund",
                    ),
                ),
                (
                    "top_up",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="balance_transactions",
                        to="billing.topup",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-pk"],
                "indexes": [
                    models.Index(fields=["at"], name="billing_bal_at_96fe87_idx"),
                    models.Index(fields=["operator", "-at"], name="billing_bal_operato_4eec93_idx"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "net",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("amount"), "-", models.F("fee")
                                ),
                            )
                        ),
                        name="net_is_amount_less_fee",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="VatRegistration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("country", models.CharField(max_length=2)),
                ("vat_id", models.CharField(max_length=20, verbose_name="VAT id")),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="vat_registrations",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "ordering": ["country"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("operator", "country"), name="one_vat_registration_per_country"
                    )
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="documentevent",
            trigger=pgtrigger.compiler.Trigger(
                name="document_events_never_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."invoice_id" IS DISTINCT FROM (NEW."invoice_id") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."at" IS DISTINCT FROM (NEW."at") OR OLD."detail" IS DISTINCT FROM (NEW."detail"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="e2cb8d45527b88bc765441b984549a6afd9046ae",
                    operation="UPDATE",
                    pgid="pgtrigger_document_events_never_change_ed0c3",
                    table="billing_documentevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="documentevent",
            trigger=pgtrigger.compiler.Trigger(
                name="document_events_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="762a6387fa1ad1286b1290814d12d25553295328",
                    operation="DELETE",
                    pgid="pgtrigger_document_events_stay_5c5d6",
                    table="billing_documentevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoiceline",
            trigger=pgtrigger.compiler.Trigger(
                name="issued_lines_never_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="6ca1bee0fbb7660bf3c7a01aa68196794f1b155e",
                    operation="UPDATE",
                    pgid="pgtrigger_issued_lines_never_change_045f3",
                    table="billing_invoiceline",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoiceline",
            trigger=pgtrigger.compiler.Trigger(
                name="issued_lines_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="6ee231f2891aff322284c69278607c33844a022c",
                    operation="DELETE",
                    pgid="pgtrigger_issued_lines_stay_b9173",
                    table="billing_invoiceline",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoiceline",
            trigger=pgtrigger.compiler.Trigger(
                name="issued_documents_get_no_lines",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF (SELECT issued_in FROM billing_invoice WHERE id = NEW.invoice_id)\n                        <> pg_current_xact_id()::text::bigint\n                    THEN RAISE EXCEPTION 'pgtrigger: This document is issued already.'; END IF;\n                    RETURN NEW;\n                ",
                    hash="ef51aa78e388889190ec0cb526d9c1e1b948c429",
                    operation="INSERT",
                    pgid="pgtrigger_issued_documents_get_no_lines_cf9b0",
                    table="billing_invoiceline",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="journal",
            trigger=pgtrigger.compiler.Trigger(
                name="journal_never_changes",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="191f76c4195d1d13280e2f07441e4e7bdb9d09e8",
                    operation="UPDATE",
                    pgid="pgtrigger_journal_never_changes_6b35c",
                    table="billing_journal",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="journal",
            trigger=pgtrigger.compiler.Trigger(
                name="journal_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="54dabc4fb9c32b0d540874ee9f1d775b44da0c3d",
                    operation="DELETE",
                    pgid="pgtrigger_journal_stays_3474c",
                    table="billing_journal",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="journal",
            trigger=pgtrigger.compiler.Trigger(
                name="journal_is_whole",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    func="\n    IF (SELECT count(e.id) <> j.entry_count\n            OR coalesce(sum(e.debit), 0) <> j.amount OR coalesce(sum(e.credit), 0) <> j.amount\n            OR NOT coalesce(bool_and(a.operator_id = j.operator_id AND a.currency = j.currency), FALSE)\n        FROM billing_journal j\n        LEFT JOIN billing_entry e ON e.journal_id = j.id\n        LEFT JOIN billing_ledgeraccount a ON a.id = e.account_id\n        WHERE j.id = NEW.id GROUP BY j.id)\n    THEN\n        RAISE EXCEPTION 'Debits and credits of journal % differ.', NEW.id\n            USING ERRCODE = 'check_violation';\n    END IF;\n    RETURN NULL;\n",
                    hash="b152718f8311debb1ff6f55dea85316db972f3b2",
                    operation="INSERT",
                    pgid="pgtrigger_journal_is_whole_c1b53",
                    table="billing_journal",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ledgeraccount",
            trigger=pgtrigger.compiler.Trigger(
                name="accounts_never_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."operator_id" IS DISTINCT FROM (NEW."operator_id") OR OLD."code" IS DISTINCT FROM (NEW."code") OR OLD."currency" IS DISTINCT FROM (NEW."currency") OR OLD."is_personal" IS DISTINCT FROM (NEW."is_personal"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="3b76d363c39b1bfab313914342a471c0479d7c10",
                    operation="UPDATE",
                    pgid="pgtrigger_accounts_never_change_db48d",
                    table="billing_ledgeraccount",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ledgeraccount",
            trigger=pgtrigger.compiler.Trigger(
                name="accounts_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="08d02520c6a2ea30f130b67710e362b1f0276678",
                    operation="DELETE",
                    pgid="pgtrigger_accounts_stay_1810e",
                    table="billing_ledgeraccount",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ledgeraccount",
            trigger=pgtrigger.compiler.Trigger(
                name="balances_come_from_entries",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."balance" IS DISTINCT FROM (NEW."balance"))',
                    func="\n    IF pg_trigger_depth() < 2 THEN\n        RAISE EXCEPTION 'A balance is changed by entries alone.' USING ERRCODE = 'check_violation';\n    END IF;\n    RETURN NEW;\n",
                    hash="254941f02412f3f8005f7e5a4b72fef705e28c8d",
                    operation="UPDATE",
                    pgid="pgtrigger_balances_come_from_entries_6448c",
                    table="billing_ledgeraccount",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="entry",
            trigger=pgtrigger.compiler.Trigger(
                name="entries_never_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="38d658d191b9bf44ee3660d5a36507c648cd5c6a",
                    operation="UPDATE",
                    pgid="pgtrigger_entries_never_change_6c899",
                    table="billing_entry",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="entry",
            trigger=pgtrigger.compiler.Trigger(
                name="entries_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="1266a2c65277f2b032f09189fa0e6c34764ec1b0",
                    operation="DELETE",
                    pgid="pgtrigger_entries_stay_a7382",
                    table="billing_entry",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="entry",
            trigger=pgtrigger.compiler.Trigger(
                name="entries_move_balances",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    UPDATE billing_ledgeraccount SET balance = balance + NEW.credit - NEW.debit\n    WHERE id = NEW.account_id AND is_personal;\n    RETURN NULL;\n",
                    hash="547c946f1029799bbcfe4a8638dff989606e31e6",
                    operation="INSERT",
                    pgid="pgtrigger_entries_move_balances_bd472",
                    table="billing_entry",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="entry",
            trigger=pgtrigger.compiler.Trigger(
                name="debits_equal_credits",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    func="\n    IF (SELECT count(e.id) <> j.entry_count\n            OR coalesce(sum(e.debit), 0) <> j.amount OR coalesce(sum(e.credit), 0) <> j.amount\n            OR NOT coalesce(bool_and(a.operator_id = j.operator_id AND a.currency = j.currency), FALSE)\n        FROM billing_journal j\n        LEFT JOIN billing_entry e ON e.journal_id = j.id\n        LEFT JOIN billing_ledgeraccount a ON a.id = e.account_id\n        WHERE j.id = NEW.journal_id GROUP BY j.id)\n    THEN\n        RAISE EXCEPTION 'Debits and credits of journal % differ.', NEW.journal_id\n            USING ERRCODE = 'check_violation';\n    END IF;\n    RETURN NULL;\n",
                    hash="eb09eeaeca1b63686938325c3da9bb991dcec195",
                    operation="INSERT",
                    pgid="pgtrigger_debits_equal_credits_73c37",
                    table="billing_entry",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="planversion",
            trigger=pgtrigger.compiler.Trigger(
                name="plan_versions_never_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."plan_id" IS DISTINCT FROM (NEW."plan_id") OR OLD."number" IS DISTINCT FROM (NEW."number") OR OLD."currency" IS DISTINCT FROM (NEW."currency") OR OLD."fee" IS DISTINCT FROM (NEW."fee") OR OLD."vat_percent" IS DISTINCT FROM (NEW."vat_percent") OR OLD."included_kwh" IS DISTINCT FROM (NEW."included_kwh"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="52747a0e9fecebf5e000f2a681419bffcf140a91",
                    operation="UPDATE",
                    pgid="pgtrigger_plan_versions_never_change_cb154",
                    table="billing_planversion",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="series",
            trigger=pgtrigger.compiler.Trigger(
                name="numbers_never_go_back",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (NEW."last_number" < (OLD."last_number") OR OLD."prefix" IS DISTINCT FROM (NEW."prefix"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="e60d02aeb357d1aa2bf756a60ed9add7861d7bae",
                    operation="UPDATE",
                    pgid="pgtrigger_numbers_never_go_back_c1ae3",
                    table="billing_series",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="series",
            trigger=pgtrigger.compiler.Trigger(
                name="series_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="2dea80fa9ac73c3c0d3f6d4bcf0a7bc52e9b9005",
                    operation="DELETE",
                    pgid="pgtrigger_series_stay_8a8c4",
                    table="billing_series",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(fields=("series", "sequence"), name="one_document_per_number"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoice",
            trigger=pgtrigger.compiler.Trigger(
                name="issued_documents_never_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."operator_id" IS DISTINCT FROM (NEW."operator_id") OR OLD."site_id" IS DISTINCT FROM (NEW."site_id") OR OLD."series_id" IS DISTINCT FROM (NEW."series_id") OR OLD."sequence" IS DISTINCT FROM (NEW."sequence") OR OLD."number" IS DISTINCT FROM (NEW."number") OR OLD."link" IS DISTINCT FROM (NEW."link") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."corrects_id" IS DISTINCT FROM (NEW."corrects_id") OR OLD."replaces_id" IS DISTINCT FROM (NEW."replaces_id") OR OLD."host_id" IS DISTINCT FROM (NEW."host_id") OR OLD."cdr_id" IS DISTINCT FROM (NEW."cdr_id") OR OLD."booking_id" IS DISTINCT FROM (NEW."booking_id") OR OLD."refund_id" IS DISTINCT FROM (NEW."refund_id") OR OLD."issued_at" IS DISTINCT FROM (NEW."issued_at") OR OLD."supplied_on" IS DISTINCT FROM (NEW."supplied_on") OR OLD."booked_on" IS DISTINCT FROM (NEW."booked_on") OR OLD."period_start" IS DISTINCT FROM (NEW."period_start") OR OLD."period_end" IS DISTINCT FROM (NEW."period_end") OR OLD."due_on" IS DISTINCT FROM (NEW."due_on") OR OLD."language" IS DISTINCT FROM (NEW."language") OR OLD."vat_country" IS DISTINCT FROM (NEW."vat_country") OR OLD."currency" IS DISTINCT FROM (NEW."currency") OR OLD."seller" IS DISTINCT FROM (NEW."seller") OR OLD."buyer" IS DISTINCT FROM (NEW."buyer") OR OLD."details" IS DISTINCT FROM (NEW."details") OR OLD."issued_in" IS DISTINCT FROM (NEW."issued_in") OR OLD."net" IS DISTINCT FROM (NEW."net") OR OLD."tax" IS DISTINCT FROM (NEW."tax") OR OLD."gross" IS DISTINCT FROM (NEW."gross"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="789d5ec9a8e7f08e7d3e86f38f85417f216dd097",
                    operation="UPDATE",
                    pgid="pgtrigger_issued_documents_never_change_dcd64",
                    table="billing_invoice",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoice",
            trigger=pgtrigger.compiler.Trigger(
                name="issued_documents_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="22cb2315f5497db6ed29c71eac4dc5ff218fb36d",
                    operation="DELETE",
                    pgid="pgtrigger_issued_documents_stay_346e4",
                    table="billing_invoice",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoice",
            trigger=pgtrigger.compiler.Trigger(
                name="closed_months_stay_closed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF EXISTS (\n                        SELECT FROM billing_closedmonth\n                        WHERE operator_id = NEW.operator_id AND reopened_at IS NULL\n                        AND month = date_trunc('month', NEW.booked_on)::date\n                    ) THEN RAISE EXCEPTION 'The month of % is closed.', NEW.booked_on; END IF;\n                    RETURN NEW;\n                ",
                    hash="a336e748e7dcbc2c8e79c5763786953aeb0951db",
                    operation="INSERT",
                    pgid="pgtrigger_closed_months_stay_closed_921ef",
                    table="billing_invoice",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoice",
            trigger=pgtrigger.compiler.Trigger(
                name="lines_add_up_to_their_document",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    func="\n                    IF EXISTS (\n                        SELECT FROM billing_invoiceline WHERE invoice_id = NEW.id\n                        HAVING coalesce(sum(net), 0) <> NEW.net OR coalesce(sum(gross), 0) <> NEW.gross\n                    ) THEN RAISE EXCEPTION 'The lines of % do not add up to it.', NEW.number; END IF;\n                    RETURN NULL;\n                ",
                    hash="73fba30b2ef4df610d184fd55507328a63c4b000",
                    operation="INSERT",
                    pgid="pgtrigger_lines_add_up_to_their_document_e976a",
                    table="billing_invoice",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="planperiod",
            constraint=models.UniqueConstraint(
                fields=("subscription", "starts_at"), name="one_plan_period_per_start"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tariff",
            trigger=pgtrigger.compiler.Trigger(
                name="changes_are_recorded",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    declare="DECLARE it RECORD;",
                    func="\n        IF TG_OP = 'DELETE' THEN it := OLD; ELSE it := NEW; END IF;\n        PERFORM evportal_record_change(\n            'billing.tariff', it.id, it.operator_id, it.name, TG_OP, to_jsonb(OLD), to_jsonb(NEW),\n            '{}', '{}'\n        );\n        RETURN NULL;\n    ",
                    hash="4d70b3c8859d4efec0b26e31d9a5f0768a701d83",
                    operation="UPDATE",
                    pgid="pgtrigger_changes_are_recorded_8e70f",
                    table="billing_tariff",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tariff",
            trigger=pgtrigger.compiler.Trigger(
                name="coming_and_going_is_recorded",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE it RECORD;",
                    func="\n        IF TG_OP = 'DELETE' THEN it := OLD; ELSE it := NEW; END IF;\n        PERFORM evportal_record_change(\n            'billing.tariff', it.id, it.operator_id, it.name, TG_OP, to_jsonb(OLD), to_jsonb(NEW),\n            '{}', '{}'\n        );\n        RETURN NULL;\n    ",
                    hash="a844d9e2815cc0209f9ec2ff0aef3a0506d67f50",
                    operation="INSERT OR DELETE",
                    pgid="pgtrigger_coming_and_going_is_recorded_f8a7d",
                    table="billing_tariff",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tariffassignment",
            trigger=pgtrigger.compiler.Trigger(
                name="changes_are_recorded",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    declare="DECLARE it RECORD;",
                    func="\n        IF TG_OP = 'DELETE' THEN it := OLD; ELSE it := NEW; END IF;\n        PERFORM evportal_record_change(\n            'billing.tariffassignment', it.id, (SELECT s.operator_id FROM stations_site s WHERE s.id = it.site_id), (SELECT s.name FROM stations_site s WHERE s.id = it.site_id), TG_OP, to_jsonb(OLD), to_jsonb(NEW),\n            '{}', '{}'\n        );\n        RETURN NULL;\n    ",
                    hash="51ece7153fd62f8b04a571199b5a0fdab9a050a4",
                    operation="UPDATE",
                    pgid="pgtrigger_changes_are_recorded_235d6",
                    table="billing_tariffassignment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tariffassignment",
            trigger=pgtrigger.compiler.Trigger(
                name="coming_and_going_is_recorded",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE it RECORD;",
                    func="\n        IF TG_OP = 'DELETE' THEN it := OLD; ELSE it := NEW; END IF;\n        PERFORM evportal_record_change(\n            'billing.tariffassignment', it.id, (SELECT s.operator_id FROM stations_site s WHERE s.id = it.site_id), (SELECT s.name FROM stations_site s WHERE s.id = it.site_id), TG_OP, to_jsonb(OLD), to_jsonb(NEW),\n            '{}', '{}'\n        );\n        RETURN NULL;\n    ",
                    hash="da4fa2bd1a420d553d54d0670c47de0f7a7754f0",
                    operation="INSERT OR DELETE",
                    pgid="pgtrigger_coming_and_going_is_recorded_0bf73",
                    table="billing_tariffassignment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tariffversion",
            trigger=pgtrigger.compiler.Trigger(
                name="tariff_versions_never_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."tariff_id" IS DISTINCT FROM (NEW."tariff_id") OR OLD."number" IS DISTINCT FROM (NEW."number") OR OLD."valid_from" IS DISTINCT FROM (NEW."valid_from") OR OLD."ocpi" IS DISTINCT FROM (NEW."ocpi"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="ca4795082e020bad68cbf29c4d34402371c99576",
                    operation="UPDATE",
                    pgid="pgtrigger_tariff_versions_never_change_6eeeb",
                    table="billing_tariffversion",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tariffversion",
            trigger=pgtrigger.compiler.Trigger(
                name="tariff_versions_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="40eb5d48637db1c91f9892cf52bac4c787748c6d",
                    operation="DELETE",
                    pgid="pgtrigger_tariff_versions_stay_67bfd",
                    table="billing_tariffversion",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="cdr",
            index=models.Index(
                condition=models.Q(("billed_on", None), ("gross__gt", 0)),
                fields=["session"],
                name="cdrs_without_a_document",
            ),
        ),
    ]
