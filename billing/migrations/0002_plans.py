# Plans that drivers subscribe to, their periods, and the energy in them.

import uuid

import django.core.validators
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("billing", "0001_initial"),
        ("stations", "0002_partitioned_tables"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
            },
        ),
        migrations.AlterField(
            model_name="payment",
            name="purpose",
            field=models.CharField(
                choices=[("session", "Charging"), ("no_show", "Slot not used"), ("plan", "Plan's fee")],
                default="session",
                max_length=10,
            ),
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
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.UniqueConstraint(fields=("operator", "key"), name="one_plan_per_key"),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(("least_months__gte", 1)), name="plans_run_a_month_at_least"
            ),
        ),
        migrations.AddConstraint(
            model_name="allowanceuse",
            constraint=models.CheckConstraint(
                condition=models.Q(("wh__gte", 0)), name="allowance_uses_are_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="planversion",
            constraint=models.UniqueConstraint(fields=("plan", "number"), name="one_plan_version_per_number"),
        ),
        migrations.AddConstraint(
            model_name="planversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("fee__gt", 0)), name="plan_fees_are_above_zero"
            ),
        ),
        migrations.AddConstraint(
            model_name="planversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("included_kwh__gte", 0), ("vat_percent__gte", 0)),
                name="plans_include_no_less_than_none",
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
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                condition=models.Q(("state", "ended"), _negated=True),
                fields=["asked_at"],
                name="plans_under_way",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "ended"), _negated=True),
                fields=("user", "operator"),
                name="one_plan_per_driver_and_operator",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(
                condition=models.Q(("stripe_id", ""), _negated=True),
                fields=("stripe_id",),
                name="one_row_per_subscription",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.CheckConstraint(
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
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("switch_key", None), ("switching_to", None)),
                    models.Q(("switch_key__isnull", False), ("switching_to__isnull", False)),
                    _connector="OR",
                ),
                name="a_switch_has_its_key",
            ),
        ),
        migrations.AddConstraint(
            model_name="planperiod",
            constraint=models.UniqueConstraint(
                fields=("subscription", "starts_at"), name="one_plan_period_per_start"
            ),
        ),
        migrations.AddConstraint(
            model_name="planperiod",
            constraint=models.CheckConstraint(
                condition=models.Q(("used_wh__gte", 0), ("used_wh__lte", models.F("included_wh"))),
                name="no_more_is_used_than_a_plan_includes",
            ),
        ),
        migrations.AddConstraint(
            model_name="planperiod",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="plan_periods_have_a_length"
            ),
        ),
    ]
