"""Why the portal alone keeps a place."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("stations", "0014_sessions")]

    operations = [
        migrations.AddField(
            model_name="reservation",
            name="said",
            field=models.CharField(blank=True, editable=False, max_length=40),
        ),
        migrations.AddField(
            model_name="reservation",
            name="trouble",
            field=models.CharField(
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
    ]
