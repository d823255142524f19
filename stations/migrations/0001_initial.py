import uuid

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import stations.models.firmware
import stations.models.log_request
import stations.models.paying
import stations.models.session
import stations.models.site


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("accounts", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "at", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("id", models.UUIDField()),
                ("at", models.DateTimeField()),
                ("connection", models.UUIDField()),
                ("from_station", models.BooleanField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("call", "Call"),
                            ("result", "Result"),
                            ("error", "Error"),
                            ("bad", "not OCPP"),
                        ],
                        max_length=6,
                    ),
                ),
                ("message_id", models.CharField(max_length=64)),
                ("action", models.CharField(max_length=50)),
                ("version", models.CharField(max_length=6)),
                ("frame", models.TextField()),
                ("answer", models.TextField(null=True)),
                ("batch", models.UUIDField(null=True)),
                ("command", models.UUIDField(null=True)),
            ],
            options={
                "db_table": "stations_message",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Reading",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "evse_id",
                        "at",
                        "measurand",
                        "phase",
                        "location",
                        "context",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                ("measurand", models.CharField(max_length=40)),
                ("phase", models.CharField(blank=True, max_length=8)),
                ("location", models.CharField(max_length=10)),
                ("context", models.CharField(max_length=24)),
                ("value", models.DecimalField(decimal_places=3, max_digits=18)),
                ("unit", models.CharField(max_length=8)),
                ("flag", models.CharField(blank=True, max_length=24)),
            ],
            options={
                "db_table": "stations_reading",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Evse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "number",
                    models.PositiveSmallIntegerField(
                        help_text="evseId of OCPP 2.x, connectorId of 1.6; from 1."
                    ),
                ),
                (
                    "public_id",
                    models.CharField(
                        help_text="Printed on the charger, e.g. DE*ABC*E1001*1; not derived from the identity.",
                        max_length=48,
                    ),
                ),
                ("max_power_w", models.PositiveIntegerField(default=22000)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("unknown", "Unknown"),
                            ("available", "Available"),
                            ("preparing", "Plugged in"),
                            ("charging", "Charging"),
                            ("suspended_ev", "Paused by the car"),
                            ("suspended_evse", "Paused by the charger"),
                            ("finishing", "Finishing"),
                            ("occupied", "Occupied"),
                            ("reserved", "Reserved"),
                            ("unavailable", "Out of service"),
                            ("faulted", "Faulted"),
                        ],
                        default="unknown",
                        max_length=20,
                    ),
                ),
                (
                    "state_at",
                    models.DateTimeField(
                        blank=True, help_text="When we received the last report.", null=True
                    ),
                ),
                (
                    "state_since",
                    models.DateTimeField(blank=True, help_text="When the state last changed.", null=True),
                ),
                ("error_code", models.CharField(blank=True, max_length=60)),
                ("vendor_error", models.CharField(blank=True, max_length=60)),
                ("error_info", models.CharField(blank=True, max_length=120)),
                ("wanted_operative", models.BooleanField(default=True, editable=False)),
                ("wanted_told_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "ordering": ["station", "number"],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Upper("public_id"), name="one_evse_per_public_id"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1)), name="evse_numbers_start_at_one"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Node",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=100, unique=True)),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="PendingStation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("identity", models.CharField(max_length=48, unique=True)),
                ("address", models.GenericIPAddressField(null=True)),
                ("subprotocols", models.CharField(blank=True, max_length=200)),
                ("attempts", models.PositiveIntegerField(default=1)),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-last_seen_at"],
            },
        ),
        migrations.CreateModel(
            name="Station",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(help_text="What drivers read on the charger.", max_length=80)),
                (
                    "identity",
                    models.CharField(
                        help_text="The OCPP identity; never shown to the public.", max_length=48, unique=True
                    ),
                ),
                ("password_hash", models.CharField(blank=True, editable=False, max_length=200)),
                (
                    "security_profile",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "0: no password"),
                            (1, "1: password"),
                            (2, "2: TLS and password"),
                            (3, "3: mutual TLS"),
                        ],
                        default=1,
                    ),
                ),
                (
                    "registration",
                    models.CharField(
                        choices=[("Accepted", "Accepted"), ("Pending", "Pending"), ("Rejected", "Rejected")],
                        default="Accepted",
                        max_length=10,
                    ),
                ),
                ("ocpp_version", models.CharField(blank=True, max_length=10)),
                ("vendor", models.CharField(blank=True, max_length=60)),
                ("model", models.CharField(blank=True, max_length=60)),
                ("serial_number", models.CharField(blank=True, max_length=60)),
                ("firmware", models.CharField(blank=True, max_length=60)),
                ("connection", models.UUIDField(blank=True, editable=False, null=True)),
                ("node", models.CharField(blank=True, editable=False, max_length=100)),
                ("address", models.GenericIPAddressField(blank=True, editable=False, null=True)),
                ("connected_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("disconnected_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("last_seen_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("booted_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("boot_reason", models.CharField(blank=True, editable=False, max_length=40)),
                ("clock_offset_s", models.IntegerField(default=0, editable=False)),
                ("clock_seen_s", models.IntegerField(editable=False, null=True)),
                ("clock_seen_at", models.DateTimeField(editable=False, null=True)),
                (
                    "state",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("unknown", "Unknown"),
                            ("available", "Available"),
                            ("preparing", "Plugged in"),
                            ("charging", "Charging"),
                            ("suspended_ev", "Paused by the car"),
                            ("suspended_evse", "Paused by the charger"),
                            ("finishing", "Finishing"),
                            ("occupied", "Occupied"),
                            ("reserved", "Reserved"),
                            ("unavailable", "Out of service"),
                            ("faulted", "Faulted"),
                        ],
                        editable=False,
                        max_length=20,
                    ),
                ),
                ("state_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("state_since", models.DateTimeField(blank=True, editable=False, null=True)),
                ("error_code", models.CharField(blank=True, editable=False, max_length=60)),
                ("vendor_error", models.CharField(blank=True, editable=False, max_length=60)),
                ("error_info", models.CharField(blank=True, editable=False, max_length=120)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["site__name", "name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "link",
                    models.CharField(
                        default=stations.models.session.new_link, editable=False, max_length=32, unique=True
                    ),
                ),
                ("connector_number", models.PositiveSmallIntegerField(default=1)),
                ("token", models.CharField(blank=True, help_text="As the charger spelt it.", max_length=255)),
                (
                    "transaction_id",
                    models.CharField(
                        help_text="A number we give in 1.6; the station's own in 2.x.", max_length=36
                    ),
                ),
                ("start_key", models.CharField(editable=False, max_length=120)),
                ("start_said", models.CharField(blank=True, editable=False, max_length=40)),
                (
                    "start_is_missing",
                    models.BooleanField(
                        default=False,
                        editable=False,
                        help_text="Known from later messages only; its start may still come.",
                    ),
                ),
                (
                    "is_superseded",
                    models.BooleanField(
                        default=False,
                        editable=False,
                        help_text="The station has given its transaction id to another one.",
                    ),
                ),
                ("seq_nos", models.JSONField(default=list, editable=False)),
                ("remote_start_id", models.BigIntegerField(blank=True, null=True)),
                ("started_at", models.DateTimeField()),
                ("stopped_at", models.DateTimeField(blank=True, null=True)),
                ("start_received_at", models.DateTimeField()),
                ("stop_received_at", models.DateTimeField(blank=True, null=True)),
                (
                    "meter_start_wh",
                    models.DecimalField(blank=True, decimal_places=3, max_digits=14, null=True),
                ),
                (
                    "meter_stop_wh",
                    models.DecimalField(blank=True, decimal_places=3, max_digits=14, null=True),
                ),
                ("stop_reason", models.CharField(blank=True, help_text="As OCPP spells it.", max_length=40)),
                ("energy_wh", models.DecimalField(decimal_places=3, default=0, max_digits=14)),
                (
                    "register_wh",
                    models.DecimalField(decimal_places=3, editable=False, max_digits=18, null=True),
                ),
                ("register_at", models.DateTimeField(editable=False, null=True)),
                ("flags", models.JSONField(default=list, editable=False)),
                ("power_w", models.DecimalField(blank=True, decimal_places=1, max_digits=12, null=True)),
                ("soc_percent", models.DecimalField(blank=True, decimal_places=1, max_digits=5, null=True)),
                (
                    "charging_state",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("EVConnected", "Plugged in"),
                            ("Charging", "Charging"),
                            ("SuspendedEV", "Paused by the car"),
                            ("SuspendedEVSE", "Paused by the charger"),
                            ("Idle", "Idle"),
                        ],
                        max_length=20,
                    ),
                ),
                ("last_reading_at", models.DateTimeField(blank=True, null=True)),
                ("refusal", models.CharField(blank=True, editable=False, max_length=200)),
                ("review", models.CharField(blank=True, max_length=200)),
                (
                    "is_estimated",
                    models.BooleanField(default=False, help_text="Closed by us, without the charger's stop."),
                ),
            ],
            options={
                "ordering": ["-started_at"],
            },
        ),
        migrations.CreateModel(
            name="Site",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=120)),
                ("street", models.CharField(blank=True, max_length=200)),
                ("postcode", models.CharField(blank=True, max_length=20)),
                ("city", models.CharField(blank=True, max_length=100)),
                ("country", models.CharField(default="DE", help_text="ISO 3166-1 alpha-2", max_length=2)),
                (
                    "latitude",
                    models.DecimalField(
                        decimal_places=6,
                        max_digits=9,
                        validators=[
                            django.core.validators.MinValueValidator(-90),
                            django.core.validators.MaxValueValidator(90),
                        ],
                    ),
                ),
                (
                    "longitude",
                    models.DecimalField(
                        decimal_places=6,
                        max_digits=9,
                        validators=[
                            django.core.validators.MinValueValidator(-180),
                            django.core.validators.MaxValueValidator(180),
                        ],
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        default="Europe/Berlin",
                        max_length=64,
                        validators=[stations.models.site.check_time_zone],
                    ),
                ),
                ("directions", models.TextField(blank=True)),
                (
                    "opening_hours",
                    models.CharField(
                        blank=True,
                        help_text="Such as “Mo-Fr 06:00-22:00; Sa 08:00-20:00; Su off”; empty means 24/7.",
                        max_length=200,
                        validators=[stations.models.site.check_hours],
                    ),
                ),
                ("is_public", models.BooleanField(default=True)),
                ("has_accessible_bay", models.BooleanField(default=False)),
                (
                    "without_card",
                    models.BooleanField(
                        default=False,
                        help_text="Anyone may charge: chargers that start without a card (NoAuthorization) are let.",
                    ),
                ),
                (
                    "takes_payment",
                    models.BooleanField(
                        default=False,
                        help_text="Chargers have a payment terminal and start by it (OCPP 2.1 DirectPayment).",
                        verbose_name="payment terminal",
                    ),
                ),
                (
                    "static_codes",
                    models.BooleanField(
                        default=True,
                        help_text="Printed QR codes may be used. Off: only the codes that a charger's display shows.",
                    ),
                ),
                (
                    "grid_limit_w",
                    models.PositiveIntegerField(
                        blank=True, help_text="What the grid connection gives.", null=True
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "members",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Memberships that are limited to certain sites, of which this is one.",
                        related_name="sites",
                        to="accounts.membership",
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sites",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Authority",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[("csms", "Chargers' own certificates"), ("v2g", "Plug & Charge")],
                        max_length=4,
                    ),
                ),
                ("is_root", models.BooleanField()),
                ("subject", models.CharField(max_length=200)),
                ("certificate", models.TextField()),
                ("private_key", models.TextField(editable=False)),
                ("not_after", models.DateTimeField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name_plural": "authorities",
                "ordering": ["purpose", "-is_root"],
                "constraints": [
                    models.UniqueConstraint(fields=("purpose", "is_root"), name="one_authority_per_purpose")
                ],
            },
        ),
        migrations.CreateModel(
            name="Batch",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("received_at", models.DateTimeField()),
                ("messages", models.PositiveIntegerField()),
                ("done_at", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("done_at", None)),
                        fields=["received_at"],
                        name="batches_to_ingest",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BulkCommand",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("what", models.CharField(help_text="In words, for people.", max_length=60)),
                ("calls", models.JSONField()),
                ("stations", models.JSONField(default=list)),
                ("skipped", models.JSONField(default=list)),
                ("keep_for", models.DurationField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("told", models.PositiveIntegerField(default=0)),
                ("told_at", models.DateTimeField(blank=True, null=True)),
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="bulk_commands",
                        to="accounts.operator",
                    ),
                ),
                (
                    "retry_of",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="retries",
                        to="stations.bulkcommand",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("told_at", None)),
                        fields=["created_at"],
                        name="bulk_commands_to_tell",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ChargingProfile",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("description", models.CharField(max_length=200)),
                ("profile", models.JSONField(help_text="A ChargingProfile of OCPP 1.6 or 2.x.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="charging_profiles",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "ordering": ["description", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Command",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("action", models.CharField(max_length=50)),
                ("payload", models.JSONField(default=dict)),
                ("secrets", models.TextField(blank=True, editable=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("sent", "Sent"),
                            ("answered", "Answered"),
                            ("error", "Refused by the charger"),
                            ("timed_out", "No answer"),
                            ("offline", "Charger offline"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("response", models.JSONField(blank=True, null=True)),
                ("error_code", models.CharField(blank=True, max_length=60)),
                ("error_description", models.CharField(blank=True, max_length=255)),
                ("reason", models.CharField(blank=True, max_length=120)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("expires_at", models.DateTimeField()),
                ("waits", models.BooleanField(default=False)),
                (
                    "timeout_s",
                    models.PositiveIntegerField(default=30, help_text="How long the charger has to answer."),
                ),
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
                    "bulk",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="commands",
                        to="stations.bulkcommand",
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
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="commands",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(fields=["station", "-created_at"], name="stations_co_station_53c036_idx"),
                    models.Index(
                        condition=models.Q(("status__in", ["queued", "sent"])),
                        fields=["expires_at"],
                        name="commands_under_way",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("bulk", "station"), name="one_command_per_charger_of_a_bulk"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ConfigurationTemplate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                (
                    "protocol",
                    models.CharField(
                        choices=[("1.6", "OCPP 1.6"), ("2.x", "OCPP 2.0.1, 2.1")],
                        default="1.6",
                        max_length=4,
                        verbose_name="protocol",
                    ),
                ),
                (
                    "vendor",
                    models.CharField(
                        blank=True,
                        help_text="As the charger reports it; empty: any.",
                        max_length=60,
                        verbose_name="maker",
                    ),
                ),
                (
                    "model",
                    models.CharField(
                        blank=True, help_text="Empty: any.", max_length=60, verbose_name="model"
                    ),
                ),
                (
                    "firmware",
                    models.CharField(
                        blank=True,
                        help_text="How it begins; empty: any.",
                        max_length=60,
                        verbose_name="firmware",
                    ),
                ),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=10,
                        help_text="The lowest number wins where two templates name the same.",
                        verbose_name="order",
                    ),
                ),
                ("values", models.JSONField(default=dict, verbose_name="values")),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="configuration_templates",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "ordering": ["operator", "protocol", "position", "pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("operator", "name"), name="one_template_per_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="CustomerInquiry",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "about",
                    models.CharField(
                        choices=[
                            ("token", "Card or token"),
                            ("identifier", "Customer number"),
                            ("certificate", "Certificate"),
                        ],
                        default="token",
                        max_length=12,
                    ),
                ),
                ("hint", models.CharField(blank=True, max_length=12)),
                ("report", models.BooleanField(default=False)),
                ("clear", models.BooleanField(default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "Asked"),
                            ("accepted", "Accepted"),
                            ("answered", "Answered"),
                            ("shown", "Shown and deleted"),
                            ("failed", "Failed"),
                            ("expired", "Deleted"),
                        ],
                        default="requested",
                        max_length=10,
                    ),
                ),
                ("state_at", models.DateTimeField()),
                ("problem", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
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
                    "command",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="customer_inquiry",
                        to="stations.command",
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
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="customer_inquiries",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "customer inquiries",
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="CustomerInformationPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seq_no", models.PositiveIntegerField()),
                ("is_last", models.BooleanField()),
                ("data", models.TextField()),
                (
                    "inquiry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="stations.customerinquiry",
                    ),
                ),
            ],
            options={
                "ordering": ["seq_no"],
                "constraints": [
                    models.UniqueConstraint(fields=("inquiry", "seq_no"), name="one_part_per_number")
                ],
            },
        ),
        migrations.CreateModel(
            name="DefaultMonitor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("component", models.CharField(max_length=50)),
                ("variable", models.CharField(max_length=50)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("UpperThreshold", "Above"),
                            ("LowerThreshold", "Below"),
                            ("Delta", "Changes by"),
                            ("Periodic", "Every … seconds"),
                            ("PeriodicClockAligned", "Every … seconds of the clock"),
                            ("TargetDelta", "Off its target by"),
                            ("TargetDeltaRelative", "Off its target by the part"),
                        ],
                        max_length=22,
                    ),
                ),
                ("value", models.FloatField()),
                ("severity", models.PositiveSmallIntegerField(default=5)),
                ("in_transaction", models.BooleanField(default=False)),
                ("per_evse", models.BooleanField(default=False, help_text="One for each EVSE.")),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="default_monitors",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "ordering": ["component", "variable", "type"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("operator", "component", "variable", "type"), name="one_default_per_monitor"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Connector",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField(default=1)),
                (
                    "standard",
                    models.CharField(
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
                        default="IEC_62196_T2",
                        max_length=30,
                    ),
                ),
                (
                    "format",
                    models.CharField(
                        choices=[("SOCKET", "Socket"), ("CABLE", "Cable")], default="SOCKET", max_length=10
                    ),
                ),
                (
                    "power_type",
                    models.CharField(
                        choices=[
                            ("AC_1_PHASE", "AC, one phase"),
                            ("AC_3_PHASE", "AC, three phases"),
                            ("DC", "DC"),
                        ],
                        default="AC_3_PHASE",
                        max_length=12,
                    ),
                ),
                ("max_voltage", models.PositiveIntegerField(default=230)),
                ("max_amperage", models.PositiveIntegerField(default=32)),
                ("wanted_operative", models.BooleanField(default=True, editable=False)),
                (
                    "evse",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="connectors",
                        to="stations.evse",
                    ),
                ),
            ],
            options={
                "ordering": ["evse", "number"],
                "constraints": [
                    models.UniqueConstraint(fields=("evse", "number"), name="one_connector_per_number")
                ],
            },
        ),
        migrations.CreateModel(
            name="FirmwareImage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "vendor",
                    models.CharField(help_text="As the charger says it when it boots.", max_length=60),
                ),
                (
                    "model_pattern",
                    models.CharField(
                        default="*", help_text="The charger's model; * stands for any letters.", max_length=60
                    ),
                ),
                (
                    "version",
                    models.CharField(
                        help_text="What the charger calls itself once it runs: exactly, to the letter.",
                        max_length=60,
                    ),
                ),
                (
                    "name",
                    models.CharField(help_text="The file's name, as the charger sees it.", max_length=100),
                ),
                (
                    "file",
                    models.FileField(
                        blank=True,
                        editable=False,
                        storage=stations.models.firmware.private_storage,
                        upload_to=stations.models.firmware.image_path,
                    ),
                ),
                (
                    "url",
                    models.CharField(
                        blank=True, help_text="The maker's server, instead of a file.", max_length=512
                    ),
                ),
                ("size", models.PositiveBigIntegerField(blank=True, null=True)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("md5", models.CharField(blank=True, max_length=32)),
                ("signing_certificate", models.TextField(blank=True, help_text="PEM, for signed updates.")),
                (
                    "signature",
                    models.CharField(blank=True, help_text="Base64, for signed updates.", max_length=800),
                ),
                ("notes", models.CharField(blank=True, max_length=500)),
                ("is_retired", models.BooleanField(default=False)),
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
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="firmware_images",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "ordering": ["vendor", "model_pattern", "-created_at", "-pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("file", ""), ("url__gt", "")),
                            models.Q(("file__gt", ""), ("url", "")),
                            _connector="OR",
                        ),
                        name="firmware_is_a_file_or_an_address",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("signature", ""), ("signing_certificate", "")),
                            models.Q(("signature__gt", ""), ("signing_certificate__gt", "")),
                            _connector="OR",
                        ),
                        name="firmware_signature_has_its_certificate",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Campaign",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("scheduled", "Scheduled"),
                            ("running", "Running"),
                            ("paused", "Paused"),
                            ("stopped", "Stopped: too many failed"),
                            ("cancelled", "Cancelled"),
                            ("finished", "Finished"),
                        ],
                        default="scheduled",
                        max_length=10,
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                (
                    "wave_size",
                    models.PositiveIntegerField(default=10, help_text="How many chargers at a time."),
                ),
                (
                    "wave_percent",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="A share of the chargers at a time, instead of a number.",
                        null=True,
                    ),
                ),
                ("pause_minutes", models.PositiveIntegerField(default=0, help_text="Between two waves.")),
                (
                    "stop_percent",
                    models.PositiveSmallIntegerField(
                        default=10, help_text="Stop by itself when more than this share has failed."
                    ),
                ),
                (
                    "busy",
                    models.CharField(
                        choices=[
                            ("wait", "Wait until nothing charges there"),
                            ("skip", "Leave it out"),
                            ("anyway", "Send it anyway; the charger waits by itself"),
                        ],
                        default="wait",
                        max_length=8,
                        verbose_name="where somebody charges",
                    ),
                ),
                ("retries", models.PositiveSmallIntegerField(default=2)),
                ("retry_interval_s", models.PositiveIntegerField(default=120)),
                ("wave", models.PositiveIntegerField(default=0, editable=False)),
                ("forgiven", models.PositiveIntegerField(default=0, editable=False)),
                ("next_wave_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("ended_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "api_key",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="accounts.apikey",
                    ),
                ),
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
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="firmware_campaigns",
                        to="accounts.operator",
                    ),
                ),
                (
                    "image",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="campaigns",
                        to="stations.firmwareimage",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("wave_size__gte", 1)), name="campaign_waves_have_somebody"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("wave_percent", None),
                            models.Q(("wave_percent__gte", 1), ("wave_percent__lte", 100)),
                            _connector="OR",
                        ),
                        name="campaign_wave_is_a_share",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("stop_percent__lte", 100)), name="campaign_stops_at_a_share"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FirmwareUpdate",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("from_version", models.CharField(blank=True, max_length=60)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "Asked"),
                            ("accepted", "Accepted"),
                            ("scheduled", "Download scheduled"),
                            ("downloading", "Downloading"),
                            ("paused", "Download paused"),
                            ("downloaded", "Downloaded"),
                            ("verified", "Signature verified"),
                            ("install_scheduled", "Installation scheduled"),
                            ("installing", "Installing"),
                            ("rebooting", "Restarting"),
                            ("installed", "Installed, restart awaited"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="requested",
                        max_length=20,
                    ),
                ),
                ("state_at", models.DateTimeField(help_text="When we received what made it so.")),
                ("problem", models.CharField(blank=True, max_length=200)),
                ("retrieve_at", models.DateTimeField()),
                ("install_at", models.DateTimeField(blank=True, null=True)),
                ("retries", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("retry_interval_s", models.PositiveIntegerField(blank=True, null=True)),
                ("expires_at", models.DateTimeField()),
                ("asked_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
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
                    "command",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="firmware_update",
                        to="stations.command",
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
                    "image",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="updates",
                        to="stations.firmwareimage",
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="firmware_updates",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            (
                                "state__in",
                                (
                                    "requested",
                                    "accepted",
                                    "scheduled",
                                    "downloading",
                                    "paused",
                                    "downloaded",
                                    "verified",
                                    "install_scheduled",
                                    "installing",
                                    "rebooting",
                                    "installed",
                                ),
                            )
                        ),
                        fields=["expires_at"],
                        name="firmware_updates_under_way",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                (
                                    "requested",
                                    "accepted",
                                    "scheduled",
                                    "downloading",
                                    "paused",
                                    "downloaded",
                                    "verified",
                                    "install_scheduled",
                                    "installing",
                                    "rebooting",
                                    "installed",
                                ),
                            )
                        ),
                        fields=("station",),
                        name="one_running_update_per_station",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FirmwareStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("status", models.CharField(max_length=40)),
                ("at", models.DateTimeField()),
                ("note", models.CharField(blank=True, max_length=200)),
                (
                    "update",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="stations.firmwareupdate",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Hour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("energy_wh", models.DecimalField(decimal_places=3, default=0, max_digits=14)),
                ("max_power_w", models.DecimalField(decimal_places=1, max_digits=12, null=True)),
                ("busy_s", models.PositiveIntegerField(default=0)),
                ("charging_s", models.PositiveIntegerField(default=0)),
                ("is_stale", models.BooleanField(default=True)),
                ("is_news", models.BooleanField(default=False)),
                (
                    "evse",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="hours", to="stations.evse"
                    ),
                ),
            ],
            options={
                "ordering": ["starts_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_stale", True)), fields=["starts_at"], name="stale_hours"
                    ),
                    models.Index(
                        condition=models.Q(("is_news", True)), fields=["starts_at"], name="hours_to_take_over"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("evse", "starts_at"), name="one_row_per_hour")
                ],
            },
        ),
        migrations.CreateModel(
            name="IdToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("token", models.CharField(max_length=255)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("Central", "Issued by the portal"),
                            ("DirectPayment", "Payment at the charger"),
                            ("eMAID", "Contract (Plug & Charge)"),
                            ("EVCCID", "Car's communication id"),
                            ("ISO14443", "RFID card"),
                            ("ISO15693", "RFID card (ISO 15693)"),
                            ("KeyCode", "Key code"),
                            ("Local", "Made at the charger"),
                            ("MacAddress", "Car's MAC address"),
                            ("NoAuthorization", "No authorisation"),
                            ("VIN", "Vehicle identification number"),
                        ],
                        default="ISO14443",
                        max_length=20,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("accepted", "Accepted"),
                            ("blocked", "Blocked"),
                            ("expired", "Expired"),
                            ("invalid", "Invalid"),
                        ],
                        default="accepted",
                        max_length=10,
                    ),
                ),
                ("status_since", models.DateTimeField(blank=True, editable=False, null=True)),
                ("status_before", models.CharField(blank=True, editable=False, max_length=10)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "group",
                    models.CharField(
                        blank=True, help_text="Parent (group) token, OCPP groupIdToken.", max_length=255
                    ),
                ),
                ("label", models.CharField(blank=True, max_length=80)),
                (
                    "concurrent_allowed",
                    models.BooleanField(
                        blank=True,
                        help_text="May charge several cars at the same time. Unknown: as the operator's rules say; tokens issued by the portal may.",
                        null=True,
                        verbose_name="several cars at once",
                    ),
                ),
                (
                    "on_local_list",
                    models.BooleanField(
                        default=False,
                        help_text="Chargers keep it in their own list, and accept it while offline.",
                    ),
                ),
                (
                    "priority",
                    models.SmallIntegerField(
                        default=0,
                        help_text="OCPP 2.x chargingPriority: −9 to 9, higher charges first.",
                        validators=[
                            django.core.validators.MinValueValidator(-9),
                            django.core.validators.MaxValueValidator(9),
                        ],
                    ),
                ),
                (
                    "language",
                    models.CharField(
                        blank=True,
                        help_text="In which a charger should speak to the driver, e.g. de-DE.",
                        max_length=8,
                    ),
                ),
                ("second_language", models.CharField(blank=True, max_length=8)),
                (
                    "message",
                    models.CharField(
                        blank=True,
                        help_text="Shown on the display when the card is accepted (OCPP 2.x).",
                        max_length=255,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "evses",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Charges also, or only, on these EVSEs.",
                        related_name="+",
                        to="stations.evse",
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="id_tokens",
                        to="accounts.operator",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="id_tokens",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "sites",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Charges only at these sites. None: at all.",
                        related_name="+",
                        to="stations.site",
                    ),
                ),
            ],
            options={
                "ordering": ["token"],
                "indexes": [
                    models.Index(
                        django.db.models.functions.text.Replace(
                            django.db.models.functions.text.Replace(
                                django.db.models.functions.text.Replace(
                                    django.db.models.functions.text.Upper("token"),
                                    models.Value("-"),
                                    models.Value(""),
                                ),
                                models.Value("*"),
                                models.Value(""),
                            ),
                            models.Value(" "),
                            models.Value(""),
                        ),
                        condition=models.Q(("type", "eMAID")),
                        name="contracts_by_their_id",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("operator"),
                        django.db.models.functions.text.Upper("token"),
                        name="one_row_per_token",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LogRequest",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("DiagnosticsLog", "Diagnostics"),
                            ("SecurityLog", "Security log"),
                            ("DataCollectorLog", "Data collector"),
                        ],
                        default="DiagnosticsLog",
                        max_length=20,
                    ),
                ),
                ("oldest", models.DateTimeField(blank=True, null=True)),
                ("latest", models.DateTimeField(blank=True, null=True)),
                ("retries", models.PositiveSmallIntegerField(default=2)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "Asked"),
                            ("accepted", "Accepted"),
                            ("uploading", "Uploading"),
                            ("uploaded", "Here"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="requested",
                        max_length=10,
                    ),
                ),
                ("state_at", models.DateTimeField()),
                ("status", models.CharField(blank=True, max_length=40)),
                ("problem", models.CharField(blank=True, max_length=200)),
                ("expires_at", models.DateTimeField()),
                (
                    "file",
                    models.FileField(
                        blank=True,
                        storage=stations.models.firmware.private_storage,
                        upload_to=stations.models.log_request.log_path,
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=255)),
                ("size", models.PositiveBigIntegerField(blank=True, null=True)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("received_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
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
                    "command",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="log_request",
                        to="stations.command",
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
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="log_requests",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("file", ""), _negated=True),
                        fields=["received_at"],
                        name="log_files_kept",
                    ),
                    models.Index(
                        condition=models.Q(("state__in", ["requested", "accepted", "uploading"])),
                        fields=["expires_at"],
                        name="log_requests_under_way",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Provisioning",
            fields=[
                (
                    "station",
                    models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="provisioning",
                        serialize=False,
                        to="stations.station",
                    ),
                ),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("read_firmware", models.CharField(blank=True, max_length=60)),
                ("is_new", models.BooleanField(default=False)),
                ("configured_at", models.DateTimeField(blank=True, null=True)),
                ("reboot_required_at", models.DateTimeField(blank=True, null=True)),
                ("next_password_hash", models.CharField(blank=True, max_length=200)),
                ("next_password_at", models.DateTimeField(blank=True, null=True)),
                ("next_password_command", models.UUIDField(blank=True, null=True)),
                ("next_security_profile", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("next_security_profile_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Monitor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("connector_number", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("component", models.CharField(max_length=50)),
                ("component_instance", models.CharField(blank=True, max_length=50)),
                ("variable", models.CharField(max_length=50)),
                ("variable_instance", models.CharField(blank=True, max_length=50)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("UpperThreshold", "Above"),
                            ("LowerThreshold", "Below"),
                            ("Delta", "Changes by"),
                            ("Periodic", "Every … seconds"),
                            ("PeriodicClockAligned", "Every … seconds of the clock"),
                            ("TargetDelta", "Off its target by"),
                            ("TargetDeltaRelative", "Off its target by the part"),
                        ],
                        max_length=22,
                    ),
                ),
                ("value", models.FloatField()),
                ("severity", models.PositiveSmallIntegerField(default=8)),
                ("in_transaction", models.BooleanField(default=False)),
                ("monitor_id", models.BigIntegerField(blank=True, null=True)),
                ("origin", models.CharField(default="CustomMonitor", max_length=24)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("sent", "Sent"),
                            ("set", "Set"),
                            ("rejected", "Refused"),
                            ("cleared", "Cleared"),
                        ],
                        default="sent",
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("reported_in", models.BigIntegerField(blank=True, null=True)),
                ("last_value", models.CharField(blank=True, max_length=500)),
                ("last_value_at", models.DateTimeField(blank=True, null=True)),
                ("stream_id", models.BigIntegerField(blank=True, null=True)),
                ("stream_interval_s", models.PositiveIntegerField(blank=True, null=True)),
                ("stream_values", models.PositiveIntegerField(blank=True, null=True)),
                ("changed_at", models.DateTimeField(auto_now=True)),
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
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="monitors",
                        to="stations.evse",
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="monitors",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["station", "component", "variable", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "set")),
                        fields=("station", "monitor_id"),
                        name="one_monitor_per_number",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LocalList",
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
                            ("none", "Nothing sent yet"),
                            ("sending", "Being sent"),
                            ("current", "Up to date"),
                            ("waiting", "Waits for the charger"),
                            ("failed", "Refused by the charger"),
                            ("unsupported", "Not supported by the charger"),
                        ],
                        default="none",
                        max_length=12,
                    ),
                ),
                ("version", models.PositiveIntegerField(default=0)),
                ("reported_version", models.IntegerField(blank=True, null=True)),
                ("entries", models.JSONField(default=dict)),
                ("wanted", models.CharField(blank=True, max_length=64)),
                ("left_out", models.PositiveIntegerField(default=0)),
                ("parts", models.JSONField(default=list)),
                ("must_be_full", models.BooleanField(default=True)),
                ("error", models.CharField(blank=True, max_length=255)),
                ("not_before", models.DateTimeField(blank=True, null=True)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
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
                    "station",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="local_list",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["station"],
            },
        ),
        migrations.CreateModel(
            name="InstalledCertificate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=30)),
                ("hash_algorithm", models.CharField(max_length=6)),
                ("issuer_name_hash", models.CharField(max_length=128)),
                ("issuer_key_hash", models.CharField(max_length=128)),
                ("serial_number", models.CharField(max_length=40)),
                ("is_child", models.BooleanField(default=False)),
                ("seen_at", models.DateTimeField()),
                (
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="installed_certificates",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["kind", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "station",
                            "kind",
                            "hash_algorithm",
                            "issuer_name_hash",
                            "issuer_key_hash",
                            "serial_number",
                        ),
                        name="one_row_per_installed_certificate",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FileTicket",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("uses", models.PositiveIntegerField(default=0)),
                ("most_uses", models.PositiveIntegerField(null=True)),
                ("bytes_moved", models.PositiveBigIntegerField(default=0)),
                ("first_used_at", models.DateTimeField(null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
                ("last_address", models.GenericIPAddressField(null=True)),
                ("expires_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "image",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tickets",
                        to="stations.firmwareimage",
                    ),
                ),
                (
                    "update",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tickets",
                        to="stations.firmwareupdate",
                    ),
                ),
                (
                    "log_request",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tickets",
                        to="stations.logrequest",
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="file_tickets",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "indexes": [models.Index(fields=["expires_at"], name="stations_fi_expires_8502a4_idx")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("image", None), ("log_request__isnull", False)),
                            models.Q(("image__isnull", False), ("log_request", None)),
                            _connector="OR",
                        ),
                        name="ticket_is_for_one_thing",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="evse",
            name="station",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="evses", to="stations.station"
            ),
        ),
        migrations.CreateModel(
            name="Event",
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
                            ("security", "Security"),
                            ("monitor", "Monitor"),
                            ("firmware", "Firmware"),
                            ("certificate", "Certificate"),
                            ("diagnostics", "Diagnostics"),
                            ("configuration", "Configuration"),
                            ("charging_limit", "Charging limit"),
                            ("fault", "Fault"),
                            ("grid", "Grid"),
                            ("protocol", "Protocol"),
                            ("other", "Other"),
                        ],
                        max_length=16,
                    ),
                ),
                ("code", models.CharField(max_length=100)),
                ("severity", models.PositiveSmallIntegerField(default=8)),
                ("at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                ("text", models.CharField(blank=True, max_length=500)),
                ("component", models.CharField(blank=True, max_length=120)),
                ("variable", models.CharField(blank=True, max_length=120)),
                ("value", models.CharField(blank=True, max_length=500)),
                ("is_cleared", models.BooleanField(default=False)),
                ("number", models.BigIntegerField(blank=True, null=True)),
                ("cause_number", models.BigIntegerField(blank=True, null=True)),
                ("transaction_id", models.CharField(blank=True, max_length=36)),
                (
                    "evse",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="events",
                        to="stations.evse",
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["-received_at", "-pk"],
                "indexes": [
                    models.Index(fields=["station", "-received_at"], name="stations_ev_station_a485c4_idx"),
                    models.Index(fields=["-received_at", "-id"], name="newest_events"),
                    models.Index(
                        condition=models.Q(("kind", "fault")),
                        fields=["station", "evse", "-received_at", "-id"],
                        name="newest_faults",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("number__isnull", False)),
                        fields=("station", "number", "at"),
                        name="each_event_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DisplayMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "priority",
                    models.CharField(
                        choices=[
                            ("AlwaysFront", "Always in front"),
                            ("InFront", "In front"),
                            ("NormalCycle", "In turn with others"),
                        ],
                        default="NormalCycle",
                        max_length=12,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("Charging", "While charging"),
                            ("Faulted", "While faulted"),
                            ("Idle", "While idle"),
                            ("Unavailable", "While out of service"),
                            ("Suspended", "While paused (2.1)"),
                            ("Discharging", "While discharging (2.1)"),
                        ],
                        help_text="Shown only in this state; empty: in all.",
                        max_length=12,
                    ),
                ),
                ("starts_at", models.DateTimeField(blank=True, null=True)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("transaction_id", models.CharField(blank=True, max_length=36)),
                ("texts", models.JSONField(default=list)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("sending", "Being sent"),
                            ("shown", "On the display"),
                            ("refused", "Refused by the charger"),
                            ("cleared", "Taken down"),
                            ("gone", "Gone by itself"),
                        ],
                        default="sending",
                        max_length=10,
                    ),
                ),
                ("error", models.CharField(blank=True, max_length=255)),
                ("is_foreign", models.BooleanField(default=False)),
                ("reported_in", models.BigIntegerField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "clearing",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="stations.command",
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
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="display_messages",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("station", "number"), name="one_display_message_per_number"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DerControl",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("control_id", models.CharField(max_length=36)),
                ("control_type", models.CharField(max_length=30)),
                ("is_default", models.BooleanField(default=False)),
                ("is_superseded", models.BooleanField(default=False)),
                ("is_running", models.BooleanField(default=False)),
                ("settings", models.JSONField(default=dict)),
                ("updated_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
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
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="der_controls",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["control_type", "-updated_at"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("station", "control_id"),
                        name="one_der_control_per_id",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ConfigurationRun",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("read", "Read all settings"),
                            ("part", "Read some settings"),
                            ("write", "Change settings"),
                            ("first", "First configuration"),
                            ("password", "New password"),
                            ("profile", "Higher security profile"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("running", "Under way"),
                            ("done", "Done"),
                            ("partly", "Partly refused"),
                            ("failed", "Failed"),
                        ],
                        default="running",
                        max_length=10,
                    ),
                ),
                ("calls", models.JSONField(default=list)),
                ("results", models.JSONField(default=dict)),
                ("reboot_required", models.BooleanField(default=False)),
                ("problem", models.CharField(blank=True, max_length=255)),
                ("awaits_report", models.BooleanField(default=False)),
                ("is_complete", models.BooleanField(default=False)),
                ("parts", models.JSONField(default=list)),
                ("last_part", models.PositiveIntegerField(blank=True, null=True)),
                ("keep_for_s", models.PositiveIntegerField(default=0)),
                ("bulk", models.UUIDField(blank=True, db_index=True, null=True)),
                ("reason", models.CharField(blank=True, max_length=120)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("moved_at", models.DateTimeField(auto_now=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
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
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="configuration_runs",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(fields=["station", "-id"], name="stations_co_station_520832_idx"),
                    models.Index(
                        condition=models.Q(("status", "running")), fields=["moved_at"], name="runs_under_way"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Certificate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "use",
                    models.CharField(
                        choices=[
                            ("ChargingStationCertificate", "Charger to portal"),
                            ("V2GCertificate", "Charger to car (ISO 15118-2)"),
                            ("V2G20Certificate", "Charger to car (ISO 15118-20)"),
                        ],
                        max_length=30,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("requested", "Being signed"),
                            ("refused", "Refused by the portal"),
                            ("sent", "Sent to the charger"),
                            ("installed", "Taken by the charger"),
                            ("rejected", "Rejected by the charger"),
                            ("undelivered", "The charger did not answer"),
                        ],
                        default="requested",
                        max_length=12,
                    ),
                ),
                ("csr", models.TextField()),
                ("named_use", models.BooleanField(default=False)),
                ("request_id", models.BigIntegerField(blank=True, null=True)),
                ("common_name", models.CharField(blank=True, max_length=80)),
                ("problem", models.CharField(blank=True, max_length=255)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("try_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("chain", models.TextField(blank=True)),
                ("serial_number", models.CharField(blank=True, max_length=40)),
                ("fingerprint", models.CharField(blank=True, help_text="SHA-256", max_length=64)),
                ("issuer", models.CharField(blank=True, max_length=255)),
                ("not_before", models.DateTimeField(blank=True, null=True)),
                ("not_after", models.DateTimeField(blank=True, null=True)),
                ("renewal_asked_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("revocation_reason", models.CharField(blank=True, max_length=30)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("issued_at", models.DateTimeField(blank=True, null=True)),
                (
                    "revoked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="certificates",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-pk"],
                "indexes": [
                    models.Index(fields=["station", "-created_at"], name="stations_ce_station_319d74_idx"),
                    models.Index(fields=["serial_number"], name="stations_ce_serial__e4c754_idx"),
                    models.Index(
                        condition=models.Q(("status", "requested")),
                        fields=["try_at"],
                        name="certificates_to_sign",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("fingerprint", ""), _negated=True),
                        fields=("fingerprint",),
                        name="one_row_per_certificate",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "requested")),
                        fields=("station", "use"),
                        name="one_request_at_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CampaignStation",
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
                            ("pending", "Waiting"),
                            ("running", "Under way"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("skipped", "Left out"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("wave", models.PositiveIntegerField(blank=True, null=True)),
                ("note", models.CharField(blank=True, max_length=200)),
                ("changed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="stations.campaign",
                    ),
                ),
                (
                    "update",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="campaign_rows",
                        to="stations.firmwareupdate",
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="campaign_rows",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "indexes": [
                    models.Index(fields=["campaign", "state"], name="stations_ca_campaig_62e545_idx")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign", "station"), name="one_row_per_station_and_campaign"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AvailabilityPlan",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, max_length=120)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "Planned"),
                            ("running", "Out of service"),
                            ("over", "Over"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="planned",
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
                    "closing",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="stations.command",
                    ),
                ),
                (
                    "opening",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="stations.command",
                    ),
                ),
                (
                    "connector",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: the whole EVSE. OCPP 2.x only.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="availability_plans",
                        to="stations.connector",
                    ),
                ),
                (
                    "evse",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: the whole charger.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="availability_plans",
                        to="stations.evse",
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="availability_plans",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["-starts_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["planned", "running"])),
                        fields=["starts_at"],
                        name="availability_plans_open",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_at", None), ("ends_at__gt", models.F("starts_at")), _connector="OR"
                        ),
                        name="availability_plans_end_after_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("connector", None), ("evse__isnull", False), _connector="OR"),
                        name="a_planned_connector_names_its_evse",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Abilities",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("told", models.JSONField(default=dict)),
                ("asked_at", models.DateTimeField(blank=True, null=True)),
                ("known_at", models.DateTimeField(blank=True, null=True)),
                (
                    "station",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="abilities",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "abilities",
            },
        ),
        migrations.CreateModel(
            name="Publication",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "Asked"),
                            ("running", "Under way"),
                            ("published", "Published"),
                            ("failed", "Failed"),
                            ("unpublished", "Withdrawn"),
                        ],
                        default="requested",
                        max_length=12,
                    ),
                ),
                ("state_at", models.DateTimeField()),
                ("status", models.CharField(blank=True, max_length=40)),
                ("locations", models.JSONField(blank=True, default=list)),
                ("problem", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "command",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="publication",
                        to="stations.command",
                    ),
                ),
                (
                    "image",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="publications",
                        to="stations.firmwareimage",
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="publications",
                        to="stations.station",
                    ),
                ),
                (
                    "withdrawal",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="withdrawal",
                        to="stations.command",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="Quirk",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "vendor",
                    models.CharField(
                        blank=True, help_text="As the charger says when it boots.", max_length=60
                    ),
                ),
                (
                    "model",
                    models.CharField(
                        blank=True, help_text="Empty: every model of the vendor.", max_length=60
                    ),
                ),
                (
                    "energy_unit",
                    models.CharField(
                        blank=True,
                        choices=[("Wh", "Wh"), ("kWh", "kWh")],
                        help_text="Of energy that is sent without a unit.",
                        max_length=3,
                    ),
                ),
                (
                    "power_unit",
                    models.CharField(
                        blank=True,
                        choices=[("W", "W"), ("kW", "kW")],
                        help_text="Of power that is sent without a unit.",
                        max_length=2,
                    ),
                ),
                (
                    "whole_seconds",
                    models.BooleanField(
                        default=False, help_text="It can't read times with fractions of a second."
                    ),
                ),
                (
                    "fallback",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("ocpp1.6", "OCPP 1.6"),
                            ("ocpp2.0.1", "OCPP 2.0.1"),
                            ("ocpp2.1", "OCPP 2.1"),
                        ],
                        help_text="Which version it speaks when it offers none. It must be told in no other way.",
                        max_length=9,
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quirks",
                        to="accounts.operator",
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quirks",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["vendor", "model", "pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("station__isnull", False),
                            models.Q(("vendor", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="quirks_are_somebodys",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Reservation",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("scheduled", "Scheduled"),
                            ("told", "Kept by the charger"),
                            ("portal_only", "Kept by the portal"),
                            ("used", "Used"),
                            ("cancelled", "Cancelled"),
                            ("expired", "Expired"),
                        ],
                        default="scheduled",
                        max_length=12,
                    ),
                ),
                (
                    "trouble",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("offline", "The charger is not connected."),
                            ("unable", "This charger can't keep places."),
                            ("refused", "The charger refused to."),
                            ("silent", "The charger did not answer."),
                            ("dropped", "The charger let go of it."),
                        ],
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("said", models.CharField(blank=True, editable=False, max_length=40)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reservations",
                        to="stations.evse",
                    ),
                ),
                (
                    "id_token",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reservations",
                        to="stations.idtoken",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reservations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-starts_at"],
                "indexes": [
                    models.Index(fields=["evse", "starts_at"], name="stations_re_evse_id_8ff387_idx")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="reservations_end_after_start",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RootCertificate",
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
                            ("CSMSRootCertificate", "Portal (CSMS) root"),
                            ("V2GRootCertificate", "V2G root"),
                            ("MORootCertificate", "Mobility operator root"),
                            ("ManufacturerRootCertificate", "Manufacturer root"),
                            ("OEMRootCertificate", "Vehicle manufacturer root"),
                        ],
                        max_length=30,
                    ),
                ),
                ("name", models.CharField(help_text="What your people call it.", max_length=80)),
                ("certificate", models.TextField(help_text="In PEM: one certificate of an authority.")),
                ("subject", models.CharField(editable=False, max_length=255)),
                ("fingerprint", models.CharField(editable=False, help_text="SHA-256", max_length=64)),
                ("not_after", models.DateTimeField(editable=False)),
                (
                    "admits_stations",
                    models.BooleanField(
                        default=False,
                        help_text="Chargers may sign in with certificates that it signed itself, if these name their identity.",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="root_certificates",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "ordering": ["kind", "name"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("operator", "kind", "fingerprint"), name="one_root_certificate_per_kind"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ShownCost",
            fields=[
                (
                    "session",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="shown_cost",
                        serialize=False,
                        to="stations.session",
                    ),
                ),
                ("total", models.DecimalField(decimal_places=4, max_digits=12, null=True)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("at", models.DateTimeField(null=True)),
                ("is_final", models.BooleanField(default=False)),
            ],
        ),
        migrations.AddField(
            model_name="session",
            name="evse",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="sessions", to="stations.evse"
            ),
        ),
        migrations.AddField(
            model_name="session",
            name="id_token",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="sessions",
                to="stations.idtoken",
            ),
        ),
        migrations.AddField(
            model_name="session",
            name="station",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="sessions", to="stations.station"
            ),
        ),
        migrations.AddField(
            model_name="session",
            name="status_command",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="stations.command",
            ),
        ),
        migrations.AddField(
            model_name="session",
            name="user",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="sessions",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.CreateModel(
            name="Orphan",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(choices=[("stop", "Stop"), ("meter", "Meter values")], max_length=6),
                ),
                ("transaction_id", models.CharField(blank=True, max_length=40)),
                ("problem", models.CharField(max_length=200)),
                ("payload", models.JSONField()),
                ("at", models.DateTimeField(blank=True, null=True)),
                ("meter_wh", models.DecimalField(blank=True, decimal_places=3, max_digits=18, null=True)),
                ("reason", models.CharField(blank=True, max_length=40)),
                ("token", models.CharField(blank=True, max_length=255)),
                ("count", models.PositiveIntegerField(default=1)),
                ("first_received_at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "resolution",
                    models.CharField(
                        blank=True,
                        choices=[("attached", "Attached to a session"), ("dismissed", "Dismissed")],
                        max_length=10,
                    ),
                ),
                (
                    "resolved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="orphans",
                        to="stations.station",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="orphans",
                        to="stations.session",
                    ),
                ),
            ],
            options={
                "ordering": ["-received_at", "-pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("resolved_at", None)),
                        fields=["station", "-received_at"],
                        name="open_orphans",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "meter"), ("resolved_at", None)),
                        fields=("station", "kind", "transaction_id"),
                        name="one_open_orphan_of_meter_values",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="InstalledProfile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("profile_id", models.BigIntegerField(help_text="chargingProfileId of 1.6, id of 2.x.")),
                ("purpose", models.CharField(max_length=40)),
                ("kind", models.CharField(max_length=12)),
                ("stack_level", models.PositiveIntegerField(default=0)),
                ("profile", models.JSONField(default=dict)),
                ("limit_w", models.DecimalField(blank=True, decimal_places=1, max_digits=12, null=True)),
                ("until", models.DateTimeField(blank=True, null=True)),
                ("source", models.CharField(default="CSO", max_length=20)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("sent", "Sent"),
                            ("accepted", "Applied"),
                            ("rejected", "Not applied"),
                            ("cleared", "Cleared"),
                        ],
                        default="sent",
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("reported_in", models.BigIntegerField(blank=True, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=1)),
                ("retry_at", models.DateTimeField(blank=True, null=True)),
                ("sent_at", models.DateTimeField(auto_now_add=True)),
                ("installed_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
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
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="installed_profiles",
                        to="stations.evse",
                    ),
                ),
                (
                    "named",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="installed",
                        to="stations.chargingprofile",
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="installed_profiles",
                        to="stations.station",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="installed_profiles",
                        to="stations.session",
                    ),
                ),
            ],
            options={
                "ordering": ["-sent_at", "-pk"],
                "indexes": [
                    models.Index(fields=["station", "-sent_at"], name="stations_in_station_11197d_idx"),
                    models.Index(
                        condition=models.Q(("retry_at__isnull", False)),
                        fields=["retry_at"],
                        name="profiles_to_retry",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "accepted")),
                        fields=("station", "profile_id"),
                        name="one_applied_profile_per_number",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ChargingNeeds",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("energy_transfer", models.CharField(blank=True, max_length=20)),
                ("departure_at", models.DateTimeField(blank=True, null=True)),
                (
                    "energy_wh",
                    models.DecimalField(
                        blank=True,
                        decimal_places=0,
                        help_text="What it wants until then.",
                        max_digits=12,
                        null=True,
                    ),
                ),
                ("max_power_w", models.DecimalField(blank=True, decimal_places=0, max_digits=12, null=True)),
                ("needs", models.JSONField(default=dict)),
                ("max_schedule_tuples", models.PositiveIntegerField(blank=True, null=True)),
                ("received_at", models.DateTimeField(blank=True, null=True)),
                (
                    "answer",
                    models.CharField(blank=True, help_text="What the portal answered.", max_length=20),
                ),
                ("schedule", models.JSONField(blank=True, null=True)),
                ("schedule_from", models.DateTimeField(blank=True, null=True)),
                ("has_priority", models.BooleanField(default=False)),
                ("allowed_transfer", models.JSONField(default=list)),
                (
                    "session",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="needs",
                        to="stations.session",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Setting",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("path", models.CharField(max_length=400)),
                ("component", models.CharField(blank=True, max_length=50)),
                ("instance", models.CharField(blank=True, max_length=50)),
                ("evse", models.PositiveIntegerField(default=0, help_text="0: the station as a whole.")),
                ("connector", models.PositiveIntegerField(default=0)),
                ("variable", models.CharField(max_length=50)),
                ("variable_instance", models.CharField(blank=True, max_length=50)),
                ("attribute", models.CharField(default="Actual", max_length=10)),
                ("value", models.TextField(blank=True, null=True)),
                (
                    "mutability",
                    models.CharField(
                        choices=[
                            ("ReadWrite", "can be changed"),
                            ("ReadOnly", "can only be read"),
                            ("WriteOnly", "can only be written"),
                        ],
                        default="ReadWrite",
                        max_length=10,
                    ),
                ),
                ("is_constant", models.BooleanField(default=False)),
                ("is_persistent", models.BooleanField(default=True)),
                ("data_type", models.CharField(blank=True, max_length=20)),
                ("unit", models.CharField(blank=True, max_length=16)),
                ("minimum", models.DecimalField(blank=True, decimal_places=6, max_digits=30, null=True)),
                ("maximum", models.DecimalField(blank=True, decimal_places=6, max_digits=30, null=True)),
                (
                    "choices",
                    models.TextField(blank=True, help_text="The values that the station takes, by commas."),
                ),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("refusal", models.CharField(blank=True, max_length=60)),
                ("refused_value", models.TextField(blank=True)),
                ("tried_at", models.DateTimeField(blank=True, null=True)),
                (
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="settings",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["path"],
                "constraints": [
                    models.UniqueConstraint(fields=("station", "path"), name="one_setting_per_place")
                ],
            },
        ),
        migrations.CreateModel(
            name="Settlement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("transaction_id", models.CharField(blank=True, max_length=36)),
                ("psp_ref", models.CharField(max_length=255)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("Settled", "Settled"),
                            ("Canceled", "Cancelled"),
                            ("Rejected", "Rejected"),
                            ("Failed", "Failed"),
                        ],
                        max_length=10,
                    ),
                ),
                ("info", models.CharField(blank=True, max_length=500)),
                ("amount", models.DecimalField(decimal_places=4, max_digits=12)),
                ("settled_at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                ("receipt_id", models.CharField(blank=True, max_length=50)),
                ("receipt_url", models.CharField(blank=True, max_length=2000)),
                ("vat_number", models.CharField(blank=True, max_length=20)),
                ("company", models.JSONField(blank=True, null=True)),
                (
                    "session",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="settlements",
                        to="stations.session",
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlements",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "ordering": ["-received_at"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("station", "psp_ref", "transaction_id", "status", "settled_at"),
                        name="one_settlement_per_report",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SignedValue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                ("context", models.CharField(max_length=24)),
                ("data", models.TextField()),
                ("method", models.CharField(blank=True, max_length=50)),
                ("encoding", models.CharField(blank=True, max_length=50)),
                ("public_key", models.TextField(blank=True)),
                (
                    "evse",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="signed_values",
                        to="stations.evse",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="signed_values",
                        to="stations.session",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("evse"),
                        models.F("at"),
                        models.F("context"),
                        django.db.models.functions.text.MD5("data"),
                        name="one_row_per_signed_value",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="station",
            name="site",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="stations", to="stations.site"
            ),
        ),
        migrations.CreateModel(
            name="SmartCharging",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("rate_units", models.CharField(blank=True, max_length=8)),
                ("max_stack_level", models.PositiveIntegerField(blank=True, null=True)),
                ("max_periods", models.PositiveIntegerField(blank=True, null=True)),
                ("has_monitoring", models.BooleanField(blank=True, null=True)),
                ("monitors_per_message", models.PositiveIntegerField(blank=True, null=True)),
                ("monitor_bytes_per_message", models.PositiveIntegerField(blank=True, null=True)),
                ("asked_at", models.DateTimeField(blank=True, null=True)),
                ("firmware", models.CharField(blank=True, max_length=60)),
                ("monitors_pushed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "station",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="smart_charging",
                        to="stations.station",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="StationTariff",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tariff_id", models.CharField(max_length=60)),
                ("document", models.JSONField(default=dict)),
                ("left_out", models.JSONField(default=list)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("sending", "Being sent"),
                            ("set", "Set"),
                            ("refused", "Refused by the charger"),
                        ],
                        default="sending",
                        max_length=10,
                    ),
                ),
                ("error", models.CharField(blank=True, max_length=255)),
                ("sent_at", models.DateTimeField()),
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
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="station_tariff",
                        to="stations.evse",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TokenRules",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "concurrent_allowed",
                    models.BooleanField(
                        default=False,
                        help_text="A card may charge several cars at the same time, unless the card itself says otherwise.",
                        verbose_name="one card, several cars",
                    ),
                ),
                (
                    "local_list",
                    models.CharField(
                        choices=[
                            ("all", "Every accepted token"),
                            ("marked", "The marked tokens"),
                            ("none", "No local lists"),
                        ],
                        default="marked",
                        help_text="Which tokens chargers keep in their own list, for the time in which they are offline.",
                        max_length=10,
                    ),
                ),
                (
                    "master_group",
                    models.CharField(
                        blank=True,
                        help_text="Tokens of this group may stop any session and start none (OCPP 2.x MasterPassGroupId).",
                        max_length=36,
                    ),
                ),
                (
                    "show_cost",
                    models.BooleanField(
                        default=True, help_text="Send the running cost to chargers whose display can show it."
                    ),
                ),
                ("cleared_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "operator",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="token_rules",
                        to="accounts.operator",
                    ),
                ),
            ],
            options={
                "verbose_name": "token rules",
                "verbose_name_plural": "token rules",
            },
        ),
        migrations.CreateModel(
            name="WebPayments",
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
                        default=stations.models.paying.new_code, editable=False, max_length=20, unique=True
                    ),
                ),
                (
                    "nonce",
                    models.CharField(default=stations.models.paying.new_code, editable=False, max_length=20),
                ),
                ("validity_s", models.PositiveIntegerField(default=60)),
                ("length", models.PositiveSmallIntegerField(default=8)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("off", "Off"),
                            ("sending", "Being set up"),
                            ("on", "On"),
                            ("refused", "Refused by the charger"),
                        ],
                        default="off",
                        max_length=10,
                    ),
                ),
                ("error", models.CharField(blank=True, max_length=255)),
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
                    "station",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="web_payments",
                        to="stations.station",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "web payments",
            },
        ),
        migrations.AddIndex(
            model_name="evse",
            index=models.Index(
                condition=models.Q(("wanted_operative", False)),
                fields=["station"],
                name="evses_wanted_out_of_service",
            ),
        ),
        migrations.AddConstraint(
            model_name="evse",
            constraint=models.UniqueConstraint(fields=("station", "number"), name="one_evse_per_number"),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(fields=["station", "-started_at"], name="stations_se_station_bb4b19_idx"),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(fields=["user", "-started_at"], name="stations_se_user_id_f81f51_idx"),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                condition=models.Q(("stopped_at", None)), fields=["evse"], name="open_sessions"
            ),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_superseded", False)),
                fields=("station", "transaction_id"),
                name="one_session_per_transaction",
            ),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.UniqueConstraint(fields=("station", "start_key"), name="one_session_per_start"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="idtoken",
            trigger=pgtrigger.compiler.Trigger(
                name="tokens_remember_their_status",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."status" IS DISTINCT FROM (NEW."status"))',
                    func="NEW.status_before = OLD.status; NEW.status_since = clock_timestamp(); RETURN NEW;",
                    hash="e92d6c7a5792242d5e934395707be7e0a40b3972",
                    operation="UPDATE",
                    pgid="pgtrigger_tokens_remember_their_status_c0ce1",
                    table="stations_idtoken",
                    when="BEFORE",
                ),
            ),
        ),
    ]
