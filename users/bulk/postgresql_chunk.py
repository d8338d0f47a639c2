"""A chunk in one statement of PostgreSQL: judged, changed, and told of in events and items, without
a row leaving it.
"""

# ruff: noqa: S608  what is put into the statements are names of columns, and SQL that the ORM has
# made

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import DateTimeField
from django.db.models.expressions import RawSQL
from django.db.models.sql import UpdateQuery

from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.bulk.eligibility import NOTHING_TO_DO
from users.bulk.json_time import JSON_TIME_POSTGRESQL
from users.bulk.lock import plain_accounts
from users.fields import audited_columns
from users.jobs.kinds import Chunk
from users.models import User

# The columns of an event that one parameter can't fill. Its time is the database's, as
# users.audit.record has it.
PER_ACCOUNT_COLUMNS = {
    "at": "statement_timestamp()",
    "target_id": "was.id",
    "target_text": "was.username",
    "target_version": "was.version + 1",
}


def change_chunk(action: Any, chunk: Chunk, ids: list[int], now: datetime) -> None:
    """Applies a users.bulk.column_action.ColumnAction to accounts that are locked and admitted."""
    columns = action.columns
    judged, judged_params = judged_sql(action, chunk, ids, now)
    update, update_params = update_sql(action, chunk, now)
    events, event_params = event_values(chunk, action.event, columns)
    image = ", ".join(f"'{name}', was.{name}" for name in columns)
    changed_columns = ", ".join(f"users_user.{name}" for name in columns)
    statement = f"""
        WITH was AS MATERIALIZED ({judged}),
        now AS ({update} RETURNING users_user.id, {changed_columns}),
        events AS (
            INSERT INTO users_auditevent ({", ".join(events)})
            SELECT {", ".join(events.values())} FROM was JOIN now ON now.id = was.id
        ),
        items AS (
            INSERT INTO users_jobitem (job_id, account_id, outcome, reason, before, version)
            SELECT %s, was.id, CASE WHEN was.why = '' THEN 'changed' ELSE 'skipped' END, was.why,
                CASE WHEN was.why = '' THEN jsonb_build_object({image}) END,
                CASE WHEN was.why = '' THEN was.version + 1 END
            FROM was WHERE was.why <> %s
        )
        SELECT count(*) FILTER (WHERE why = ''), count(*) FILTER (WHERE why NOT IN ('', %s)),
            count(*) FILTER (WHERE why = %s) FROM was
    """
    params = [
        *judged_params,
        *update_params,
        *event_params,
        chunk.job.pk,
        NOTHING_TO_DO,
        NOTHING_TO_DO,
        NOTHING_TO_DO,
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        changed, skipped, same = cursor.fetchone()
    chunk.count_written(changed=changed, skipped=skipped)
    chunk.unchanged(same)


def judged_sql(action: Any, chunk: Chunk, ids: list[int], now: datetime) -> tuple[str, tuple]:
    rows = action.judged(plain_accounts().filter(pk__among=ids), chunk.job, now)
    return (
        rows.order_by()
        .values("id", "username", "version", *action.columns, "why")
        .query.get_compiler("default")
        .as_sql()
    )


def update_sql(action: Any, chunk: Chunk, now: datetime) -> tuple[str, tuple]:
    """The UPDATE that `QuerySet.update` would send."""
    those = plain_accounts().filter(pk__in=RawSQL("SELECT id FROM was WHERE why = ''", ()))
    query: Any = those.query.chain(UpdateQuery)
    query.add_update_values(action.sets(chunk.job, now))
    return query.get_compiler("default").as_sql()


def event_values(
    chunk: Chunk, event: str, columns: Iterable[str]
) -> tuple[dict[str, str], list[Any]]:
    """Column → SQL of what goes into it; and the parameters in it. What is the same for all comes
    from the one place that makes events, so that a new column of theirs is filled here too.
    """
    same = build_event(event, actor=chunk.by, reason=chunk.job.reason)
    values = dict(PER_ACCOUNT_COLUMNS)
    params = []
    names = audited_columns(columns)
    values["before"], values["after"] = (
        changed_fields_sql("was", names),
        changed_fields_sql("now", names),
    )
    for field in AuditEvent._meta.concrete_fields:
        column = str(field.column)
        if field.primary_key or column in values:
            continue
        values[column] = f"CAST(%s AS {field.db_type(connection)})"
        params.append(field.get_db_prep_save(getattr(same, field.attname), connection))
    return values, params


def changed_fields_sql(side: str, names: list[str]) -> str:
    """The fields that differ, as JSON."""
    fields = ", ".join(
        f"'{name}', {event_value_sql(f'{side}.{name}', User._meta.get_field(name))}"
        for name in names
    )
    equal = ", ".join(
        f"CASE WHEN was.{name} IS NOT DISTINCT FROM now.{name} THEN '{name}' END" for name in names
    )
    return f"jsonb_build_object({fields}) - array_remove(ARRAY[{equal}], NULL)"


def event_value_sql(column: str, field: Any) -> str:
    return JSON_TIME_POSTGRESQL.format(column) if isinstance(field, DateTimeField) else column
