"""Accounts, notes about them, and the names that stay reserved after an erasure."""

import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import users.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        # Schedules are written after every migrate, so their table comes first.
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text=(
                            "Designates that this user has all permissions without explicitly "
                            "assigning them."
                        ),
                        verbose_name="superuser status",
                    ),
                ),
                ("username", users.models.KeyField(max_length=150)),
                ("email", users.models.KeyField(blank=True, max_length=254)),
                ("first_name", models.CharField(blank=True, max_length=150)),
                ("last_name", models.CharField(blank=True, max_length=150)),
                ("phone", models.CharField(blank=True, max_length=32)),
                (
                    "locale",
                    models.CharField(
                        blank=True, help_text="BCP 47, such as en or pt-BR", max_length=35
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        blank=True, help_text="IANA name, such as Europe/Lisbon", max_length=64
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("invited", "Invited"),
                            ("active", "Active"),
                            ("suspended", "Suspended"),
                            ("deleted", "Deleted"),
                            ("erased", "Erased"),
                        ],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("status_reason", models.TextField(blank=True)),
                ("suspended_until", models.DateTimeField(blank=True, null=True)),
                ("valid_until", models.DateTimeField(blank=True, null=True)),
                (
                    "is_staff",
                    models.BooleanField(default=False, help_text="Back-office access"),
                ),
                ("email_verified_at", models.DateTimeField(blank=True, null=True)),
                ("must_change_password", models.BooleanField(default=False)),
                (
                    "has_second_factor",
                    models.BooleanField(
                        default=False, help_text="Copied from the factors themselves, for filters"
                    ),
                ),
                ("date_joined", models.DateTimeField(default=django.utils.timezone.now)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "last_seen_at",
                    models.DateTimeField(
                        blank=True, help_text="Updated at most once an hour", null=True
                    ),
                ),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "before_deletion",
                    models.JSONField(
                        blank=True,
                        help_text="Values for a restore: status, reason, end date",
                        null=True,
                    ),
                ),
                (
                    "version",
                    models.PositiveIntegerField(
                        default=1,
                        help_text="Incremented by every change: optimistic lock and cache key",
                    ),
                ),
                (
                    "session_epoch",
                    models.PositiveIntegerField(
                        default=0, help_text="Part of the session hash: adding 1 ends all sessions"
                    ),
                ),
                (
                    "source",
                    users.models.KeyField(
                        blank=True,
                        help_text="System from which the account was imported",
                        max_length=50,
                    ),
                ),
                (
                    "source_id",
                    users.models.KeyField(
                        blank=True, help_text="Id in that system", max_length=255
                    ),
                ),
                ("attributes", models.JSONField(blank=True, default=dict)),
                (
                    "preferences",
                    models.JSONField(
                        blank=True,
                        help_text="Personal settings of the back office",
                        null=True,
                    ),
                ),
                ("search_key", models.TextField(blank=True, editable=False)),
                ("name_key", users.models.KeyField(blank=True, editable=False, max_length=620)),
                ("email_domain", users.models.KeyField(blank=True, editable=False, max_length=254)),
                (
                    "lookalike",
                    users.models.KeyField(
                        blank=True,
                        editable=False,
                        help_text="ASCII username that it looks like",
                        max_length=150,
                    ),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text=(
                            "The groups this user belongs to. A user will get all permissions "
                            "granted to each of their groups."
                        ),
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "account",
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["-date_joined", "-id"], name="user_by_joined"),
                    models.Index(fields=["username", "id"], name="user_by_username"),
                    models.Index(fields=["email", "id"], name="user_by_email"),
                    models.Index(fields=["name_key", "id"], name="user_by_name"),
                    models.Index(
                        models.OrderBy(users.models.SeenKey("last_seen_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        include=("last_seen_at",),
                        name="user_by_last_seen",
                    ),
                    models.Index(
                        fields=["status", "-date_joined", "-id"], name="user_by_status_joined"
                    ),
                    models.Index(
                        condition=models.Q(("is_staff", True)),
                        fields=["-date_joined", "-id"],
                        name="user_staff_by_joined",
                    ),
                    models.Index(
                        fields=["email_domain", "-date_joined", "-id"], name="user_by_domain_joined"
                    ),
                    models.Index(
                        condition=models.Q(("source", ""), _negated=True),
                        fields=["source", "-date_joined", "-id"],
                        name="user_by_source_joined",
                    ),
                    models.Index(
                        condition=models.Q(("email_verified_at", None)),
                        fields=["-date_joined", "-id"],
                        name="user_unverified_by_joined",
                    ),
                    models.Index(
                        condition=models.Q(("must_change_password", True)),
                        fields=["-date_joined", "-id"],
                        name="user_must_change_by_joined",
                    ),
                    models.Index(
                        condition=models.Q(("has_second_factor", True)),
                        fields=["-date_joined", "-id"],
                        name="user_factor_by_joined",
                    ),
                    models.Index(
                        condition=models.Q(("status", "active"), _negated=True),
                        fields=[
                            "status",
                            "email_domain",
                            "source",
                            "has_second_factor",
                            "must_change_password",
                            "email_verified_at",
                        ],
                        name="user_by_standing",
                    ),
                    models.Index(
                        models.OrderBy(models.F("date_joined"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        models.F("valid_until"),
                        models.F("status"),
                        models.F("suspended_until"),
                        models.F("last_seen_at"),
                        condition=models.Q(("valid_until__isnull", False)),
                        name="user_ends_by_joined",
                    ),
                    models.Index(
                        models.F("username"),
                        models.F("id"),
                        models.F("valid_until"),
                        models.F("status"),
                        models.F("suspended_until"),
                        models.F("last_seen_at"),
                        condition=models.Q(("valid_until__isnull", False)),
                        name="user_ends_by_username",
                    ),
                    models.Index(
                        models.F("email"),
                        models.F("id"),
                        models.F("valid_until"),
                        models.F("status"),
                        models.F("suspended_until"),
                        models.F("last_seen_at"),
                        condition=models.Q(("valid_until__isnull", False)),
                        name="user_ends_by_email",
                    ),
                    models.Index(
                        models.F("name_key"),
                        models.F("id"),
                        models.F("valid_until"),
                        models.F("status"),
                        models.F("suspended_until"),
                        models.F("last_seen_at"),
                        condition=models.Q(("valid_until__isnull", False)),
                        name="user_ends_by_name",
                    ),
                    models.Index(
                        models.OrderBy(users.models.SeenKey("last_seen_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        models.F("valid_until"),
                        models.F("status"),
                        models.F("suspended_until"),
                        models.F("last_seen_at"),
                        condition=models.Q(("valid_until__isnull", False)),
                        name="user_ends_by_seen",
                    ),
                    models.Index(
                        models.OrderBy(models.F("date_joined"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        condition=models.Q(("email", "")),
                        name="user_unmailed_by_joined",
                    ),
                    models.Index(
                        models.F("username"),
                        models.F("id"),
                        condition=models.Q(("email", "")),
                        name="user_unmailed_by_username",
                    ),
                    models.Index(
                        models.F("name_key"),
                        models.F("id"),
                        condition=models.Q(("email", "")),
                        name="user_unmailed_by_name",
                    ),
                    models.Index(
                        models.OrderBy(users.models.SeenKey("last_seen_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        condition=models.Q(("email", "")),
                        name="user_unmailed_by_seen",
                    ),
                    models.Index(
                        condition=models.Q(("lookalike", ""), _negated=True),
                        fields=["lookalike"],
                        name="user_by_lookalike",
                    ),
                    models.Index(
                        condition=models.Q(("valid_until__isnull", False)),
                        fields=["valid_until"],
                        name="user_by_valid_until",
                    ),
                    models.Index(
                        condition=models.Q(("suspended_until__isnull", False)),
                        fields=["suspended_until"],
                        name="user_by_suspended_until",
                    ),
                    models.Index(
                        condition=models.Q(("is_superuser", True)),
                        fields=["id"],
                        name="user_superusers",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("username"),
                        name="user_username_unique",
                    ),
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("email"),
                        condition=models.Q(("email", ""), _negated=True),
                        name="user_email_unique",
                    ),
                    models.UniqueConstraint(
                        models.F("source_id"),
                        models.F("source"),
                        condition=models.Q(("source_id", ""), _negated=True),
                        name="user_source_unique",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("username", ""), _negated=True),
                        name="user_username_present",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["invited", "active", "suspended", "deleted", "erased"])
                        ),
                        name="user_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("suspended_until__isnull", True),
                            ("status", "suspended"),
                            _connector="OR",
                        ),
                        name="user_suspended_until_only_if_suspended",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "suspended"), _negated=True),
                            models.Q(("status_reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="user_suspension_has_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("deleted_at__isnull", False), ("status__in", ["deleted", "erased"])
                            ),
                            models.Q(
                                models.Q(("status__in", ["deleted", "erased"]), _negated=True),
                                ("deleted_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="user_deleted_has_date",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_superuser", False), ("is_staff", True), _connector="OR"
                        ),
                        name="user_superuser_is_staff",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("source_id", ""),
                            models.Q(("source", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="user_source_id_has_source",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("version__gte", 1)), name="user_version_positive"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("author_id", models.BigIntegerField(null=True)),
                ("author_text", models.CharField(max_length=255)),
                ("text", models.TextField(blank=True, help_text="Empty once it is erased")),
                (
                    "pinned",
                    models.BooleanField(
                        default=False, help_text="Stands at the top of the account's page"
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("edited_at", models.DateTimeField(null=True)),
                (
                    "version",
                    models.PositiveIntegerField(
                        default=1, help_text="Raised by every change of the text"
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notes",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["account", "-id"], name="note_by_account"),
                    models.Index(
                        condition=models.Q(("pinned", True)),
                        fields=["account", "-id"],
                        name="note_pinned",
                    ),
                    models.Index(fields=["author_id"], name="note_by_author"),
                ],
            },
        ),
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
            },
        ),
    ]
