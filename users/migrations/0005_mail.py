"""The outbox, and letters that staff write."""

import functools
import secrets

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("users", "0004_jobs"),
    ]

    operations = [
        migrations.CreateModel(
            name="Letter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("subject", models.CharField(max_length=150)),
                ("text", models.TextField(help_text="Plain text; empty after its deletion")),
                ("is_bulk", models.BooleanField(default=False, help_text="Sent to many people")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("invitation", "Invitation"),
                            ("password-reset", "Password reset"),
                            ("suspended", "Suspended"),
                            ("reinstated", "Reinstated"),
                            ("verification", "Email verification"),
                            ("letter", "Email from staff"),
                        ],
                        max_length=32,
                    ),
                ),
                ("to", models.CharField(max_length=254)),
                (
                    "message_id",
                    models.CharField(
                        default=functools.partial(secrets.token_hex, 16),
                        editable=False,
                        max_length=32,
                        unique=True,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Queued"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                            ("dropped", "Not sent"),
                            ("unknown", "Unknown"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "is_bulk",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Part of a bulk email; individual emails are sent first",
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="Earliest time of the next attempt",
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("sent_at", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "letter",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="users.letter",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["is_bulk", "due_at", "id"],
                        name="message_in_turn",
                    ),
                    models.Index(fields=["account", "-id"], name="message_by_account"),
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["account"],
                        name="message_waiting_of_account",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("letter", None), _negated=True),
                        fields=("letter", "account"),
                        name="message_letter_once",
                    )
                ],
            },
        ),
    ]
