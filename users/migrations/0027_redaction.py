"""What erased people are called is sought in what was written about others; and the trail lets words go, and nothing else."""

import django.utils.timezone
from django.db import migrations, models

from users.database import triggers


def install(apps, schema_editor):
    triggers.install(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("users", "0026_letters")]
    operations = [
        migrations.CreateModel(
            name="Redaction",
            fields=[
                ("account_id", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "values",
                    models.JSONField(
                        default=dict,
                        help_text="What is sought, in the form in which texts are compared",
                    ),
                ),
                ("since", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "walking",
                    models.BooleanField(
                        default=False,
                        help_text="Sought by the walk that is under way; else by the next one",
                    ),
                ),
                (
                    "records",
                    models.PositiveIntegerField(
                        default=0, help_text="Rows in which something was found so far"
                    ),
                ),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="RedactionWalk",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "place",
                    models.CharField(
                        blank=True,
                        help_text="The table; empty while there is no walk",
                        max_length=40,
                    ),
                ),
                (
                    "after",
                    models.JSONField(
                        help_text="The key of the last row that was looked at", null=True
                    ),
                ),
                ("number", models.BigIntegerField(default=0, help_text="Raised by each walk")),
                (
                    "claim",
                    models.BigIntegerField(
                        default=0,
                        help_text="Of the worker that walks; another number means that it must stop",
                    ),
                ),
                (
                    "busy_until",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="By then a worker that lives has come back",
                    ),
                ),
            ],
            options={"default_permissions": ()},
        ),
        migrations.RunPython(install, migrations.RunPython.noop),
    ]
