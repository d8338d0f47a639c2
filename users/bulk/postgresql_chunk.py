"""Changes a chunk of accounts in one PostgreSQL statement, which also writes the events and items.
No row is sent to the client.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import DateTimeField
from django.db.models.expressions import RawSQL
from django.db.models.sql import UpdateQuery

from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.bulk.account_locks import plain_accounts
from users.bulk.condition_action import NOTHING_TO_DO
from users.bulk.json_functions import JSON_TIME_POSTGRESQL
from users.fields import audited_columns
from users.jobs.kinds import Chunk
from users.models import User

# Only names of columns and SQL compiled by the ORM are formatted into the statement.
CHUNK_SQL = """
    WITH old_rows AS MATERIALIZED ({eligibility}),
    new_rows AS ({update} RETURNING users_user.id, {returned_columns}),
    new_events AS (
        INSERT INTO users_auditevent ({event_columns})
        SELECT {event_values} FROM old_rows JOIN new_rows ON new_rows.id = old_rows.id
    ),
    new_items AS (
        INSERT INTO users_jobitem (job_id, account_id, outcome, reason, before, version)
        SELECT %s, id, CASE WHEN skip_reason = '' THEN 'changed' ELSE 'skipped' END, skip_reason,
            CASE WHEN skip_reason = '' THEN jsonb_build_object({image}) END,
            CASE WHEN skip_reason = '' THEN version + 1 END
        FROM old_rows WHERE skip_reason <> %s
    )
    SELECT count(*) FILTER (WHERE skip_reason = ''),
        count(*) FILTER (WHERE skip_reason NOT IN ('', %s)),
        count(*) FILTER (WHERE skip_reason = %s) FROM old_rows
"""
# The columns of an event that differ between accounts, besides `before` and `after`.
EVENT_TARGET_COLUMNS = {
    "target_id": "old_rows.id",
    "target_text": "old_rows.username",
    "target_version": "old_rows.version + 1",
}


def change_chunk(action: Any, chunk: Chunk, ids: list[int], now: datetime) -> None:
    """Applies a users.bulk.column_action.ColumnAction to accounts that are locked and permitted."""
    statement, params = chunk_statement(action, chunk, ids, now)
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        changed, skipped, unchanged = cursor.fetchone()
    chunk.count_written(changed=changed, skipped=skipped)
    chunk.unchanged(unchanged)


def chunk_statement(
    action: Any, chunk: Chunk, ids: list[int], now: datetime
) -> tuple[str, list[Any]]:
    """Returns CHUNK_SQL for the action, and its parameters in the order of their placeholders."""
    eligibility, eligibility_params = eligibility_sql(action, chunk, ids, now)
    update, update_params = update_sql(action, chunk, now)
    event, event_params = event_column_values(chunk, action.event, action.columns)
    returned_columns = [f"users_user.{name}" for name in action.columns]
    image = [f"'{name}', old_rows.{name}" for name in action.columns]
    statement = CHUNK_SQL.format(
        eligibility=eligibility,
        update=update,
        returned_columns=", ".join(returned_columns),
        event_columns=", ".join(event),
        event_values=", ".join(event.values()),
        image=", ".join(image),
    )
    item_params = [chunk.job.pk, NOTHING_TO_DO]
    count_params = [NOTHING_TO_DO, NOTHING_TO_DO]
    params = [*eligibility_params, *update_params, *event_params, *item_params, *count_params]
    return statement, params


def eligibility_sql(action: Any, chunk: Chunk, ids: list[int], now: datetime) -> tuple[str, tuple]:
    """Returns the SELECT of the old rows with their skip reasons, and its parameters."""
    accounts = plain_accounts().filter(pk__among=ids).order_by()
    rows = action.with_skip_reasons(accounts, chunk.job, now)
    rows = rows.values("id", "username", "version", *action.columns, "skip_reason")
    return rows.query.get_compiler("default").as_sql()


def update_sql(action: Any, chunk: Chunk, now: datetime) -> tuple[str, tuple]:
    """Returns the UPDATE that `QuerySet.update` would send, and its parameters."""
    changed = plain_accounts().filter(
        pk__in=RawSQL("SELECT id FROM old_rows WHERE skip_reason = ''", ())
    )
    query: Any = changed.query.chain(UpdateQuery)
    query.add_update_values(action.update_values(chunk.job, now))
    return query.get_compiler("default").as_sql()


def event_column_values(
    chunk: Chunk, event: str, columns: Iterable[str]
) -> tuple[dict[str, str], list[Any]]:
    """Returns an SQL expression by column for the inserted events, and their parameters. The values
    that all events share come from build_event, so that columns added later are filled as well.
    """
    shared = build_event(event, actor=chunk.by, reason=chunk.job.reason)
    names = audited_columns(columns)
    values = EVENT_TARGET_COLUMNS | {
        # The time of the database, as in users.audit.record.
        "at": "statement_timestamp()",
        "before": changed_fields_sql("old_rows", names),
        "after": changed_fields_sql("new_rows", names),
    }
    params = []
    for field in AuditEvent._meta.concrete_fields:
        column = str(field.column)
        if field.primary_key or column in values:
            continue
        values[column] = f"CAST(%s AS {field.db_type(connection)})"
        params.append(field.get_db_prep_save(getattr(shared, field.attname), connection))
    return values, params


def changed_fields_sql(rows: str, names: list[str]) -> str:
    """Returns SQL for a JSON object with the values in `rows` of the columns that changed."""
    fields = ", ".join(event_field_sql(rows, name) for name in names)
    unchanged = ", ".join(
        f"CASE WHEN old_rows.{name} IS NOT DISTINCT FROM new_rows.{name} THEN '{name}' END"
        for name in names
    )
    return f"jsonb_build_object({fields}) - array_remove(ARRAY[{unchanged}], NULL)"


def event_field_sql(rows: str, name: str) -> str:
    """Returns the key and the value of a column as arguments of jsonb_build_object."""
    column = f"{rows}.{name}"
    if isinstance(User._meta.get_field(name), DateTimeField):
        column = JSON_TIME_POSTGRESQL.format(column)
    return f"'{name}', {column}"
