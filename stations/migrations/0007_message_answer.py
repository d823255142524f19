from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("stations", "0006_command_waits")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE stations_message ADD COLUMN answer text",
            "ALTER TABLE stations_message DROP COLUMN answer",
            state_operations=[
                migrations.AddField("message", "answer", models.TextField(null=True)),
            ],
        ),
    ]
