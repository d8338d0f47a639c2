import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0034_pasted_lists"),
    ]

    operations = [
        migrations.AddField(
            model_name="export",
            name="sha256",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Of the whole file in hexadecimal; empty until it has been computed",
                max_length=64,
            ),
        ),
        migrations.AddField(
            model_name="export",
            name="size",
            field=models.BigIntegerField(
                help_text="Bytes of the whole file; null as `sha256`", null=True
            ),
        ),
        migrations.AddField(
            model_name="export",
            name="revision",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                help_text="Raised whenever an erasure changes the file",
            ),
        ),
        migrations.AddField(
            model_name="export",
            name="attribute_names",
            field=models.JSONField(help_text="Names of the attributes in an archive", null=True),
        ),
        migrations.AddField(
            model_name="exportpiece",
            name="marked",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Whether a cell is guarded (users.web.csv_text)",
            ),
        ),
        migrations.CreateModel(
            name="ExportPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("content", models.BinaryField()),
                (
                    "export",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="parts",
                        to="users.export",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("export", "number"), name="export_part_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ExportSchedule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "parameters",
                    models.JSONField(
                        default=dict, help_text="Those of its jobs: columns and format"
                    ),
                ),
                (
                    "interval",
                    models.CharField(
                        choices=[
                            ("day", "Every day"),
                            ("week", "Every week"),
                            ("month", "Every month"),
                        ],
                        max_length=5,
                    ),
                ),
                (
                    "changes_only",
                    models.BooleanField(
                        default=False,
                        help_text="Whether a file has only what changed since the one before",
                    ),
                ),
                ("reason", models.TextField()),
                ("ticket", models.CharField(blank=True, max_length=100)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("next_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("runs", models.PositiveIntegerField(default=0)),
                (
                    "covered_until",
                    models.DateTimeField(
                        help_text="The moment up to which its files have all changes", null=True
                    ),
                ),
                (
                    "problem",
                    models.TextField(blank=True, help_text="Why the last run did not start"),
                ),
                (
                    "stopped_at",
                    models.DateTimeField(
                        help_text="When it stopped because of `problem`", null=True
                    ),
                ),
                (
                    "last_job",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="users.job",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="export_schedules",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "view",
                    models.ForeignKey(
                        help_text="The filter; null for all accounts",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="export_schedules",
                        to="users.savedview",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("stopped_at", None)),
                        fields=["next_at"],
                        name="export_schedule_due",
                    )
                ],
            },
        ),
    ]
