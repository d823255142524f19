from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("stations", "0016_opening_hours_are_read")]

    operations = [
        migrations.AddField("hour", "charging_s", models.PositiveIntegerField(default=0)),
        # What is there already has to be taken over once.
        migrations.AddField("hour", "is_news", models.BooleanField(default=True)),
        migrations.AlterField("hour", "is_news", models.BooleanField(default=False)),
        migrations.AddIndex(
            "hour",
            models.Index(fields=["starts_at"], condition=models.Q(is_news=True), name="hours_to_take_over"),
        ),
    ]
