"""Names that stay reserved after an erasure, and the right to erase."""

import django.utils.timezone
from django.db import migrations, models

from users.staff.roles import grant


class Migration(migrations.Migration):
    dependencies = [("users", "0017_jobs_left_out")]
    operations = [
        migrations.CreateModel(
            name="Reservation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                (
                    "account_id",
                    models.BigIntegerField(help_text="Of the erased account that had it"),
                ),
                ("since", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "default_permissions": (),
                "permissions": [("erase_user", "Can erase accounts for good")],
            },
        ),
        migrations.RunPython(
            lambda apps, schema_editor: grant(apps, "erase_user"), migrations.RunPython.noop
        ),
    ]
