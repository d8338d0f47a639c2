"""Counts the searches that hold a name, an address or a number of a person."""

from collections.abc import Callable
from functools import wraps
from hashlib import blake2b
from typing import Any

from django.http import HttpResponse

from users.directory.filter import read_typed_values
from users.directory.search import Search
from users.meter.checks import count_use
from users.meter.models import UseKind

# Characters, as many as a search needs to look inside of names.
SAME_BEGINNING = 3
# So many digits are hardly an ID.
PHONE_DIGITS = 8
# Answers to a POST that show what was found: a form again, with its preview, or a number. Others
# have changed something, and show nothing.
SHOWING_STATUSES = {200, 409, 422}


def counts_searches(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorates a view with the search box `q`. A search counts when it was found, be it in the
    cache, and before it is shown. Past the limit it raises SudoRequired. The pages of its result,
    and other filters with it, count as the same search.
    """

    @wraps(view)
    def counting(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        typed = request.GET.get("q", "")
        if typed and shows_found(request, response) and names_person(request.GET):
            count_use(request, UseKind.SEARCH, subject=search_subject(typed))
        return response

    return counting


def shows_found(request: Any, response: HttpResponse) -> bool:
    """Returns whether the response shows what the search found."""
    if request.method == "POST":
        return response.status_code in SHOWING_STATUSES
    return request.method == "GET" and response.status_code < 400


def names_person(query: Any) -> bool:
    """Returns whether the search box holds more than filters and an ID. Digits without an account
    of this ID find phone numbers.
    """
    q, _, _ = read_typed_values(query)
    if not q or (q.isdecimal() and len(q) < PHONE_DIGITS):
        return False
    search = Search.parse(q)
    return bool(search.words) or any(name != "id" for name, _ in search.fields)


def search_subject(typed: str) -> int:
    """Returns a number that stands for the search; it is not 0. Each letter that someone types is a
    request, so single words with the same beginning are one search.
    """
    text = typed.strip().casefold()
    if text.isalpha():
        text = text[:SAME_BEGINNING]
    digest = blake2b(text.encode(errors="replace"), digest_size=7)
    return int.from_bytes(digest.digest()) + 1
