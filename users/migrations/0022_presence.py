"""Who has which account open."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0021_orders_of_few")]
    operations = [
        migrations.CreateModel(
            name="Presence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("account_id", models.BigIntegerField()),
                ("viewer_id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("editing_at", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account_id", "viewer_id"), name="presence_unique"
                    )
                ],
            },
        ),
    ]
