"""Lets a token read its own writes from the replica: the log position that they have reached stands
beside the count of its requests, where browsers have a cookie (users/caching/replica.py).
"""

import logging

from django.db import DatabaseError, connection

from users.database.replica import POSITION_SQL, RequestServers, current_servers
from users.tokens.models import ApiToken

logger = logging.getLogger(__name__)
# Requests of one token may end in another order than they began.
STORE_SQL = f"""
UPDATE users_tokenminute SET position = greatest(position, {POSITION_SQL}) WHERE token_id = %s
"""  # noqa: S608  constants


def follow_token(token: ApiToken) -> None:
    """Makes this request read what the token has written, and store the position of its writes."""
    servers: RequestServers | None = current_servers.get()
    if servers:
        servers.needed = token.write_position
        servers.store_position = lambda: store_write_position(token.pk)


def store_write_position(token_id: int) -> None:
    """Stores the end of the primary's log, after the writes of the request were committed."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(STORE_SQL, [token_id])
    except DatabaseError as error:
        # The changes are made, so the program has to get its answer.
        logger.warning("The position of a token was not stored: %s", type(error).__name__)
