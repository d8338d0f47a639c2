"""Counts the searches that hold a name, an address or a number of a person."""

from hashlib import blake2b
from typing import Any

from users.directory.filter import read_typed_values
from users.directory.search import Search
from users.meter.checks import count_use
from users.meter.models import UseKind


def count_search(request: Any) -> None:
    """Counts the search of a list that is about to be shown. The other pages of its result, and
    other filters with it, count as the same search. Raises SudoRequired past the limit.
    """
    typed = request.GET.get("q", "")
    if typed and request.method == "GET" and names_person(request.GET):
        count_use(request, UseKind.SEARCH, subject=search_subject(typed))


def names_person(query: Any) -> bool:
    """Returns whether the search box holds more than filters and an ID."""
    q, _, _ = read_typed_values(query)
    if not q or q.isdecimal():
        return False
    search = Search.parse(q)
    return bool(search.words) or any(name != "id" for name, _ in search.fields)


def search_subject(typed: str) -> int:
    """Returns a number that stands for the search; it is not 0."""
    digest = blake2b(typed.strip().casefold().encode(errors="replace"), digest_size=7)
    return int.from_bytes(digest.digest()) + 1
