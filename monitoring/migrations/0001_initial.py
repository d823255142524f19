import uuid
from decimal import Decimal

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.core.validators
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import monitoring.work.models
import stations.models.firmware
import stations.models.site


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("accounts", "__first__"),
        ("stations", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Mark",
            fields=[
                ("source", models.CharField(max_length=30, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Watch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("begins_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "ordering": ["begins_at"],
            },
        ),
        migrations.CreateModel(
            name="Alert",
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
                            ("offline", "Charger offline"),
                            ("fault", "Charger faulted"),
                            ("event", "Charger reports a problem"),
                            ("security", "Security event"),
                            ("silent", "Nobody charges at a busy charger"),
                            ("clock", "Heartbeat or clock"),
                            ("unexplained", "Energy without a session"),
                            ("no_energy", "Session without energy"),
                            ("failed_starts", "Repeated failed starts"),
                            ("temperature", "Temperature"),
                            ("meter", "Meter anomaly"),
                            ("payment", "Payment failures"),
                            ("certificate", "Certificate expires"),
                            ("limit", "Site limit exceeded"),
                            ("load", "Charger doesn't follow its limit"),
                            ("webhook", "Notification channel given up"),
                        ],
                        max_length=20,
                    ),
                ),
                ("cause", models.CharField(max_length=120)),
                (
                    "severity",
                    models.CharField(
                        choices=[("critical", "Critical"), ("warning", "Warning"), ("info", "Information")],
                        max_length=10,
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("opened_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("count", models.PositiveIntegerField(default=1)),
                ("acknowledged_at", models.DateTimeField(blank=True, null=True)),
                ("snoozed_until", models.DateTimeField(blank=True, null=True)),
                ("snooze_reason", models.CharField(blank=True, max_length=200)),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("resolved_by_hand", models.BooleanField(default=False)),
                ("resolved_reason", models.CharField(blank=True, max_length=200)),
                (
                    "acknowledged_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "assigned_to",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="alerts", to="stations.site"
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alerts",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["-opened_at"],
                "indexes": [
                    models.Index(fields=["site", "-opened_at"], name="monitoring__site_id_4854e2_idx"),
                    models.Index(fields=["cause", "-last_seen_at"], name="monitoring__cause_18baf1_idx"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("resolved_at", None)),
                        fields=("cause",),
                        name="one_open_alert_per_cause",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AlertChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("what", models.CharField(max_length=20)),
                ("before", models.JSONField(default=dict)),
                ("after", models.JSONField(default=dict)),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                (
                    "alert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="monitoring.alert",
                    ),
                ),
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
            ],
            options={
                "ordering": ["-at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="ConditionChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "condition",
                    models.CharField(
                        choices=[
                            ("up", "Up"),
                            ("offline", "Offline"),
                            ("faulted", "Faulted"),
                            ("out_of_service", "Out of service"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "evse",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="condition_changes",
                        to="stations.evse",
                    ),
                ),
            ],
            options={
                "ordering": ["evse", "at"],
                "constraints": [
                    models.UniqueConstraint(fields=("evse", "at"), name="one_condition_at_a_time")
                ],
            },
        ),
        migrations.CreateModel(
            name="EvseHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("energy_wh", models.DecimalField(decimal_places=3, default=0, max_digits=16)),
                ("sessions", models.PositiveIntegerField(default=0, help_text="Begun in this time.")),
                ("failed_starts", models.PositiveIntegerField(default=0)),
                ("occupied_s", models.PositiveIntegerField(default=0)),
                ("charging_s", models.PositiveIntegerField(default=0)),
                ("idle_s", models.PositiveIntegerField(default=0)),
                ("peak_w", models.DecimalField(decimal_places=1, default=0, max_digits=14)),
                ("starts_at", models.DateTimeField()),
                ("is_stale", models.BooleanField(default=True)),
                (
                    "evse",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="stations.evse"
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="stations.site"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_stale", True)), fields=["starts_at"], name="stale_evse_hours"
                    ),
                    models.Index(fields=["site", "starts_at"], name="monitoring__site_id_e6b43f_idx"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("evse", "starts_at"), name="one_row_per_evse_hour")
                ],
            },
        ),
        migrations.CreateModel(
            name="EvseTakings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("currency", models.CharField(max_length=3)),
                ("net", models.DecimalField(decimal_places=3, max_digits=14)),
                (
                    "evse",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="stations.evse"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("evse", "starts_at", "currency"), name="one_row_per_evse_hour_and_currency"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LoadGroup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                (
                    "limit_l1",
                    models.DecimalField(
                        decimal_places=1,
                        max_digits=6,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "limit_l2",
                    models.DecimalField(
                        decimal_places=1,
                        max_digits=6,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "limit_l3",
                    models.DecimalField(
                        decimal_places=1,
                        max_digits=6,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("draw", models.JSONField(default=list, editable=False)),
                ("allocated", models.JSONField(default=list, editable=False)),
                ("over_since", models.DateTimeField(editable=False, null=True)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="children",
                        to="monitoring.loadgroup",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("limit_l1__gte", 0), ("limit_l2__gte", 0), ("limit_l3__gte", 0)),
                        name="load_limits_not_negative",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LoadMember",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "rotation",
                    models.CharField(
                        choices=[
                            ("RST", "L1 L2 L3"),
                            ("RTS", "L1 L3 L2"),
                            ("SRT", "L2 L1 L3"),
                            ("STR", "L2 L3 L1"),
                            ("TRS", "L3 L1 L2"),
                            ("TSR", "L3 L2 L1"),
                        ],
                        default="RST",
                        max_length=3,
                    ),
                ),
                (
                    "priority",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "High"), (2, "Normal"), (3, "Low")], default=2
                    ),
                ),
                (
                    "safe_default_a",
                    models.DecimalField(
                        decimal_places=1,
                        default=Decimal("6"),
                        help_text="What it falls back to when contact is lost, in A a phase.",
                        max_digits=6,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "given_a",
                    models.DecimalField(
                        decimal_places=1,
                        default=0,
                        editable=False,
                        max_digits=6,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("why", models.CharField(blank=True, editable=False, max_length=20)),
                (
                    "wants_a",
                    models.DecimalField(
                        decimal_places=1,
                        default=0,
                        editable=False,
                        max_digits=6,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("draw", models.JSONField(default=list, editable=False)),
                ("used_phases", models.CharField(blank=True, editable=False, max_length=3)),
                (
                    "flag",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Follows"),
                            ("rejected", "Refuses its limit"),
                            ("ignored", "Doesn't follow its limit"),
                        ],
                        default="",
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("flagged_at", models.DateTimeField(editable=False, null=True)),
                ("flag_reason", models.CharField(blank=True, editable=False, max_length=200)),
                ("try_at", models.DateTimeField(editable=False, null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("over_since", models.DateTimeField(editable=False, null=True)),
                ("idle_since", models.DateTimeField(editable=False, null=True)),
                ("waiting_since", models.DateTimeField(editable=False, null=True)),
                ("served_since", models.DateTimeField(editable=False, null=True)),
                (
                    "told_a",
                    models.DecimalField(
                        decimal_places=1,
                        editable=False,
                        max_digits=6,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("told_at", models.DateTimeField(editable=False, null=True)),
                ("told_until", models.DateTimeField(editable=False, null=True)),
                (
                    "sent_a",
                    models.DecimalField(
                        decimal_places=1,
                        editable=False,
                        max_digits=6,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "default_a",
                    models.DecimalField(
                        decimal_places=1,
                        editable=False,
                        max_digits=6,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("default_at", models.DateTimeField(editable=False, null=True)),
                ("default_try_at", models.DateTimeField(editable=False, null=True)),
                ("raised_at", models.DateTimeField(editable=False, null=True)),
                (
                    "bound_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="monitoring.loadgroup",
                    ),
                ),
                (
                    "default_profile",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="stations.installedprofile",
                    ),
                ),
                (
                    "evse",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="load", to="stations.evse"
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="monitoring.loadgroup",
                    ),
                ),
                (
                    "profile",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="stations.installedprofile",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="stations.session",
                    ),
                ),
            ],
            options={
                "ordering": ["evse__station__name", "evse__station_id", "evse__number"],
            },
        ),
        migrations.CreateModel(
            name="LoadSample",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("draw_a", models.DecimalField(decimal_places=1, max_digits=7)),
                ("building_a", models.DecimalField(decimal_places=1, max_digits=7)),
                ("given_a", models.DecimalField(decimal_places=1, max_digits=7)),
                ("limit_a", models.DecimalField(decimal_places=1, max_digits=7)),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="load_samples",
                        to="stations.site",
                    ),
                ),
            ],
            options={
                "ordering": ["at"],
                "indexes": [models.Index(fields=["at"], name="load_samples_by_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("site", "at"), name="one_load_sample_per_minute")
                ],
            },
        ),
        migrations.CreateModel(
            name="LoadSite",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                (
                    "mode",
                    models.CharField(
                        choices=[("fair", "Fair: everybody alike"), ("priority", "By priority")],
                        default="fair",
                        max_length=10,
                    ),
                ),
                (
                    "margin_percent",
                    models.DecimalField(
                        decimal_places=1,
                        default=Decimal("5"),
                        help_text="The part of each limit that is never given away.",
                        max_digits=4,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(50),
                        ],
                    ),
                ),
                (
                    "takes_turns",
                    models.BooleanField(
                        default=False, help_text="Where not all can charge at once, cars take turns."
                    ),
                ),
                (
                    "booked_a",
                    models.DecimalField(
                        decimal_places=1,
                        default=Decimal("16"),
                        help_text="What a booked place is promised, in A a phase.",
                        max_digits=6,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "has_meter",
                    models.BooleanField(
                        default=False, help_text="A meter tells what else draws at this connection (API)."
                    ),
                ),
                (
                    "building_safe_l1",
                    models.DecimalField(
                        decimal_places=1,
                        default=0,
                        max_digits=6,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "building_safe_l2",
                    models.DecimalField(
                        decimal_places=1,
                        default=0,
                        max_digits=6,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "building_safe_l3",
                    models.DecimalField(
                        decimal_places=1,
                        default=0,
                        max_digits=6,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "meter_stale_s",
                    models.PositiveIntegerField(
                        default=120,
                        validators=[
                            django.core.validators.MinValueValidator(10),
                            django.core.validators.MaxValueValidator(86400),
                        ],
                    ),
                ),
                (
                    "building_l1",
                    models.DecimalField(
                        decimal_places=1,
                        editable=False,
                        max_digits=6,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "building_l2",
                    models.DecimalField(
                        decimal_places=1,
                        editable=False,
                        max_digits=6,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "building_l3",
                    models.DecimalField(
                        decimal_places=1,
                        editable=False,
                        max_digits=6,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("building_at", models.DateTimeField(editable=False, null=True)),
                ("planned_at", models.DateTimeField(editable=False, null=True)),
                ("planned_for", models.CharField(blank=True, editable=False, max_length=40)),
                (
                    "site",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="load", to="stations.site"
                    ),
                ),
            ],
            options={
                "ordering": ["site__name"],
            },
        ),
        migrations.AddField(
            model_name="loadgroup",
            name="load_site",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="groups", to="monitoring.loadsite"
            ),
        ),
        migrations.CreateModel(
            name="Outage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("begins_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("offline", "Offline"),
                            ("faulted", "Faulted"),
                            ("out_of_service", "Out of service"),
                            ("reported", "Reported by a person"),
                        ],
                        max_length=16,
                    ),
                ),
                ("is_observed", models.BooleanField(default=True, editable=False)),
                (
                    "exclusion",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("utility", "Power cut of the utility"),
                            ("vehicle", "Fault of the vehicle"),
                            ("maintenance", "Scheduled maintenance"),
                            ("vandalism", "Vandalism"),
                            ("disaster", "Natural disaster"),
                        ],
                        help_text="Why it does not count; empty: it counts.",
                        max_length=12,
                    ),
                ),
                (
                    "excluded_from",
                    models.DateTimeField(
                        blank=True,
                        help_text="Where only a part does not count; clipped to the outage.",
                        null=True,
                    ),
                ),
                ("excluded_until", models.DateTimeField(blank=True, null=True)),
                (
                    "note",
                    models.CharField(blank=True, help_text="What was wrong and what helped.", max_length=300),
                ),
                (
                    "evse",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outages",
                        to="stations.evse",
                    ),
                ),
            ],
            options={
                "ordering": ["-begins_at", "-pk"],
                "indexes": [
                    models.Index(fields=["evse", "-begins_at"], name="monitoring__evse_id_b467fb_idx"),
                    models.Index(condition=models.Q(("ends_at", None)), fields=["evse"], name="open_outages"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_at", None), ("ends_at__gt", models.F("begins_at")), _connector="OR"
                        ),
                        name="outages_end_after_they_begin",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("excluded_from", None),
                            ("excluded_until", None),
                            ("excluded_until__gt", models.F("excluded_from")),
                            _connector="OR",
                        ),
                        name="exclusions_end_after_they_begin",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        condition=models.Q(("is_observed", True)),
                        expressions=[
                            ("evse", "="),
                            (
                                models.Func(
                                    "begins_at",
                                    "ends_at",
                                    django.contrib.postgres.fields.ranges.RangeBoundary(),
                                    function="TSTZRANGE",
                                    output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField(),
                                ),
                                "&&",
                            ),
                        ],
                        name="observed_outages_never_overlap",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OutageChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("before", models.JSONField(default=dict)),
                ("after", models.JSONField(default=dict)),
                (
                    "api_key",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="accounts.apikey",
                    ),
                ),
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
                    "outage",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="monitoring.outage",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Policy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                (
                    "severities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=10), blank=True, default=list, size=None
                    ),
                ),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), blank=True, default=list, size=None
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alert_policies",
                        to="accounts.operator",
                    ),
                ),
                ("sites", models.ManyToManyField(blank=True, related_name="+", to="stations.site")),
            ],
            options={
                "verbose_name_plural": "policies",
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("operator", "name"), name="one_policy_of_a_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="QuietHours",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("begins_at", models.TimeField()),
                ("ends_at", models.TimeField(help_text="Not after the beginning: on the following day.")),
                (
                    "time_zone",
                    models.CharField(
                        default="Europe/Berlin",
                        max_length=40,
                        validators=[stations.models.site.check_time_zone],
                    ),
                ),
                ("critical_comes_through", models.BooleanField(default=True)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quiet_hours",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "quiet hours",
                "verbose_name_plural": "quiet hours",
            },
        ),
        migrations.CreateModel(
            name="Rule",
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
                            ("offline", "Charger offline"),
                            ("fault", "Charger faulted"),
                            ("event", "Charger reports a problem"),
                            ("security", "Security event"),
                            ("silent", "Nobody charges at a busy charger"),
                            ("clock", "Heartbeat or clock"),
                            ("unexplained", "Energy without a session"),
                            ("no_energy", "Session without energy"),
                            ("failed_starts", "Repeated failed starts"),
                            ("temperature", "Temperature"),
                            ("meter", "Meter anomaly"),
                            ("payment", "Payment failures"),
                            ("certificate", "Certificate expires"),
                            ("limit", "Site limit exceeded"),
                            ("load", "Charger doesn't follow its limit"),
                            ("webhook", "Notification channel given up"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "minutes",
                    models.PositiveIntegerField(
                        default=5,
                        help_text="How long it must last. A problem that was reported once, without an end, is over after so long.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "threshold",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="From how much on; in the unit that the kind has.",
                        max_digits=10,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "most",
                    models.PositiveSmallIntegerField(
                        default=50,
                        help_text="So many of its alerts are open at most; what is beyond is one alert that says so.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(500),
                        ],
                    ),
                ),
                (
                    "severity",
                    models.CharField(
                        choices=[("critical", "Critical"), ("warning", "Warning"), ("info", "Information")],
                        default="critical",
                        max_length=10,
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alert_rules",
                        to="accounts.operator",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: all sites that have no rule of their own.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alert_rules",
                        to="stations.site",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("operator", "kind", "site"),
                        name="one_rule_per_kind_and_site",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ScheduledReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "every",
                    models.CharField(
                        choices=[
                            ("week", "Every Monday, about the week before"),
                            ("month", "On the first of the month, about the month before"),
                        ],
                        default="week",
                        max_length=6,
                    ),
                ),
                ("token", models.CharField(editable=False, max_length=43, unique=True)),
                ("sent_until", models.DateField(blank=True, editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "membership",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="scheduled_reports",
                        to="accounts.membership",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: all of them.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="stations.site",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("membership", "every", "site"),
                        name="one_schedule_of_a_kind",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SiteDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("energy_wh", models.DecimalField(decimal_places=3, default=0, max_digits=16)),
                ("sessions", models.PositiveIntegerField(default=0, help_text="Begun in this time.")),
                ("failed_starts", models.PositiveIntegerField(default=0)),
                ("occupied_s", models.PositiveIntegerField(default=0)),
                ("charging_s", models.PositiveIntegerField(default=0)),
                ("idle_s", models.PositiveIntegerField(default=0)),
                ("peak_w", models.DecimalField(decimal_places=1, default=0, max_digits=14)),
                ("day", models.DateField()),
                (
                    "lengths",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(), default=list, size=None
                    ),
                ),
                (
                    "energies",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(), default=list, size=None
                    ),
                ),
                (
                    "by_hour",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(), default=list, size=None
                    ),
                ),
                ("full_hours", models.PositiveSmallIntegerField(default=0)),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="stations.site"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("site", "day"), name="one_row_per_site_day")],
            },
        ),
        migrations.CreateModel(
            name="SiteHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("energy_wh", models.DecimalField(decimal_places=3, default=0, max_digits=16)),
                ("sessions", models.PositiveIntegerField(default=0, help_text="Begun in this time.")),
                ("failed_starts", models.PositiveIntegerField(default=0)),
                ("occupied_s", models.PositiveIntegerField(default=0)),
                ("charging_s", models.PositiveIntegerField(default=0)),
                ("idle_s", models.PositiveIntegerField(default=0)),
                ("peak_w", models.DecimalField(decimal_places=1, default=0, max_digits=14)),
                ("starts_at", models.DateTimeField()),
                ("slot", models.PositiveSmallIntegerField()),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="stations.site"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("site", "starts_at"), name="one_row_per_site_hour")
                ],
            },
        ),
        migrations.CreateModel(
            name="SiteTakings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("currency", models.CharField(max_length=3)),
                ("net", models.DecimalField(decimal_places=3, max_digits=14)),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="stations.site"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("site", "day", "currency"), name="one_row_per_site_day_and_currency"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Team",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                (
                    "members",
                    models.ManyToManyField(blank=True, related_name="teams", to="accounts.membership"),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="teams",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("operator", "name"), name="one_team_of_a_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="PolicyStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "after_minutes",
                    models.PositiveIntegerField(
                        default=0, validators=[django.core.validators.MaxValueValidator(10080)]
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="monitoring.policy",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="monitoring.team"
                    ),
                ),
            ],
            options={
                "ordering": ["after_minutes", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("policy", "after_minutes", "team"), name="a_step_tells_a_team_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TeamChannel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sealed_address", models.TextField(editable=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("email", "E-mail address"),
                            ("webhook", "Signed webhook"),
                            ("service", "Messenger or push service"),
                        ],
                        max_length=10,
                    ),
                ),
                ("shown", models.CharField(max_length=120)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("next_try_at", models.DateTimeField(blank=True, null=True)),
                ("disabled_at", models.DateTimeField(blank=True, null=True)),
                ("disabled_reason", models.CharField(blank=True, max_length=200)),
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
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="channels",
                        to="monitoring.team",
                    ),
                ),
            ],
            options={
                "ordering": ["team__name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=180, unique=True)),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("event", models.CharField(default="alert.opened", max_length=20)),
                ("body", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField()),
                ("next_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("given_up_at", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=300)),
                (
                    "alert",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="monitoring.alert",
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="accounts.operator",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="monitoring.teamchannel",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "ordering": ["-created_at", "-pk"],
                "indexes": [
                    models.Index(fields=["operator", "-created_at"], name="monitoring__operato_b6cc35_idx"),
                    models.Index(
                        condition=models.Q(("given_up_at", None), ("sent_at", None)),
                        fields=["next_at"],
                        name="deliveries_waiting",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("channel__isnull", False), ("user", None)),
                            models.Q(("channel", None), ("user__isnull", False)),
                            _connector="OR",
                        ),
                        name="a_delivery_has_one_receiver",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("sent_at", None), ("given_up_at", None), _connector="OR"),
                        name="a_sent_delivery_is_not_given_up",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Try",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("took_ms", models.PositiveIntegerField()),
                ("error", models.CharField(blank=True, help_text="Empty: it arrived.", max_length=300)),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tries",
                        to="monitoring.delivery",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "tries",
                "ordering": ["-at"],
            },
        ),
        migrations.CreateModel(
            name="WorkOrder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("in_progress", "In progress"),
                            ("done", "Done"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="open",
                        max_length=12,
                    ),
                ),
                (
                    "priority",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "Urgent"), (2, "High"), (3, "Normal"), (4, "Low")], default=3
                    ),
                ),
                ("due_on", models.DateField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("cause", models.CharField(blank=True, max_length=300)),
                ("exclusion", models.CharField(blank=True, max_length=12)),
                (
                    "alert",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="work_orders",
                        to="monitoring.alert",
                    ),
                ),
                (
                    "assignee",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="work_orders",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "closed_by",
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
                    "evse",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="work_orders",
                        to="stations.evse",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="work_orders",
                        to="stations.site",
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="work_orders",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["priority", "created_at"],
                "indexes": [models.Index(fields=["site", "status"], name="monitoring__site_id_7b8182_idx")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ("open", "in_progress"))),
                        fields=("alert",),
                        name="one_running_job_per_alert",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "done"), _negated=True),
                            models.Q(("cause", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="a_job_is_done_with_its_cause",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at", None), ("status__in", ("open", "in_progress"))),
                            models.Q(("closed_at__isnull", False), ("status__in", ("done", "cancelled"))),
                            _connector="OR",
                        ),
                        name="a_job_is_closed_at_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Photo",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "file",
                    models.FileField(
                        editable=False,
                        storage=stations.models.firmware.private_storage,
                        upload_to=monitoring.work.models.photo_path,
                    ),
                ),
                ("kind", models.CharField(max_length=5)),
                ("size", models.PositiveIntegerField()),
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
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="photos",
                        to="monitoring.workorder",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Part",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("name", models.CharField(max_length=80)),
                ("number", models.CharField(blank=True, max_length=60)),
                (
                    "quantity",
                    models.PositiveSmallIntegerField(
                        default=1, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
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
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="monitoring.workorder",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("text", models.CharField(max_length=1000)),
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
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="monitoring.workorder",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ChecklistItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.CharField(max_length=120)),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                (
                    "done_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="checklist",
                        to="monitoring.workorder",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.AddConstraint(
            model_name="loadgroup",
            constraint=models.UniqueConstraint(fields=("load_site", "name"), name="one_load_group_per_name"),
        ),
        migrations.AddConstraint(
            model_name="loadgroup",
            constraint=models.UniqueConstraint(
                condition=models.Q(("parent", None)), fields=("load_site",), name="one_root_per_load_site"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="outagechange",
            trigger=pgtrigger.compiler.Trigger(
                name="outage_changes_never_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."at" IS DISTINCT FROM (NEW."at") OR OLD."before" IS DISTINCT FROM (NEW."before") OR OLD."after" IS DISTINCT FROM (NEW."after"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="98b27f6d9f87d95d3f6d55c4b44daaea45108728",
                    operation="UPDATE",
                    pgid="pgtrigger_outage_changes_never_change_f628a",
                    table="monitoring_outagechange",
                    when="BEFORE",
                ),
            ),
        ),
    ]
