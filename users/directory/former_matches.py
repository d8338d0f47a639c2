"""Former values that match a search: beside the accounts of the directory, and on their own page.

They are personal data in full, so viewers for whom it is masked get none.
"""

from dataclasses import dataclass

from users.audit.former_rows import FormerRow, former_holders, value_digests
from users.directory import query
from users.directory.filter import Filter
from users.directory.query import FoundPage, FoundValues
from users.directory.search import Search

# Matches below the accounts of a search.
SHOWN = 5
# Fields by the name that restricts a word of the search box to them.
FIELDS_OF_NAME = {
    "username": ("username",),
    "email": ("email",),
    "name": ("first_name", "last_name"),
}


@dataclass(frozen=True)
class FormerMatches:
    """Former values beside a list of accounts. `has_more`: the page of former values has others."""

    rows: tuple[FormerRow, ...] = ()
    has_more: bool = False


NO_MATCHES = FormerMatches()


def matches_beside(wanted: Filter, found: FoundPage, *, masked: bool) -> FormerMatches:
    """Returns the former values to show below the accounts that a search has found.

    If there are enough accounts to fill a page, nothing is read. If the search is the address, the
    username or the ID of an account, only equal values are.
    """
    page = found.page
    if masked or wanted.values or not wanted.q or page.next or page.previous:
        return NO_MATCHES
    shown = {account.pk for account in page.accounts}
    equal = equal_values(wanted.q, SHOWN + len(shown) + 1)
    rows = [row for row in equal if row.account_id not in shown]
    if not found.exact and not found.capped:
        others = values_with_words(wanted.search, SHOWN + 1, shown)
        rows += [row for row in others.rows if row not in rows]
    return FormerMatches(tuple(rows[:SHOWN]), has_more=len(rows) > SHOWN)


def equal_values(q: str, limit: int, below: int = 0) -> list[FormerRow]:
    """Returns the newest former values that are equal to the typed text in normal form."""
    name, _, text = q.partition(":")
    fields = FIELDS_OF_NAME.get(name.lower(), ())
    typed = (text if fields else q).strip('" ')
    return former_holders(
        value_digests(typed),
        limit=limit,
        below=below,
        fields=fields,
    )


def values_with_words(search: Search, limit: int, without: set[int] | None = None) -> FoundValues:
    """Returns the newest former values that contain the words of a search.

    A word that the search box restricts to a field is compared with whole values only.
    """
    if search.fields or not search.words:
        return FoundValues()
    return query.find_former_values(
        search.words,
        limit=limit,
        without=sorted(without or ()),
    )
