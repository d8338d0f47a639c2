"""The rollups of the dashboard, and an index for its number of failed emails."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0014_devices"),
    ]

    operations = [
        migrations.CreateModel(
            name="DailyCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("metric", models.CharField(max_length=24)),
                ("day", models.DateField()),
                ("value", models.BigIntegerField(default=0)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("metric", "day"), name="daily_count_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="StateCount",
            fields=[
                ("state", models.CharField(max_length=10, primary_key=True, serialize=False)),
                ("stored", models.BigIntegerField(default=0)),
                ("shown", models.BigIntegerField(default=0)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="RollupPosition",
            fields=[
                ("name", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("position", models.BigIntegerField(default=0)),
                ("until", models.DateTimeField(null=True)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("state", "failed")),
                fields=["created_at"],
                name="message_failed",
            ),
        ),
    ]
