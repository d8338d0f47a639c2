"""Processes of the last release work on the schema of this one, and no migration blocks them.

So they can run on, while the database is migrated and web processes are replaced one by one.
"""

import os

import pytest
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django_migration_linter import MigrationLinter
from django_migration_linter.sql_analyser import analyse_sql_statements

from tests.released_schema import (
    current_columns,
    problems,
    record_columns,
    released_columns,
)
from users.database.online_indexes import AddIndexOnline

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]
# Migrations of the first release, which no earlier release shares a database with.
FIRST_RELEASE = (
    "0001_accounts",
    "0002_audit",
    "0003_sessions",
    "0004_jobs",
    "0005_mail",
    "0006_directory",
    "0007_roles",
    "0008_signin_by_ip",
    "0009_new_superuser",
    "0010_chain_order",
    "0011_email_keys",
    "0012_jobs",
    "0013_staff_reset",
    "0014_devices",
    "0015_dashboard",
    "0016_status",
    "0017_email_fates",
    "0018_mail_limits",
    "0020_suppressions",
    "0022_campaign_counts",
    "0023_audit_blocks",
    "0024_checkpoints",
    "0025_outside_changes",
    "0026_former_values",
    "0027_job_ticket",
    "0029_message_waiting_reason",
    "0030_verification_runs",
    "0031_audit_feeds",
    "0032_imports",
    "0034_pasted_lists",
    "0035_exports",
    "0036_saved_view_page",
    "0037_second_factors",
    "0038_new_device",
    "0039_role_grants",
    "0040_access_reviews",
    "0041_oidc_links",
    "0042_api_tokens",
    "0042_owner_index",
    "0043_hourly_use",
    "0044_role_safeguards",
    "0046_webhooks",
    "0047_pruned_events",
    "0049_provisioning_requests",
    "0049_source_updated_index",
    "0050_oidc_factor_time",
    "0050_webhook_large_changes",
    "0051_token_position",
    "0052_usual_use",
    "0053_job_permissions",
    "0054_provisioned_roles",
    "0055_job_token",
    "0056_event_time_index",
    "0057_search_sample",
    "0058_event_session",
    "0059_provisioning_events",
)
BLOCKING = (migrations.AddIndex, migrations.AddConstraint)


def new_migrations() -> list[migrations.Migration]:
    found = MigrationLoader(connection).disk_migrations.items()
    named = [(name, each) for (app, name), each in found if app == "users"]
    return [each for name, each in sorted(named) if name not in FIRST_RELEASE]


def blocking_operations(found: list[migrations.Migration]) -> list[str]:
    """Returns the operations that build an index on a table with rows, and block its writers."""
    created: set[str] = set()
    lines = []
    for migration in found:
        for operation in migration.operations:
            if isinstance(operation, migrations.CreateModel):
                created.add(operation.name_lower)
            elif blocks_writers(operation, created):
                lines.append(f"{migration.name}: {operation.describe()}. Use AddIndexOnline.")
    return lines


def blocks_writers(operation, created: set[str]) -> bool:
    if not isinstance(operation, BLOCKING) or operation.model_name_lower in created:
        return False
    if isinstance(operation, migrations.AddConstraint):
        return isinstance(operation.constraint, models.UniqueConstraint)
    return not isinstance(operation, AddIndexOnline)


def test_the_linter_finds_no_migration_that_breaks_the_last_release():
    linter = MigrationLinter(None, ignore_name=FIRST_RELEASE, no_cache=True)
    linter.lint_all_migrations("users")  # prints what it finds
    assert linter.nb_ignored == len(FIRST_RELEASE)
    assert not linter.has_errors


def test_the_linter_knows_what_would_break_it():
    linter = MigrationLinter(None, no_cache=True, no_output=True)
    for statement in (
        'ALTER TABLE "users_note" ADD COLUMN "colour" text NOT NULL',
        'ALTER TABLE "users_note" DROP COLUMN "text"',
        'ALTER TABLE "users_note" RENAME COLUMN "text" TO "words"',
        'DROP TABLE "users_note"',
    ):
        errors, _, _ = analyse_sql_statements(linter.sql_analyser_class, [statement])
        assert errors, statement


def test_an_index_on_a_table_with_rows_is_built_concurrently():
    assert blocking_operations(new_migrations()) == []


def test_an_index_that_blocks_writers_is_named():
    index = models.Index(fields=["at"], name="late")
    unique = models.UniqueConstraint(fields=["at"], name="once")
    migration = migrations.Migration("0999_late", "users")
    migration.operations = [
        migrations.CreateModel("Fresh", [("id", models.BigAutoField(primary_key=True))]),
        migrations.AddIndex("fresh", index),
        AddIndexOnline("auditevent", index),
        migrations.AddIndex("auditevent", index),
        migrations.AddConstraint("auditevent", unique),
    ]
    assert len(blocking_operations([migration])) == 2


def test_code_of_the_last_release_finds_its_columns_and_need_not_know_new_ones():
    if os.environ.get("RECORD_SCHEMA") == "1":
        record_columns()
    assert len(released_columns()) > 100
    assert problems(released_columns(), current_columns()) == []


def test_what_code_of_the_last_release_can_not_use_is_named():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE users_note ADD colour text NOT NULL")
        cursor.execute("ALTER TABLE users_note ADD size integer NOT NULL DEFAULT 1")
        cursor.execute("ALTER TABLE users_note ADD shape text")
        cursor.execute("ALTER TABLE users_note RENAME text TO words")
        cursor.execute("ALTER TABLE users_job ALTER kind TYPE text")
    assert problems(released_columns(), current_columns()) == [
        "users_job.kind was character varying, and is text",
        "users_note.text is gone",
        "users_note.words is new, and neither nullable nor has a default in the database",
        "users_note.colour is new, and neither nullable nor has a default in the database",
    ]
