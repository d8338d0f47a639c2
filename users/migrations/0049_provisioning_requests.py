"""The log of SCIM requests."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0047_pruned_events")]

    operations = [
        migrations.CreateModel(
            name="ProvisioningRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("token_id", models.BigIntegerField()),
                ("source", models.CharField(max_length=255)),
                ("method", models.CharField(max_length=10)),
                ("path", models.CharField(help_text="Without values", max_length=200)),
                ("status", models.PositiveSmallIntegerField()),
                ("milliseconds", models.PositiveIntegerField()),
                (
                    "error",
                    models.CharField(blank=True, help_text="Without values", max_length=500),
                ),
                ("account_id", models.BigIntegerField(null=True)),
                ("dry_run", models.BooleanField(default=False)),
                (
                    "body",
                    models.JSONField(
                        help_text="Names of attributes, without their values", null=True
                    ),
                ),
                ("request_id", models.CharField(blank=True, max_length=64)),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__gte", 400)),
                        fields=["-id"],
                        name="provisioning_failed",
                    )
                ],
            },
        ),
    ]
