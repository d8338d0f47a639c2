"""Cursors: opaque positions in the ordered list. A cursor holds the key and id of an account."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any

from users.directory.sorts import SORTS
from users.models import User

LAST_PAGE = "end"
# Characters. The longest name_key has 620 characters of 4 bytes, before base64.
CURSOR_MAX = 3500


class BadCursor(Exception):
    """A cursor that is malformed, or belongs to another sort order."""


def check_cursors(sort: str, after: str, before: str) -> None:
    """Raises BadCursor unless the cursors are valid for `sort`."""
    if after:
        parse_cursor(sort, after)
    if before and before != LAST_PAGE:
        parse_cursor(sort, before)


def account_cursor(sort: str, account: User) -> str:
    """Returns the cursor of the account's position."""
    return cursor_at(sort, SORTS[sort].read_key(account), account.pk)


def cursor_at(sort: str, value: Any, pk: int = 0) -> str:
    """Returns the cursor of the position (`value`, `pk`).

    Ids start at 1, so with an id of 0 the position precedes all accounts with this key in ascending
    order.
    """
    key = value.isoformat() if isinstance(value, datetime) else value
    text = json.dumps([sort, key, pk], ensure_ascii=False, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def parse_cursor(sort: str, cursor: str) -> tuple[Any, int]:
    """Returns the key and the id in the cursor. Raises BadCursor."""
    if len(cursor) > CURSOR_MAX:
        raise BadCursor
    try:
        data = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        made_for, value, pk = data
        if made_for != sort:
            raise BadCursor
        key = SORTS[sort].parse_key(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise BadCursor from error
    if type(pk) is not int or not 0 <= pk < 2**63:
        raise BadCursor
    return key, pk
