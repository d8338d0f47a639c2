"""Adds the messages of a campaign to the outbox, a chunk of recipients at a time.

On PostgreSQL one statement writes the messages and one the skipped accounts, and the database makes
the rows: a campaign may have a million of each.
"""

from typing import Any

from django.db import connection

from users.database.clock import database_now
from users.jobs.kinds import Chunk
from users.mail.models import Message

# Only names of columns, and expressions of this module, are formatted into the statement.
INSERT_SQL = """
    INSERT INTO users_message ({columns})
    SELECT {values} FROM users_user WHERE id = ANY(%s) ORDER BY id
    ON CONFLICT DO NOTHING
"""
SKIPS_SQL = """
    INSERT INTO users_jobitem (job_id, account_id, outcome, reason)
    SELECT %s, pk, 'skipped', reason FROM unnest(%s::bigint[], %s::text[]) AS skips (pk, reason)
"""
# The columns that differ between messages. The others come from one made by the model.
RECIPIENT_COLUMNS = {
    "account_id": "id",
    "to": "email",
    # As many digits as Message.message_id has by default. The first ones are the time, so that a
    # million messages add to one end of the unique index; 74 bits are random.
    "message_id": (
        "lpad(to_hex((1000 * extract(epoch FROM statement_timestamp()))::bigint), 12, '0')"
        " || right(replace(gen_random_uuid()::text, '-', ''), 20)"
    ),
    "created_at": "statement_timestamp()",
    "due_at": "statement_timestamp()",
}
BATCH_ROWS = 2000


def queue_messages(letter_id: int, recipients: dict[int, str]) -> None:
    """Adds a message for each account, by ID with its address. An account that has a message of
    this letter gets no second one. The accounts are locked.
    """
    if connection.vendor == "postgresql":
        insert_messages(letter_id, list(recipients))
        return
    rows = [
        new_announcement(
            letter_id,
            account_id=pk,
            to=address,
            due_at=database_now(),
        )
        for pk, address in recipients.items()
    ]
    Message.objects.bulk_create(rows, batch_size=BATCH_ROWS, ignore_conflicts=True)


def new_announcement(letter_id: int, **fields: Any) -> Message:
    """Returns an unsaved message of a campaign."""
    return Message(
        letter_id=letter_id,
        kind=Message.Kind.ANNOUNCEMENT,
        is_bulk=True,
        **fields,
    )


def insert_messages(letter_id: int, ids: list[int]) -> None:
    columns = []
    values = []
    params: list[Any] = []
    shared = new_announcement(letter_id)
    for field in Message._meta.concrete_fields:
        column = str(field.column)
        if field.primary_key:
            continue
        columns.append(connection.ops.quote_name(column))
        if column in RECIPIENT_COLUMNS:
            values.append(RECIPIENT_COLUMNS[column])
        else:
            values.append(f"CAST(%s AS {field.db_type(connection)})")
            params.append(field.get_db_prep_save(getattr(shared, field.attname), connection))
    statement = INSERT_SQL.format(columns=", ".join(columns), values=", ".join(values))
    with connection.cursor() as cursor:
        cursor.execute(statement, [*params, ids])


def report_skips(chunk: Chunk, skips: dict[int, str]) -> None:
    """Reports accounts as skipped, by ID with the reason."""
    if connection.vendor == "postgresql" and skips:
        with connection.cursor() as cursor:
            reasons = list(skips.values())
            cursor.execute(SKIPS_SQL, [chunk.job.pk, list(skips), reasons])
        chunk.count_written(skipped=len(skips))
        return
    for pk, reason in skips.items():
        chunk.skipped(pk, reason)
