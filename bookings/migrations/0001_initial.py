import uuid

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.operations
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import bookings.models.maintenance
import stations.models.site


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "__first__"),
        ("stations", "0001_initial"),
    ]

    operations = [
        django.contrib.postgres.operations.BtreeGistExtension(),
        migrations.CreateModel(
            name="BookingSeries",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "evse",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="booking_series",
                        to="stations.evse",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="booking_series",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "booking series",
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="Booking",
            fields=[
                (
                    "change_until_minutes",
                    models.PositiveIntegerField(
                        default=30, help_text="Changes allowed until this long before."
                    ),
                ),
                (
                    "cancel_until_minutes",
                    models.PositiveIntegerField(
                        default=30, help_text="Free cancellation until this long before."
                    ),
                ),
                (
                    "early_start_minutes",
                    models.PositiveIntegerField(
                        default=10, help_text="The EVSE is kept from this long before."
                    ),
                ),
                (
                    "noshow_timeout_minutes",
                    models.PositiveIntegerField(default=15, help_text="Released this long after the start."),
                ),
                (
                    "noshow_fee",
                    models.DecimalField(
                        decimal_places=2,
                        default=0,
                        help_text="Tax included.",
                        max_digits=8,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "late_stop_minutes",
                    models.PositiveIntegerField(
                        default=0, help_text="Charging may go on this long after the end."
                    ),
                ),
                (
                    "late_stop_fee",
                    models.DecimalField(
                        decimal_places=2,
                        default=0,
                        help_text="For charging on after that, tax included; without a fee it is stopped instead.",
                        max_digits=8,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "late_stop_fee_per",
                    models.CharField(
                        choices=[("minute", "For each minute begun"), ("once", "Once")],
                        default="minute",
                        help_text="How often it is charged.",
                        max_length=6,
                    ),
                ),
                (
                    "overlapping_bookings_allowed",
                    models.BooleanField(
                        default=True, help_text="A driver may have several EVSEs at the same time."
                    ),
                ),
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("PENDING", "Held"),
                            ("RESERVED", "Confirmed"),
                            ("REJECTED", "Refused"),
                            ("FAILED", "Failed"),
                            ("FULFILLED", "Used"),
                            ("CANCELED", "Cancelled"),
                            ("NO_SHOW", "Not used"),
                        ],
                        default="PENDING",
                        max_length=10,
                    ),
                ),
                ("hold_expires_at", models.DateTimeField(blank=True, null=True)),
                ("hold_extended", models.BooleanField(default=False)),
                (
                    "late_minutes",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="How much longer than the terms say the driver asked to be waited for.",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("closed_reason", models.CharField(blank=True, max_length=120)),
                ("reminded_of", models.DateTimeField(blank=True, editable=False, null=True)),
                ("sequence", models.PositiveIntegerField(default=0, help_text="iCalendar SEQUENCE.")),
                (
                    "fee",
                    models.DecimalField(
                        decimal_places=2,
                        default=0,
                        help_text="For cancelling late or not coming; tax included.",
                        max_digits=8,
                    ),
                ),
                (
                    "evse",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bookings",
                        to="stations.evse",
                    ),
                ),
                (
                    "id_token",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="bookings",
                        to="stations.idtoken",
                    ),
                ),
                (
                    "reservation",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="booking",
                        to="stations.reservation",
                    ),
                ),
                (
                    "session",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="booking",
                        to="stations.session",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bookings",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "series",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="bookings",
                        to="bookings.bookingseries",
                    ),
                ),
            ],
            options={
                "ordering": ["-starts_at"],
                "indexes": [
                    models.Index(fields=["user", "-starts_at"], name="bookings_bo_user_id_a68b70_idx"),
                    models.Index(fields=["evse", "starts_at"], name="bookings_bo_evse_id_155b54_idx"),
                    models.Index(
                        condition=models.Q(("status", "PENDING")),
                        fields=["hold_expires_at"],
                        name="holds_to_expire",
                    ),
                    models.Index(
                        condition=models.Q(("status", "RESERVED")), fields=["starts_at"], name="slots_to_turn"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="bookings_end_after_start",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CalendarFeed",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("token_hash", models.CharField(editable=False, max_length=64, unique=True)),
                ("sealed_token", models.TextField(editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "site",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="calendar_feeds",
                        to="stations.site",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="calendar_feeds",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["user", "site"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "site"), name="one_feed_for_each_calendar", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Closure",
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
                        choices=[("closure", "Closed"), ("maintenance", "Maintenance")],
                        default="maintenance",
                        max_length=12,
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
                    "evse",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="closures",
                        to="stations.evse",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="closures",
                        to="stations.availabilityplan",
                    ),
                ),
            ],
            options={
                "ordering": ["starts_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="closures_end_after_start",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Claim",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("period", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                (
                    "booking",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="claim",
                        to="bookings.booking",
                    ),
                ),
                (
                    "evse",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="claims", to="stations.evse"
                    ),
                ),
                (
                    "closure",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="claim",
                        to="bookings.closure",
                    ),
                ),
            ],
            options={
                "constraints": [
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[("evse", "="), ("period", "&&")], name="no_two_claims_overlap"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("booking", None), ("closure__isnull", False)),
                            models.Q(("booking__isnull", False), ("closure", None)),
                            _connector="OR",
                        ),
                        name="a_claim_has_one_owner",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DriverChoice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("remind_minutes", models.PositiveSmallIntegerField(default=60)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="booking_choice",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="MaintenanceRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "rule",
                    models.CharField(
                        help_text="As in calendars (RFC 5545): FREQ=WEEKLY;BYDAY=TU, FREQ=MONTHLY;BYDAY=1MO, FREQ=DAILY.",
                        max_length=120,
                        validators=[bookings.models.maintenance.check_rule],
                    ),
                ),
                ("first_on", models.DateField(help_text="The day from which the rule counts.")),
                (
                    "until",
                    models.DateField(blank=True, help_text="The last day; empty: without an end.", null=True),
                ),
                ("begins", models.TimeField(help_text="By the clock at the site.")),
                (
                    "minutes",
                    models.PositiveSmallIntegerField(
                        default=60,
                        validators=[
                            django.core.validators.MinValueValidator(5),
                            django.core.validators.MaxValueValidator(10080),
                        ],
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "evse",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: every EVSE of the site.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="maintenance_rules",
                        to="stations.evse",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="maintenance_rules",
                        to="stations.site",
                    ),
                ),
            ],
            options={
                "ordering": ["site", "pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("until", None), ("until__gte", models.F("first_on")), _connector="OR"
                        ),
                        name="maintenance_ends_after_it_began",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("minutes__gt", 0)), name="maintenance_takes_time"
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="closure",
            name="rule",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="closures",
                to="bookings.maintenancerule",
            ),
        ),
        migrations.CreateModel(
            name="MoveOffer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("accepted", "Accepted"),
                            ("lapsed", "Not needed any more"),
                        ],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "booking",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="move_offers",
                        to="bookings.booking",
                    ),
                ),
                (
                    "evse",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="stations.evse",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="stations.session"
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "constraints": [
                    models.UniqueConstraint(fields=("booking", "session"), name="one_offer_per_overrun"),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")),
                        fields=("booking",),
                        name="one_open_offer_per_booking",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "accepted"), _negated=True),
                            ("evse__isnull", False),
                            _connector="OR",
                        ),
                        name="accepted_moves_lead_somewhere",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Refusal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("at", models.DateTimeField()),
                (
                    "evse",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="stations.evse"
                    ),
                ),
                (
                    "user",
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
                "ordering": ["-at"],
                "indexes": [models.Index(fields=["starts_at"], name="bookings_re_starts__29d7af_idx")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "evse", "starts_at", "ends_at"), name="one_refusal_per_wish"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="refusals_end_after_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SiteRules",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "change_until_minutes",
                    models.PositiveIntegerField(
                        default=30, help_text="Changes allowed until this long before."
                    ),
                ),
                (
                    "cancel_until_minutes",
                    models.PositiveIntegerField(
                        default=30, help_text="Free cancellation until this long before."
                    ),
                ),
                (
                    "early_start_minutes",
                    models.PositiveIntegerField(
                        default=10, help_text="The EVSE is kept from this long before."
                    ),
                ),
                (
                    "noshow_timeout_minutes",
                    models.PositiveIntegerField(default=15, help_text="Released this long after the start."),
                ),
                (
                    "noshow_fee",
                    models.DecimalField(
                        decimal_places=2,
                        default=0,
                        help_text="Tax included.",
                        max_digits=8,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "late_stop_minutes",
                    models.PositiveIntegerField(
                        default=0, help_text="Charging may go on this long after the end."
                    ),
                ),
                (
                    "late_stop_fee",
                    models.DecimalField(
                        decimal_places=2,
                        default=0,
                        help_text="For charging on after that, tax included; without a fee it is stopped instead.",
                        max_digits=8,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "late_stop_fee_per",
                    models.CharField(
                        choices=[("minute", "For each minute begun"), ("once", "Once")],
                        default="minute",
                        help_text="How often it is charged.",
                        max_length=6,
                    ),
                ),
                (
                    "overlapping_bookings_allowed",
                    models.BooleanField(
                        default=True, help_text="A driver may have several EVSEs at the same time."
                    ),
                ),
                ("bookable", models.BooleanField(default=True)),
                (
                    "slot_minutes",
                    models.PositiveSmallIntegerField(
                        default=30, validators=[django.core.validators.MinValueValidator(5)]
                    ),
                ),
                ("min_minutes", models.PositiveSmallIntegerField(default=30)),
                ("max_minutes", models.PositiveSmallIntegerField(default=240)),
                ("notice_minutes", models.PositiveSmallIntegerField(default=0)),
                ("horizon_days", models.PositiveSmallIntegerField(default=14)),
                (
                    "buffer_minutes",
                    models.PositiveSmallIntegerField(default=0, help_text="Kept free after each booking."),
                ),
                ("hold_minutes", models.PositiveSmallIntegerField(default=10)),
                (
                    "max_open_per_driver",
                    models.PositiveSmallIntegerField(
                        default=3, help_text="Bookings here that a driver may have before them at once."
                    ),
                ),
                (
                    "max_per_day",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Bookings here that a driver may have on one day; empty: any number.",
                        null=True,
                    ),
                ),
                (
                    "max_late_minutes",
                    models.PositiveSmallIntegerField(
                        default=30,
                        help_text="How much longer a driver who says that they are late is waited for; 0: not at all.",
                    ),
                ),
                (
                    "walk_in_hours",
                    models.CharField(
                        blank=True,
                        help_text="Hours of the week in which nothing can be booked, left to drivers without a booking, such as “Mo-Fr 16:00-19:00”.",
                        max_length=200,
                        validators=[stations.models.site.check_hours],
                    ),
                ),
                (
                    "offer_minutes",
                    models.PositiveSmallIntegerField(
                        default=15,
                        help_text="Time to answer when the waitlist offers a slot.",
                        validators=[django.core.validators.MinValueValidator(2)],
                    ),
                ),
                (
                    "site",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="booking_rules",
                        to="stations.site",
                    ),
                ),
                (
                    "walk_in_only",
                    models.ManyToManyField(
                        blank=True,
                        help_text="EVSEs that can never be booked.",
                        related_name="+",
                        to="stations.evse",
                    ),
                ),
            ],
            options={
                "verbose_name": "booking rules",
                "verbose_name_plural": "booking rules",
            },
        ),
        migrations.CreateModel(
            name="StopTime",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "why",
                    models.CharField(
                        choices=[
                            ("next", "The place is booked by another driver."),
                            ("end", "The booked time is over."),
                            ("fee", "Charging on costs the late fee."),
                        ],
                        max_length=4,
                    ),
                ),
                ("at", models.DateTimeField(help_text="When it is stopped, or begins to cost the fee.")),
                ("told_of", models.DateTimeField(blank=True, null=True)),
                ("asked_at", models.DateTimeField(blank=True, null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                (
                    "booking",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="stop_times",
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
                    "session",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="stop_time",
                        to="stations.session",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("booking__isnull", False), ("why", "next")),
                            models.Q(models.Q(("why", "next"), _negated=True), ("booking", None)),
                            _connector="OR",
                        ),
                        name="who_makes_room_makes_it_for_a_booking",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WaitlistPlace",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("is_now", models.BooleanField(default=False)),
                ("starts_after", models.DateTimeField(help_text="The slot begins at this time or later.")),
                ("ends_before", models.DateTimeField(help_text="The slot ends by this time.")),
                ("minutes", models.PositiveSmallIntegerField()),
                (
                    "standard",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("IEC_62196_T2", "Type 2"),
                            ("IEC_62196_T2_COMBO", "CCS"),
                            ("IEC_62196_T1", "Type 1"),
                            ("IEC_62196_T1_COMBO", "CCS 1"),
                            ("CHADEMO", "CHAdeMO"),
                            ("SAE_J3400", "NACS"),
                            ("DOMESTIC_F", "Schuko"),
                            ("GBT_DC", "GB/T DC"),
                        ],
                        max_length=40,
                    ),
                ),
                ("min_power_w", models.PositiveIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("offered", "A slot is offered"),
                            ("accepted", "Slot taken"),
                            ("left", "Left"),
                            ("over", "Over"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("queued_at", models.DateTimeField()),
                ("paused_until", models.DateTimeField(blank=True, null=True)),
                ("unanswered", models.PositiveSmallIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("closed_reason", models.CharField(blank=True, max_length=120)),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="waitlist",
                        to="stations.site",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="waitlist",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["queued_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "offered"])),
                        fields=["site", "queued_at"],
                        name="places_in_order",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["waiting", "offered"])),
                        fields=("user", "site"),
                        name="one_place_in_each_queue",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("minutes__gt", 0), ("ends_before__gt", models.F("starts_after"))),
                        name="a_wish_has_a_length_and_a_window",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Offer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Waits for an answer"),
                            ("accepted", "Accepted"),
                            ("declined", "Not now"),
                            ("expired", "Not answered"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("made_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                (
                    "booking",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="offer",
                        to="bookings.booking",
                    ),
                ),
                (
                    "place",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="offers",
                        to="bookings.waitlistplace",
                    ),
                ),
            ],
            options={
                "ordering": ["-made_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "open")), fields=["expires_at"], name="offers_to_expire"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")),
                        fields=("place",),
                        name="one_open_offer_for_each_place",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("made_at"))),
                        name="offers_can_be_answered",
                    ),
                ],
            },
        ),
    ]
