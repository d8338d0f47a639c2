"""Pages of a list that is ordered by an id. A page starts after the id of a row, so its query reads
a range of an index, however far the page is from the first one.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

from users.web.query_string import url_with_query

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class IdPage(Generic[Row]):
    """One page of a list."""

    rows: list[Row]
    has_next: bool
    # The id of the last row of the page before; 0 on the first page.
    after: int = 0

    @classmethod
    def cut(cls, rows: list[Row], size: int, after: int = 0) -> "IdPage[Row]":
        """Returns a page of `size` rows. A longer list means that there is a next page."""
        return cls(rows[:size], has_next=len(rows) > size, after=after)

    def links(self, path: str, parameter: str = "after", **filters: object) -> dict[str, str]:
        """Returns the URLs that users/web/_page_links.html shows, "" for a page that does not
        exist. `parameter`: the one that holds the id; `filters`: the other parameters.
        """
        older = ""
        newest = ""
        if self.has_next:
            older = url_with_query(path, **filters, **{parameter: self.rows[-1].pk})
        if self.after:
            newest = url_with_query(path, **filters)
        return {"older": older, "newest": newest}


def newest_page(found: QuerySet[Row], size: int, after: int = 0) -> IdPage[Row]:
    """Returns at most `size` of the rows with an id below `after`, newest first; 0 stands for the
    first page. Needs one query.
    """
    found = found.order_by("-pk")
    if after:
        found = found.filter(pk__lt=after)
    return IdPage.cut(list(found[: size + 1]), size, after)
