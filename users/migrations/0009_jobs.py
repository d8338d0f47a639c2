"""Jobs, what became of each account in them, and who may see and control everybody's."""

import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from users.staff.roles import grant


def grant_both(apps, schema_editor):
    grant(apps, "view_job")
    grant(apps, "control_job")


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0008_turns"),
    ]

    operations = [
        migrations.CreateModel(
            name="Job",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                ("by_text", models.CharField(max_length=255)),
                ("reason", models.TextField(blank=True)),
                (
                    "origin",
                    models.JSONField(
                        default=dict, help_text="Of the request that started it, for its events"
                    ),
                ),
                (
                    "selection",
                    models.TextField(
                        blank=True,
                        help_text="A query string, never a list that grows with the selection",
                    ),
                ),
                ("words", models.TextField(blank=True, help_text="The selection in words")),
                ("parameters", models.JSONField(default=dict, help_text="Without secrets")),
                (
                    "up_to",
                    models.BigIntegerField(
                        default=0,
                        help_text="The highest id as of `as_of`; accounts made later are left out",
                    ),
                ),
                ("as_of", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "expected",
                    models.BigIntegerField(
                        help_text="How many accounts were selected at the start, where that is known",
                        null=True,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting for approval"),
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("paused", "Paused"),
                            ("parked", "Stopped after errors"),
                            ("cancelled", "Cancelled"),
                            ("done", "Done"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("note", models.TextField(blank=True, help_text="Why it stands still")),
                (
                    "cursor",
                    models.BigIntegerField(
                        default=0, help_text="All selected accounts up to this id are done"
                    ),
                ),
                ("selected", models.BigIntegerField(default=0)),
                ("changed", models.BigIntegerField(default=0)),
                ("skipped", models.BigIntegerField(default=0)),
                ("failed", models.BigIntegerField(default=0)),
                ("unchanged", models.BigIntegerField(default=0)),
                (
                    "attempt",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Counted with each claim; a worker with an older one is stale",
                    ),
                ),
                (
                    "crashes",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Attempts since something was stored, counted before"
                    ),
                ),
                ("heartbeat_at", models.DateTimeField(null=True)),
                (
                    "due_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="Whose is the earliest has the next turn",
                    ),
                ),
                (
                    "priority",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "High"), (1, "Normal"), (2, "Low")], default=1
                    ),
                ),
                (
                    "size",
                    models.PositiveIntegerField(
                        default=0, help_text="Accounts in the next chunk; 0: not known yet"
                    ),
                ),
                ("rate", models.FloatField(default=0, help_text="Accounts per second of late")),
                (
                    "key",
                    models.CharField(
                        blank=True,
                        help_text="Chosen by whoever asks: the same key again is the same job",
                        max_length=64,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="jobs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="users.job",
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("view_job", "Can see everyone’s jobs"),
                    ("control_job", "Can pause, resume and cancel everyone’s jobs"),
                ],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="JobItem",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "job_id",
                        "account_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("changed", "Changed"),
                            ("skipped", "Skipped"),
                            ("failed", "Failed"),
                        ],
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                (
                    "before",
                    models.JSONField(
                        help_text="The changed fields as they were; null once it is forgotten",
                        null=True,
                    ),
                ),
                (
                    "version",
                    models.PositiveIntegerField(
                        help_text="Of the account after the change", null=True
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="items",
                        to="users.job",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="JobLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("text", models.TextField()),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="users.job",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "running"])),
                fields=["due_at"],
                name="job_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                models.F("by"),
                models.F("key"),
                condition=models.Q(("key", ""), _negated=True),
                name="job_key_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "selected",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    models.F("changed"), "+", models.F("skipped")
                                ),
                                "+",
                                models.F("failed"),
                            ),
                            "+",
                            models.F("unchanged"),
                        ),
                    )
                ),
                name="job_counts_reconcile",
            ),
        ),
        migrations.AddIndex(
            model_name="jobitem",
            index=models.Index(
                condition=models.Q(("outcome", "changed"), _negated=True),
                fields=["job", "account"],
                name="job_item_left_out",
            ),
        ),
        migrations.RunPython(grant_both, migrations.RunPython.noop),
    ]
