"""The IDs of roles in provisioning sources."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("users", "0053_job_permissions"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProvisionedRole",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=50)),
                ("external_id", models.CharField(max_length=255)),
                (
                    "role",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="provisioned",
                        to="auth.group",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("source", "role"), name="provisionedrole_once"),
                    models.UniqueConstraint(
                        fields=("source", "external_id"), name="provisionedrole_external_id"
                    ),
                ],
            },
        ),
    ]
