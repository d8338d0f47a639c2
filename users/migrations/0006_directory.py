"""Saved views, the generations of cached pages, and the indexes that PostgreSQL alone has."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

SEARCH_AND_STATUS = [
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX IF NOT EXISTS user_by_trigram ON users_user USING gin (search_key gin_trgm_ops)",
    # Few accounts are not active: an update of an active one touches none of these.
    """
    CREATE INDEX IF NOT EXISTS user_by_status_username ON users_user (status, username, id)
    WHERE status <> 'active'
    """,
    """
    CREATE INDEX IF NOT EXISTS user_by_status_email ON users_user (status, email, id)
    WHERE status <> 'active'
    """,
    """
    CREATE INDEX IF NOT EXISTS user_by_status_name ON users_user (status, name_key, id)
    WHERE status <> 'active'
    """,
    """
    CREATE INDEX IF NOT EXISTS user_by_status_seen
    ON users_user (status, (COALESCE(last_seen_at, '0001-01-01 00:00:00+00')) DESC, id DESC)
    WHERE status <> 'active'
    """,
]


def create_postgresql_indexes(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    for statement in SEARCH_AND_STATUS:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("users", "0005_mail"),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                ("query", models.CharField(blank=True, max_length=4000)),
                ("shared", models.BooleanField(default=False)),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=1, help_text="Place among the owner's views"
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "version",
                    models.PositiveIntegerField(
                        default=1, help_text="Raised by every change: optimistic lock"
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_views",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("shared", True)),
                        fields=["name", "id"],
                        name="view_shared",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "name"), name="view_name_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="view_name_present"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Generation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=20)),
                ("lane", models.IntegerField(default=0)),
                ("number", models.BigIntegerField()),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("name", "lane"), name="generation_lane_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="WebProcess",
            fields=[
                ("name", models.CharField(max_length=120, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("figures", models.JSONField(default=dict)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.RunPython(create_postgresql_indexes, migrations.RunPython.noop),
    ]
