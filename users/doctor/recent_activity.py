"""Recent events, emails, suppressions and sign-in attempts of an account, for the login doctor."""

from dataclasses import dataclass

from users.history.timeline import NULL_ID, SOURCES, Entry, Source, read_entries
from users.identifiers import LARGEST_ID

# Entries of each source. Failures before these say nothing about today.
MAX_ENTRIES = 100
# With the name of the column that all sources have.
FORMER_TABLE = (
    "(SELECT event_id AS id, account_id, field, digest, until FROM users_formervalue) AS former"
)
FORMER_VALUE = (
    "(SELECT CAST(event.before AS text) FROM users_auditevent AS event WHERE event.id = former.id)"
)


def former_source(field: str) -> Source:
    """Returns the former values of one field; the `before` of an entry is that of its event."""
    return Source(
        label="",
        table=FORMER_TABLE,
        owner="account_id",
        columns=(
            f"id, until, {NULL_ID}, '', field, '', {FORMER_VALUE}, '',"
            f" CAST(NULL AS text), '', {NULL_ID}, ''"
        ),
        hidden=f"field = '{field}' AND digest IS NOT NULL",
    )


RECENT_SOURCES = {
    "changes": Source(
        label="",
        table="users_auditevent",
        owner="target_id",
        columns=(
            f"id, at, {NULL_ID}, actor_text, action, '', '', '', CAST(NULL AS text), '',"
            f" {NULL_ID}, ''"
        ),
    ),
    "mail": Source(
        label="",
        table="users_message",
        owner="account_id",
        columns=f"""id, coalesce(CASE WHEN state = 'sent' THEN sent_at END, created_at),
        {NULL_ID}, '', kind, error, state,
        CASE WHEN lower("to") = (SELECT lower(email) FROM users_user
        WHERE users_user.id = users_message.account_id) THEN 'now' ELSE '' END,
        CAST(NULL AS text), '', {NULL_ID}, ''""",  # noqa: S608
    ),
    "suppressions": Source(
        label="",
        table="users_suppression",
        owner="account_id",
        columns=(
            f"id, created_at, {NULL_ID}, '', source, reason, digest, '',"
            f" CAST(NULL AS text), '', {NULL_ID}, ''"
        ),
    ),
    "sign-ins": SOURCES["sign-ins"],
    "usernames": former_source("username"),
    "emails": former_source("email"),
}


@dataclass(frozen=True)
class RecentActivity:
    """Recent events, emails and sign-in attempts of an account, newest first.

    The `before` of an email is its state. Its `after` is not empty if it went to the current
    address. The `code` of a suppression is its source, its `before` the digest of an address that
    the account had.
    """

    changes: list[Entry]
    mail: list[Entry]
    attempts: list[Entry]
    suppressions: list[Entry]
    # Former usernames and addresses: their `code` is the field, their `at` the end.
    former: list[Entry]
    # The unmasked address of the account.
    address: str = ""


def recent_activity(account_id: int, address: str = "") -> RecentActivity:
    """Reads the recent activity of an account with one query. `address`: its unmasked address."""
    bounds = dict.fromkeys(RECENT_SOURCES, LARGEST_ID)
    found = read_entries(account_id, bounds, MAX_ENTRIES, RECENT_SOURCES)
    return RecentActivity(
        changes=found["changes"],
        mail=found["mail"],
        attempts=found["sign-ins"],
        suppressions=found["suppressions"],
        former=[*found["usernames"], *found["emails"]],
        address=address,
    )
