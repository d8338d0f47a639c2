"""Append-only audit events, the trigram index for search, and an index for django-q2's queue, which has none."""

from django.db import migrations

from users.database import triggers


def install(apps, schema_editor):
    triggers.install(schema_editor.connection)
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        schema_editor.execute(
            "CREATE INDEX user_by_trigram ON users_user USING gin (search_key gin_trgm_ops)"
        )


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0001_accounts"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]
    operations = [
        migrations.RunPython(install, migrations.RunPython.noop),
        migrations.RunSQL(
            "CREATE INDEX django_q_ormq_by_key_lock ON django_q_ormq (key, lock)",
            "DROP INDEX django_q_ormq_by_key_lock",
        ),
    ]
