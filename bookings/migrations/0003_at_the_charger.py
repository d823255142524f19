"""Fees for charging on, stop times of sessions, and moves that are offered."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bookings", "0002_closures_follow_plans"),
        ("stations", "0015_reservation_trouble"),
    ]

    operations = [
        migrations.AddField(
            model_name="booking",
            name="late_stop_fee",
            field=models.DecimalField(
                decimal_places=2,
                default=0,
                help_text="For charging on after that, tax included; without a fee it is stopped instead.",
                max_digits=8,
                validators=[django.core.validators.MinValueValidator(0)],
            ),
        ),
        migrations.AddField(
            model_name="booking",
            name="late_stop_fee_per",
            field=models.CharField(
                choices=[("minute", "For each minute begun"), ("once", "Once")],
                default="minute",
                help_text="How often it is charged.",
                max_length=6,
            ),
        ),
        migrations.AddField(
            model_name="siterules",
            name="late_stop_fee",
            field=models.DecimalField(
                decimal_places=2,
                default=0,
                help_text="For charging on after that, tax included; without a fee it is stopped instead.",
                max_digits=8,
                validators=[django.core.validators.MinValueValidator(0)],
            ),
        ),
        migrations.AddField(
            model_name="siterules",
            name="late_stop_fee_per",
            field=models.CharField(
                choices=[("minute", "For each minute begun"), ("once", "Once")],
                default="minute",
                help_text="How often it is charged.",
                max_length=6,
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
    ]
