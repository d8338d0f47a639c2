"""The audit trail with its chain, and the search for the names of erased people."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("users", "0001_accounts"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("actor_id", models.BigIntegerField(null=True)),
                ("actor_text", models.CharField(max_length=255)),
                ("action", models.CharField(max_length=64)),
                ("target_id", models.BigIntegerField(null=True)),
                ("target_text", models.CharField(blank=True, max_length=255)),
                (
                    "target_version",
                    models.PositiveIntegerField(
                        help_text="Version of the account after the change", null=True
                    ),
                ),
                ("before", models.JSONField(default=dict)),
                ("after", models.JSONField(default=dict)),
                ("reason", models.TextField(blank=True)),
                ("ticket", models.CharField(blank=True, max_length=100)),
                ("ip", models.GenericIPAddressField(null=True)),
                ("user_agent", models.CharField(blank=True, max_length=400)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("job_id", models.BigIntegerField(null=True)),
                ("chain_position", models.BigIntegerField(null=True, unique=True)),
                ("chain_salt", models.BinaryField(max_length=32, null=True)),
                ("chain_previous", models.BinaryField(max_length=32, null=True)),
                ("chain_hash", models.BinaryField(max_length=32, null=True)),
                ("target_digest", models.BinaryField(max_length=32, null=True)),
                ("actor_digest", models.BinaryField(max_length=32, null=True)),
                ("erased_at", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["target_id", "-id"], name="audit_by_target"),
                    models.Index(fields=["actor_id", "-id"], name="audit_by_actor"),
                    models.Index(fields=["action", "-id"], name="audit_by_action"),
                    models.Index(fields=["at"], name="audit_by_time"),
                    models.Index(
                        condition=models.Q(("chain_position__isnull", True)),
                        fields=["id"],
                        name="audit_unsealed",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChainHead",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.BigIntegerField(default=0)),
                (
                    "hash",
                    models.BinaryField(
                        default=bytes(32),
                        max_length=32,
                    ),
                ),
                ("newest_id", models.BigIntegerField(default=0)),
                ("settled_id", models.BigIntegerField(default=0)),
                ("looked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("anchored_position", models.BigIntegerField(default=0)),
                ("anchored_at", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Redaction",
            fields=[
                ("account_id", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "values",
                    models.JSONField(
                        default=dict,
                        help_text="Search terms, normalised like the texts they are compared with",
                    ),
                ),
                ("since", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "walking",
                    models.BooleanField(
                        default=False,
                        help_text="Included in the current scan; otherwise in the next one",
                    ),
                ),
                (
                    "records",
                    models.PositiveIntegerField(
                        default=0, help_text="Number of rows with a match so far"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
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
                        help_text="Table being scanned; empty between scans",
                        max_length=40,
                    ),
                ),
                (
                    "after",
                    models.JSONField(help_text="Primary key of the last scanned row", null=True),
                ),
                ("number", models.BigIntegerField(default=0, help_text="Incremented by each scan")),
                (
                    "claim",
                    models.BigIntegerField(
                        default=0,
                        help_text=(
                            "Fencing number of the scanning worker; a worker with another number stops"
                        ),
                    ),
                ),
                (
                    "busy_until",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="End of the worker’s lease",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
    ]
