"""Sessions, sign-in events, and who has which account open."""

import uuid

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("users", "0002_audit"),
    ]

    operations = [
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "session_key",
                    models.CharField(
                        max_length=40, primary_key=True, serialize=False, verbose_name="session key"
                    ),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("account_id", models.BigIntegerField(null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "last_used_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="Updated at most once every five minutes",
                    ),
                ),
                (
                    "ip",
                    models.GenericIPAddressField(
                        help_text="IP address of the last request", null=True
                    ),
                ),
                ("user_agent", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("account_id__isnull", False)),
                        fields=["account_id", "expire_date"],
                        name="session_of_account",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SignInEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("account_id", models.BigIntegerField(null=True)),
                (
                    "way",
                    models.CharField(
                        choices=[
                            ("password", "Password"),
                            ("reset-link", "Reset link"),
                            ("invitation", "Invitation"),
                        ],
                        default="password",
                        max_length=12,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("ok", "Signed in"),
                            ("chosen", "Chose a password"),
                            ("wrong-password", "Wrong password"),
                            ("unknown", "No such account"),
                            ("invited", "Invited, no password yet"),
                            ("no-password", "No password set"),
                            ("bad-hash", "Stored password can’t be read"),
                            ("suspended", "Suspended"),
                            ("ended", "Account expired"),
                            ("deleted", "Deleted"),
                            ("erased", "Erased"),
                            ("throttled", "Locked after failed attempts"),
                            ("crowded", "Too many requests from this IP address"),
                            ("dead-link", "Link already used or expired"),
                        ],
                        max_length=16,
                    ),
                ),
                ("ip", models.GenericIPAddressField(null=True)),
                ("user_agent", models.CharField(blank=True, max_length=200)),
                (
                    "typed",
                    models.CharField(
                        blank=True,
                        help_text="Keyed digest of a name that matches no account",
                        max_length=32,
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("account_id__isnull", False)),
                        fields=["account_id", "-id"],
                        name="signin_by_account",
                    ),
                    models.Index(
                        condition=models.Q(("typed", ""), _negated=True),
                        fields=["typed", "-id"],
                        name="signin_by_typed",
                    ),
                ],
            },
        ),
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
