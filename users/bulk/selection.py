"""A selection for bulk work: rows that someone ticked, or all accounts that match a filter as of a
moment.

The filter travels and never the ids that it matches, so neither an address nor a form grows with
the selection. "As of" is the highest id at that moment: accounts that were made later are left out.
The filter itself is asked anew, so an account that has stopped to match in between is out too, and
a relative date is relative to the day on which it is asked.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.db import OperationalError, transaction
from django.http import QueryDict
from django.utils import timezone

from users.directory.filter import BadFilter, Filter
from users.directory.query import find
from users.models import User, UserQuerySet
from users.web.query_string import is_id_text

MAX_TICKED = 100  # as many as a page has
SELECTION_CAP = 10_000
EXAMPLE_LIMIT = 10
SELECTION_PARAMETERS = ("ids", "all", "up_to", "at")


@dataclass(frozen=True)
class Selection:
    """Either `ids`, or `filter` with `up_to` (the highest id that is in it) and `at` (when that was
    so, in UTC).
    """

    ids: tuple[int, ...] = ()
    filter: Filter | None = None
    up_to: int = 0
    at: datetime | None = None

    @classmethod
    def parse(cls, query: QueryDict, masked: bool = False) -> "Selection":
        """From `ids=1&ids=2`, or from `all=1` with a filter, and `up_to` and `at` unless that is
        now. Raises BadFilter.
        """
        if "all" not in query:
            return cls(ids=parse_ticked(query))
        if "ids" in query:
            raise BadFilter("ids", "Give either ids or all, not both.")
        for name in SELECTION_PARAMETERS:
            if len(query.getlist(name)) > 1:
                raise BadFilter(name, "This is given more than once.")
        if query["all"] != "1":
            raise BadFilter("all", "Allowed value: 1.")
        rest = query.copy()
        for name in SELECTION_PARAMETERS:
            rest.pop(name, None)
        wanted = Filter.parse(rest, masked=masked)
        if "up_to" not in query and "at" not in query:
            return cls.now(wanted)
        return cls(
            filter=wanted,
            up_to=parse_id("up_to", query.get("up_to", "")),
            at=parse_selection_time(query.get("at", "")),
        )

    @classmethod
    def now(cls, wanted: Filter) -> "Selection":
        """All that match at this moment."""
        newest = User.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        return cls(
            filter=wanted,
            up_to=newest,
            at=timezone.now().replace(microsecond=0),
        )

    def accounts(self) -> UserQuerySet:
        """In no order. The caller bounds the work: it may be everybody."""
        if self.filter is None:
            return User.objects.filter(pk__in=self.ids)
        return self.filter.apply().filter(pk__lte=self.up_to)

    def examples(self) -> list[User]:
        """Some of them, at the cost of one page of the directory."""
        if self.filter is None:
            return list(self.accounts().order_by("pk")[:EXAMPLE_LIMIT])
        page = find(replace(self.filter, size=25)).page
        return [account for account in page.accounts if account.pk <= self.up_to][:EXAMPLE_LIMIT]

    def count(self) -> int | None:
        """Exact up to CAP, and CAP + 1 for more. None where the database would take too long to
        say.
        """
        try:
            with transaction.atomic():
                return self.accounts().order_by().values("pk")[: SELECTION_CAP + 1].count()
        except OperationalError:
            return None

    @property
    def words(self) -> str:
        return (
            str(self.filter)
            if self.filter
            else f"{len(self.ids)} selected account{'s' if len(self.ids) > 1 else ''}"
        )

    @property
    def query(self) -> str:
        """The canonical text; `parse` makes the same selection of it."""
        if self.filter is None or self.at is None:
            return urlencode([("ids", pk) for pk in self.ids])
        at = self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        own = urlencode({"all": 1, "up_to": self.up_to, "at": at}, safe=":")
        return "&".join(filter(None, [self.filter.query, own]))

    @property
    def url(self) -> str:
        return f"/users/selection/?{self.query}"


def parse_ticked(query: QueryDict) -> tuple[int, ...]:
    for name in query:
        if name != "ids":
            raise BadFilter(
                name, "No other parameter can be combined with ids. A filter needs all=1."
            )
    given = query.getlist("ids")
    if not given:
        raise BadFilter("ids", "Nothing is selected. Select some accounts first.")
    if len(given) > MAX_TICKED:
        raise BadFilter(
            "ids",
            f"You can select at most {MAX_TICKED} rows. Use a filter and select all matching.",
        )
    return tuple(sorted({parse_id("ids", value) for value in given}))


def parse_id(name: str, value: str) -> int:
    if not is_id_text(value):
        raise BadFilter(name, f"{name} takes an account ID.")
    return int(value)


def parse_selection_time(value: str) -> datetime:
    try:
        at = datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise BadFilter("at", "It takes a time such as 2026-03-31T12:00:00Z.") from None
    if at > timezone.now() + timedelta(minutes=5):  # clocks of two servers differ a little
        raise BadFilter("at", "This time is in the future.")
    return at
