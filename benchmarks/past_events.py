"""bin/bench --events: writes audit events of all accounts, and a long history of a busy one."""

from django.db import connection, transaction
from django.db.models import Max, Min

from users.audit.models import AuditEvent
from users.models import User
from users.sessions.models import Session

# The busy account gets one in so many events, and as many rows of each other kind.
BUSY_SHARE = 50
# Hashes have the length of a real salt and are as hard to compress.
SALTS = ", ".join(
    f"sha256(int8send({number}))" for number in ("number", "number + 1", "number + 2")
)

# `number` counts the accounts from 1 in each pass.
EVENTS = f"""
    INSERT INTO users_auditevent (
        at, actor_id, actor_text, action, target_id, target_text, target_version, before, after,
        reason, ticket, ip, user_agent, request_id, session_id,
        chain_position, chain_salt, chain_previous, chain_hash
    )
    SELECT
        now() - interval '1 day' * (%(ago)s - number::float / %(size)s),
        staff.ids[1 + number %% cardinality(staff.ids)],
        'staff' || number %% cardinality(staff.ids),
        (ARRAY['account.edited', 'account.suspended', 'account.reinstated'])[1 + number %% 3],
        id, username, %(pass)s,
        jsonb_build_object('first_name', 'Robin'), jsonb_build_object('first_name', 'Robin A'),
        'Asked for by mail', '', '192.0.2.7',
        'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', md5(id::text),
        md5((number / 50)::text)::uuid,
        %(chain)s + number, {SALTS}
    FROM
        (
            SELECT id, username, row_number() OVER () AS number FROM ({{accounts}}) AS chosen
        ) AS numbered,
        (
            SELECT array_agg(id) AS ids
            FROM (SELECT id FROM users_user WHERE is_staff ORDER BY id LIMIT 100) AS first
        ) AS staff
"""
EVENTS_OF_ALL = EVENTS.format(accounts="SELECT id, username FROM users_user ORDER BY id")
EVENTS_OF_ONE = EVENTS.format(
    accounts="""
        SELECT id, username FROM users_user, generate_series(1, %(size)s) WHERE id = %(busy)s
    """
)
CHAIN_HEAD = """
    INSERT INTO users_chainhead (
        id, position, hash, newest_id, settled_id, counted_id, looked_at, anchored_position
    )
    SELECT 1, max(chain_position), sha256(''), max(id), max(id), max(id), now(), 0
    FROM users_auditevent
    ON CONFLICT (id) DO UPDATE
    SET position = excluded.position, newest_id = excluded.newest_id,
        settled_id = excluded.settled_id
"""
OTHER_ROWS = [
    """
    INSERT INTO users_signinevent (account_id, at, outcome, way, typed, ip, user_agent)
    SELECT %(busy)s, now() - interval '1 minute' * (%(size)s - number), 'ok', 'password', '',
        '192.0.2.7', 'Mozilla/5.0'
    FROM generate_series(1, %(size)s) number
    """,
    """
    INSERT INTO users_session (
        session_key, session_data, expire_date, public_id, account_id, created_at, last_used_at, ip,
        user_agent
    )
    SELECT md5('past' || number::text), repeat('x', 200),
        now() + interval '1 hour' * (1 + number %% 300), gen_random_uuid(), %(busy)s, now(), now(),
        '192.0.2.7', 'Mozilla/5.0'
    FROM generate_series(1, %(size)s) number
    """,
    """
    INSERT INTO users_message (
        account_id, kind, "to", message_id, state, created_at, due_at, attempts, error
    )
    SELECT %(busy)s, 'suspended', 'somebody@example.com', md5('past' || number::text), 'waiting',
        now(), now() + interval '1 year', 0, ''
    FROM generate_series(1, %(size)s) number
    """,
]
VACUUM = "VACUUM (ANALYZE) users_auditevent, users_signinevent, users_session, users_message"


def busy_account() -> int:
    """Returns the id of the account in the middle of all ids."""
    ends = User.objects.aggregate(first=Min("pk"), last=Max("pk"))
    return User.objects.filter(pk__gte=(ends["first"] + ends["last"]) // 2).earliest("pk").pk


def write_events(events: int) -> None:
    """Writes the missing events in whole passes over all accounts, after those of the busy one."""
    accounts = User.objects.count()
    existing = AuditEvent.objects.count()
    passes = round((events - existing) / accounts)
    if passes < 1:
        return
    with connection.cursor() as cursor:
        if Session.objects.filter(account_id=busy_account()).count() < 2:
            write_busy_history(cursor, max(1, events // BUSY_SHARE))
        for number in range(passes):
            days = 30 * (passes - number)
            insert_events(cursor, EVENTS_OF_ALL, accounts, ago=days, number=number)
        cursor.execute(CHAIN_HEAD)
        cursor.execute(VACUUM)


@transaction.atomic
def write_busy_history(cursor, size: int) -> None:
    insert_events(cursor, EVENTS_OF_ONE, size, ago=365, number=0)
    for statement in OTHER_ROWS:
        cursor.execute(statement, {"busy": busy_account(), "size": size})


def insert_events(cursor, statement: str, size: int, *, ago: int, number: int) -> None:
    """Executes a statement that inserts `size` events, spread over the 24 hours that began `ago`
    days ago.
    """
    cursor.execute("SELECT coalesce(max(chain_position), 0) FROM users_auditevent")
    values = {
        "size": size,
        "ago": ago,
        "pass": number + 2,
        "chain": cursor.fetchone()[0],
        "busy": busy_account(),
    }
    cursor.execute(statement, values)
