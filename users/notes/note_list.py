"""Lists the notes about an account, newest first.

Pinned notes are loaded with the account (users/account/account_query.py).
"""

from typing import Any

from django.http import QueryDict

from users.models import User
from users.notes.models import Note
from users.web.paging import newest_page
from users.web.query_string import check_parameters, parse_id_parameter

SIZE = 25  # notes on a page


def notes_page(account: User, query: QueryDict) -> dict[str, Any]:
    """Returns a page of notes and the URLs of the next and the first one. Raises BadParameter."""
    check_parameters(query, "after")
    after = parse_id_parameter("after", query.get("after", ""))
    page = newest_page(Note.objects.filter(account=account), SIZE, after)
    return {"notes": page.rows} | page.links(f"/users/{account.pk}/notes/")
