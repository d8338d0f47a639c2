"""Who is signed in as an account, and who tried to."""

from typing import Any

from django.http import QueryDict

from users.models import User
from users.sessions import store
from users.sessions.models import SignInEvent
from users.web.query_string import check_parameters, parse_id_parameter

SIZE = 25


def sign_ins_page(account: User, query: QueryDict) -> dict[str, Any]:
    """Returns a page of attempts, and on the first page the sessions. Raises BadParameter."""
    check_parameters(query, "after")
    after = parse_id_parameter("after", query.get("after", ""))
    attempts, more = attempts_of(account.pk, after)
    path = f"/users/{account.pk}/sign-ins/"
    return {
        "sessions": store.valid_sessions(account) if not after else [],
        "attempts": attempts,
        "older": f"{path}?after={attempts[-1].pk}" if more else "",
        "newest": path if after else "",
    }


def attempts_of(
    account_id: int, after: int = 0, size: int = SIZE
) -> tuple[list[SignInEvent], bool]:
    """At most `size` attempts, older than the one of id `after`, and whether there are more: a
    range of one index.
    """
    found = SignInEvent.objects.filter(account_id=account_id).order_by("-id")
    if after:
        found = found.filter(pk__lt=after)
    rows = list(found[: size + 1])
    return rows[:size], len(rows) > size
