"""Counts the requests of each token in the database, so that all processes count together."""

from datetime import datetime

from django.conf import settings
from django.db import connection

from users.database.clock import current_time
from users.database.prepared_statements import prepared_cursor
from users.tokens.models import ApiToken

WINDOW_SECONDS = 60
# The name of the quota in header fields.
POLICY = "minute"
# PostgreSQL does not wait for the disk: a crash may lose the counts of its last second.
VALUES_SQL = {
    "postgresql": """WITH setting AS MATERIALIZED (
            SELECT set_config('synchronous_commit', 'off', true)
        ) {} SELECT %s, %s, 1 FROM setting""",
    "sqlite": "{} VALUES (%s, %s, 1)",
}
INSERT_SQL = "INSERT INTO users_tokenminute (token_id, started_at, used)"
# One statement, so that no request of another process is missed.
COUNT_SQL = """
ON CONFLICT (token_id) DO UPDATE SET
    used = CASE
        WHEN users_tokenminute.started_at = excluded.started_at THEN users_tokenminute.used + 1
        ELSE 1
    END,
    started_at = excluded.started_at
RETURNING used, position
"""


class TokenThrottled(Exception):
    """A token has sent too many requests. `headers`: of the response, such as Retry-After with the
    seconds after which it may send the next one.
    """

    def __init__(self, rate: int):
        self.seconds = seconds_left()
        self.headers = {
            "Retry-After": str(self.seconds),
            **rate_headers(rate, remaining=0, seconds=self.seconds),
        }
        unit = "second" if self.seconds == 1 else "seconds"
        super().__init__(f"Too many requests. Try again in {self.seconds} {unit}.")


def count_token_request(token: ApiToken) -> None:
    """Notes on the token how many requests there were in this minute, and how far its writes have
    reached. Counts this one unless it was counted when the token was loaded. Raises TokenThrottled
    above the token's rate.
    """
    if not token.used_requests:
        counted = add_request(token.pk, current_minute())
        token.used_requests, token.write_position = counted
    rate = token_rate(token)
    if token.used_requests > rate:
        raise TokenThrottled(rate)


def token_rate_headers(token: ApiToken) -> dict[str, str]:
    """Returns the header fields that say how many requests the token may still send."""
    rate = token_rate(token)
    remaining = max(rate - token.used_requests, 0)
    return rate_headers(rate, remaining=remaining, seconds=seconds_left())


def rate_headers(rate: int, *, remaining: int, seconds: int) -> dict[str, str]:
    """Returns the header fields of the IETF's draft (draft-ietf-httpapi-ratelimit-headers-11):
    the quota of a minute, and what is left of it for so many seconds.
    """
    return {
        "RateLimit-Policy": f'"{POLICY}";q={rate};w={WINDOW_SECONDS}',
        "RateLimit": f'"{POLICY}";r={remaining};t={seconds}',
    }


def seconds_left() -> int:
    """Returns the seconds until the next minute, at least one."""
    return WINDOW_SECONDS - current_time().second


def current_minute() -> datetime:
    return current_time().replace(second=0, microsecond=0)


def token_rate(token: ApiToken) -> int:
    """Returns how many requests the token may send in a minute."""
    return token.rate or int(settings.TOKEN_REQUESTS_PER_MINUTE)


def add_request(token_id: int, started_at: datetime) -> tuple[int, int]:
    """Returns the number of requests of the token in this minute, with this one, and the log
    position of its writes.
    """
    moment = connection.ops.adapt_datetimefield_value(started_at)
    with prepared_cursor(connection) as cursor:
        insertion = VALUES_SQL[connection.vendor].format(INSERT_SQL)
        cursor.execute(insertion + COUNT_SQL, [token_id, moment])
        used, position = cursor.fetchone()
        return used, position or 0
