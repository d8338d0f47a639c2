from django.db import migrations

# A copy of user_by_trigram for one account in 31.
BUILD_INDEX = """
    CREATE INDEX CONCURRENTLY user_sample_by_trigram ON users_user USING gin (search_key gin_trgm_ops)
    WHERE id % 31 = 0
"""
DROP_INDEX = "DROP INDEX CONCURRENTLY IF EXISTS user_sample_by_trigram"


def build_index(apps, schema_editor):
    """Builds the index. One that an interrupted build has left is invalid, and is dropped first."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP_INDEX, params=None)
        schema_editor.execute(BUILD_INDEX, params=None)


def drop_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP_INDEX, params=None)


class Migration(migrations.Migration):
    """A page of a word that many accounts contain is built from an index of a sample."""

    atomic = False

    dependencies = [("users", "0056_event_time_index")]

    operations = [migrations.RunPython(build_index, drop_index)]
