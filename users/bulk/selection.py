"""A selection for bulk work: ticked rows, or all accounts that match a filter at some moment.

A selection of a filter is passed on as the filter and never as the ids that match it, so URLs and
forms stay short. The moment is stored as the highest id at that time: accounts created later are
not included.
The filter itself is applied again each time, so an account that no longer matches is not included
either, and relative dates are relative to the day on which the filter is applied.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.db import OperationalError, transaction
from django.http import QueryDict

from users import masking
from users.database.clock import current_time
from users.directory.filter import BadFilter, Filter
from users.directory.query import find
from users.directory.selection_bar import MAX_TICKED
from users.models import User, UserQuerySet
from users.web.query_string import is_id_text, refuse_bad_parameters

SELECTION_CAP = 10_000
EXAMPLE_LIMIT = 10
SELECTION_PARAMETERS = ("ids", "all", "up_to", "at")
# The clocks of two servers may differ by this much.
CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True)
class Selection:
    """Either `ids`, or `filter` with `up_to` (the highest id that is included) and `at` (the time
    at which that was the highest id, in UTC).
    """

    ids: tuple[int, ...] = ()
    filter: Filter | None = None
    up_to: int = 0
    at: datetime | None = None

    @classmethod
    def parse(
        cls, query: QueryDict, masked: bool = False, viewer_id: int | None = None
    ) -> "Selection":
        """Parses `ids=1&ids=2`, or `all=1` with a filter, `up_to` and `at`; without these two it is
        a selection as of now. Raises BadFilter, also for someone else's list.
        """
        if "all" not in query:
            return cls(ids=parse_ticked(query))
        check_selection_parameters(query)
        parameters = filter_parameters(query)
        wanted = Filter.parse(parameters, masked=masked, viewer_id=viewer_id)
        if "up_to" not in query and "at" not in query:
            return cls.now(wanted)
        return cls(
            filter=wanted,
            up_to=parse_id("up_to", query.get("up_to", "")),
            at=parse_selection_time(query.get("at", "")),
        )

    @classmethod
    def now(cls, wanted: Filter) -> "Selection":
        """Returns the selection of all accounts that match the filter now."""
        newest = User.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        return cls(
            filter=wanted,
            up_to=newest,
            at=current_time().replace(microsecond=0),
        )

    def accounts(self) -> UserQuerySet:
        """Returns the accounts, unordered. These may be all accounts, so the caller has to limit
        the work.
        """
        if self.filter is None:
            return User.objects.filter(pk__in=self.ids)
        return self.filter.apply().filter(pk__lte=self.up_to)

    def examples(self) -> list[User]:
        """Returns up to EXAMPLE_LIMIT of the accounts, at the cost of a page of the directory."""
        if self.filter is None:
            return list(self.accounts().order_by("pk")[:EXAMPLE_LIMIT])
        page = find(replace(self.filter, size=25)).page
        return [account for account in page.accounts if account.pk <= self.up_to][:EXAMPLE_LIMIT]

    def count(self) -> int | None:
        """Returns the number of accounts, exact up to SELECTION_CAP and SELECTION_CAP + 1 if there
        are more; None if the database takes too long.
        """
        try:
            with transaction.atomic():
                return self.accounts().order_by().values("pk")[: SELECTION_CAP + 1].count()
        except OperationalError:
            return None

    @property
    def words(self) -> str:
        """Returns the filter in words, or "3 selected accounts"."""
        if self.filter:
            return str(self.filter)
        return f"{len(self.ids)} selected account{'s' if len(self.ids) > 1 else ''}"

    @property
    def query(self) -> str:
        """Returns the canonical query string, which `parse` turns into an equal selection."""
        if self.filter is None or self.at is None:
            return urlencode([("ids", pk) for pk in self.ids])
        at = self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        own_parameters = urlencode(
            {
                "all": 1,
                "up_to": self.up_to,
                "at": at,
            },
            safe=":",
        )
        return "&".join(filter(None, [self.filter.query, own_parameters]))

    @property
    def url(self) -> str:
        return f"/users/selection/?{self.query}"

    @property
    def list_url(self) -> str:
        """Returns the list of the filter, or the list with the selected rows ticked."""
        return self.filter.url() if self.filter else f"/users/?{self.query}"


def requested_selection(request, extra_parameters: tuple[str, ...] = ()) -> Selection:
    """Returns the selection in the URL. Its filter may only use what the viewer can see.
    `extra_parameters`: other parameters of the page. Raises BadRequest.
    """
    query = request.GET.copy()
    for name in extra_parameters:
        query.pop(name, None)
    masked = masking.hides_personal_data(request.user)
    with refuse_bad_parameters(back="/users/"):
        return Selection.parse(query, masked=masked, viewer_id=request.user.pk)


def check_selection_parameters(query: QueryDict) -> None:
    """Raises BadFilter unless `all` is 1, `ids` is missing, and no parameter is repeated."""
    if "ids" in query:
        raise BadFilter("ids", "Give either ids or all, not both.")
    for name in SELECTION_PARAMETERS:
        if len(query.getlist(name)) > 1:
            raise BadFilter(name, "This is given more than once.")
    if query["all"] != "1":
        raise BadFilter("all", "Allowed value: 1.")


def filter_parameters(query: QueryDict) -> QueryDict:
    """Returns the query without the parameters of the selection itself."""
    parameters = query.copy()
    for name in SELECTION_PARAMETERS:
        parameters.pop(name, None)
    return parameters


def parse_ticked(query: QueryDict) -> tuple[int, ...]:
    """Returns the distinct ids of `ids=1&ids=2` in ascending order. Raises BadFilter."""
    for name in query:
        if name != "ids":
            raise BadFilter(
                name, "No other parameter can be combined with ids. A filter needs all=1."
            )
    values = query.getlist("ids")
    if not values:
        raise BadFilter("ids", "Nothing is selected. Select some accounts first.")
    if len(values) > MAX_TICKED:
        raise BadFilter(
            "ids",
            f"You can select at most {MAX_TICKED} rows. Use a filter and select all matching.",
        )
    return tuple(sorted({parse_id("ids", value) for value in values}))


def parse_id(name: str, value: str) -> int:
    """Returns the value of the parameter `name` as an account id. Raises BadFilter."""
    if not is_id_text(value):
        raise BadFilter(name, f"{name} takes an account ID.")
    return int(value)


def parse_selection_time(value: str) -> datetime:
    """Returns the parameter `at` as a time in UTC. Raises BadFilter."""
    try:
        at = datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise BadFilter("at", "It takes a time such as 2026-03-31T12:00:00Z.") from None
    if at > current_time() + CLOCK_TOLERANCE:
        raise BadFilter("at", "This time is in the future.")
    return at
