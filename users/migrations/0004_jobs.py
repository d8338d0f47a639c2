"""Jobs, the files that they export, and an index for the queue of django-q2, which has none."""

import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("users", "0003_sessions"),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkerBeat",
            fields=[
                ("cluster", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "default_permissions": (),
            },
        ),
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
                        default=dict,
                        help_text="Origin of the request that started the job, for its events",
                    ),
                ),
                (
                    "selection",
                    models.TextField(
                        blank=True,
                        help_text="A query string; its length does not depend on the number of accounts",
                    ),
                ),
                ("words", models.TextField(blank=True, help_text="The selection in words")),
                ("parameters", models.JSONField(default=dict, help_text="Never secrets")),
                (
                    "up_to",
                    models.BigIntegerField(
                        default=0,
                        help_text="The highest account ID at `as_of`; accounts created later are not included",
                    ),
                ),
                ("as_of", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "expected",
                    models.BigIntegerField(
                        help_text="Number of selected accounts at the start, if known",
                        null=True,
                    ),
                ),
                (
                    "frozen",
                    models.CharField(
                        blank=True,
                        help_text="Fingerprint of the accounts that are to be approved",
                        max_length=100,
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
                        help_text="Incremented by each claim; a worker with a lower number has lost the job",
                    ),
                ),
                (
                    "crashes",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Attempts since the last stored chunk, including the current one",
                    ),
                ),
                ("heartbeat_at", models.DateTimeField(null=True)),
                (
                    "due_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="The job with the earliest time is worked on next",
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
                        default=0, help_text="Accounts in the next chunk; 0 if not known yet"
                    ),
                ),
                (
                    "rate",
                    models.FloatField(
                        default=0, help_text="Accounts per second, averaged over recent chunks"
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        blank=True,
                        help_text="Chosen by the caller; the same key returns the same job",
                        max_length=64,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "forgotten_at",
                    models.DateTimeField(
                        help_text="When its before-images were removed", null=True
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
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
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "running"])),
                        fields=["due_at"],
                        name="job_open",
                    ),
                    models.Index(fields=["by", "-id"], name="job_by_starter"),
                    models.Index(
                        condition=models.Q(
                            ("state__in", ["waiting", "queued", "running", "paused", "parked"])
                        ),
                        fields=["by"],
                        name="job_pending_of",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("by"),
                        models.F("key"),
                        condition=models.Q(("key", ""), _negated=True),
                        name="job_key_unique",
                    ),
                    models.CheckConstraint(
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
                ],
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
                (
                    "code",
                    models.CharField(blank=True, db_default="", default="", max_length=30),
                ),
                ("details", models.JSONField(help_text="Numbers, times and codes", null=True)),
                (
                    "actor",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="The account that the sentence names",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        help_text="The text of the remark; the whole reason if there is no code",
                        max_length=500,
                    ),
                ),
                (
                    "before",
                    models.JSONField(
                        help_text="The changed fields before the change; null once forgotten",
                        null=True,
                    ),
                ),
                (
                    "version",
                    models.PositiveIntegerField(
                        help_text="Version of the account after the change", null=True
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
                "indexes": [
                    models.Index(
                        condition=models.Q(("outcome", "changed"), _negated=True),
                        fields=["job", "outcome", "account"],
                        name="job_items_left_out",
                    )
                ],
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
                (
                    "code",
                    models.CharField(blank=True, db_default="", default="", max_length=30),
                ),
                ("details", models.JSONField(help_text="Numbers, times and codes", null=True)),
                (
                    "actor",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="The account that the sentence names",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "text",
                    models.TextField(
                        blank=True, help_text="Text that a person typed, or an exception"
                    ),
                ),
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
        migrations.AddField(
            model_name="job",
            name="note_line",
            field=models.ForeignKey(
                db_index=False,
                help_text="The log line that says why the job has stopped",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="users.jobline",
            ),
        ),
        migrations.CreateModel(
            name="Export",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "expires_at",
                    models.DateTimeField(help_text="Null while it is being written", null=True),
                ),
                (
                    "removed_at",
                    models.DateTimeField(help_text="When its content was deleted", null=True),
                ),
                (
                    "job",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="export",
                        to="users.job",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("removed_at", None)),
                        fields=["expires_at"],
                        name="export_live",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ExportPiece",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first", models.BigIntegerField(help_text="The lowest account ID")),
                ("last", models.BigIntegerField(help_text="The highest account ID")),
                ("rows", models.PositiveIntegerField()),
                (
                    "size",
                    models.PositiveIntegerField(help_text="Bytes before compression"),
                ),
                (
                    "masked",
                    models.BooleanField(help_text="Whether addresses and phone numbers are masked"),
                ),
                ("content", models.BinaryField()),
                ("index", models.BinaryField()),
                (
                    "export",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pieces",
                        to="users.export",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("export", "last"), name="export_piece_once")
                ],
            },
        ),
        migrations.RunSQL(
            "CREATE INDEX django_q_ormq_by_key_lock ON django_q_ormq (key, lock)",
            "DROP INDEX django_q_ormq_by_key_lock",
        ),
    ]
