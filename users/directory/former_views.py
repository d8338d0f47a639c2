"""The page of former values: who had a username, an address, a name or a phone number, and when."""

from typing import Any

from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access
from users.audit.former_backfill import reads_old_events
from users.audit.former_rows import FormerRow
from users.caching.replica import reads_replica
from users.directory.filter import SEARCH_MAX, check_query_text
from users.directory.former_matches import equal_values, values_with_words
from users.directory.search import Search, exact_match
from users.directory.search_uses import counts_searches
from users.models import User, UserQuerySet
from users.web.query_string import (
    check_parameters,
    drops_empty_parameters,
    parse_id_parameter,
    refuse_bad_parameters,
    url_with_query,
)

PATH = "/users/former/"
SIZE = 50
# Values of different fields that one event replaces stand on one page.
SAME_EVENT = 5
# Current holders of a value; several accounts can have the same source ID only.
HOLDERS_SHOWN = 10


@require_safe
@drops_empty_parameters
@counts_searches
@reads_replica
def former_values(request):
    """Lists everyone who had a value, and the former values that contain it."""
    access.require(request.user, "view")
    access.require(request.user, "view_personal")
    with refuse_bad_parameters(back=PATH):
        check_parameters(request.GET, "q", "after")
        q = check_query_text("q", request.GET.get("q", ""), SEARCH_MAX)
        after = parse_id_parameter("after", request.GET.get("after", ""))
    context: dict[str, Any] = {
        "q": q,
        "is_incomplete": reads_old_events(),
        "links_events": access.may(request.user, "view_audit"),
    }
    if q:
        context |= holders_context(q, after)
    return render(request, "users/directory/former.html", context)


def holders_context(q: str, after: int) -> dict[str, Any]:
    """Returns who has the value now, who had it, and other values that contain it."""
    rows, older = cut_page(equal_values(q, SIZE + SAME_EVENT, after))
    newest = url_with_query(PATH, q=q) if after else ""
    context = {
        "rows": rows,
        "older": url_with_query(PATH, q=q, after=older) if older else "",
        "newest": newest,
    }
    if after:
        return context
    others = values_with_words(Search.parse(q), SIZE + len(rows) + 1)
    containing = [row for row in others.rows if row not in rows]
    return context | {
        "holders": current_holders(q),
        "containing": containing[:SIZE],
        "has_more": len(containing) > SIZE,
        "is_capped": others.capped,
    }


def cut_page(rows: list[FormerRow]) -> tuple[list[FormerRow], int]:
    """Returns the rows of a page, and the ID of the event below which the next one starts, or 0."""
    end = SIZE
    while end < len(rows) and rows[end].event_id == rows[end - 1].event_id:
        end += 1
    return rows[:end], rows[end - 1].event_id if end < len(rows) else 0


def current_holders(q: str) -> list[User]:
    """Returns the accounts that have this username, email address or ID."""
    condition, _ = exact_match(q.strip('" '))
    return list(UserQuerySet(User).filter(condition)[:HOLDERS_SHOWN]) if condition else []
