"""bin/bench --events: audit events of all accounts, and one busy account that has far more of
everything than any other.
"""

from django.db import connection, transaction
from django.db.models import Max, Min

from users.audit.models import AuditEvent
from users.models import User
from users.sessions.models import Session

# One in so many events is the busy account's. It has as many rows of each other kind.
BUSY = 50
# As wide as a real salt, and as hard to compress.
SALT = "sha256(int8send({}))"
SALTS = ", ".join(SALT.format(number) for number in ("number", "number + 1", "number + 2"))

# `number` counts the accounts from 1 in each pass.
EVENTS = f"""
    INSERT INTO users_auditevent (
        at, actor_id, actor_text, action, target_id, target_text, target_version, before, after,
        reason, ticket, ip, user_agent, request_id,
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
EACH = EVENTS.format(accounts="SELECT id, username FROM users_user ORDER BY id")
OF_ONE = EVENTS.format(
    accounts="""
        SELECT id, username FROM users_user, generate_series(1, %(size)s) WHERE id = %(busy)s
    """
)
HEAD = """
    INSERT INTO users_chainhead (
        id, position, hash, newest_id, settled_id, looked_at, anchored_position
    )
    SELECT 1, max(chain_position), sha256(''), max(id), max(id), now(), 0 FROM users_auditevent
    ON CONFLICT (id) DO UPDATE
    SET position = excluded.position, newest_id = excluded.newest_id,
        settled_id = excluded.settled_id
"""
OTHERS = [
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


def busy() -> int:
    """The account in the middle of all ids, or the next one."""
    ends = User.objects.aggregate(first=Min("pk"), last=Max("pk"))
    return User.objects.filter(pk__gte=(ends["first"] + ends["last"]) // 2).earliest("pk").pk


def write(events: int) -> None:
    """Writes the events that are missing, in whole passes over all accounts. Those of the busy
    account come first.
    """
    accounts = User.objects.count()
    there = AuditEvent.objects.count()
    passes = round((events - there) / accounts)
    if passes < 1:
        return
    with connection.cursor() as cursor:
        if Session.objects.filter(account_id=busy()).count() < 2:
            write_busy(cursor, max(1, events // BUSY))
        for number in range(passes):
            insert(cursor, EACH, accounts, ago=30 * (passes - number), number=number)
        cursor.execute(HEAD)
        cursor.execute(VACUUM)


@transaction.atomic
def write_busy(cursor, size: int) -> None:
    insert(cursor, OF_ONE, size, ago=365, number=0)
    for statement in OTHERS:
        cursor.execute(statement, {"busy": busy(), "size": size})


def insert(cursor, statement: str, size: int, *, ago: int, number: int) -> None:
    """Executes a statement of EVENTS. The first event is `ago` days old; the others are spread over
    the 24 hours after it.
    """
    cursor.execute("SELECT coalesce(max(chain_position), 0) FROM users_auditevent")
    values = {
        "size": size,
        "ago": ago,
        "pass": number + 2,
        "chain": cursor.fetchone()[0],
        "busy": busy(),
    }
    cursor.execute(statement, values)
