"""Finds the events of one page, at a bounded cost on PostgreSQL (users/audit/trail/__init__.py)."""

from dataclasses import dataclass
from functools import cached_property

from django.db import connections, router
from django.db.models import Max, Min, Q
from django.db.models.lookups import Exact

from users.audit.models import AuditEvent, AuditEventQuerySet, UnindexedColumn
from users.audit.trail import blocks
from users.audit.trail.block_sql import candidate_blocks, events_in_blocks
from users.audit.trail.filter import Position, TrailFilter
from users.audit.trail.specs import TRAIL_FILTERS
from users.database.compiled_sql import compile_queryset, select_from
from users.web.days import day_end, day_start

SIZE = 50  # events on a page of the trail
# Events that are compared along an index.
SCAN_LIMIT = 2_000
# Blocks whose events are compared, and how many of them are read at a time.
BLOCK_LIMIT = 60
BLOCK_STEPS = (4, 16, 40)
# Events next to the end of a period, among which is the one with the outermost id: ids follow time
# except for events that are written at once.
PERIOD_MARGIN = 5_000
# Filters with an index, the one that matches the fewest events first.
INDEXED = ("target", "job", "actor", "action")
PERIOD = ("from", "to")
# Columns that no condition reads.
HEAVY_COLUMNS = ("chain_salt", "chain_previous", "chain_hash", "target_digest", "actor_digest")


@dataclass(frozen=True)
class TrailPage:
    """A page of events, newest first."""

    rows: list[AuditEvent]
    # The IDs after and before which the neighbouring pages start; 0 if there are none.
    older: int = 0
    newer: int = 0
    # Whether the search has stopped before the page was full, so that the rows may be fewer.
    capped: bool = False
    # Whether this is the first page.
    is_first: bool = True


@dataclass(frozen=True)
class IdRange:
    """The ids above `low` and below `high`."""

    low: int
    high: int

    @property
    def is_empty(self) -> bool:
        return self.high - self.low < 2

    @property
    def condition(self) -> Q:
        return Q(pk__gt=self.low, pk__lt=self.high)


@dataclass(frozen=True)
class FoundIds:
    """Ids in reading order, at most one more than a page."""

    ids: list[int]
    # Where the search has stopped before the page was full; 0 if it has found everything.
    reached: int = 0


def find_page(wanted: TrailFilter, position: Position, size: int = SIZE) -> TrailPage:
    """Returns one page of the matching events."""
    found = TrailFinder(wanted, position, size).find()
    shown = found.ids[:size]
    has_more = len(found.ids) > size
    onward = shown[-1] if has_more else found.reached
    events = AuditEvent.objects.filter(pk__in=shown).defer(*HEAVY_COLUMNS)
    backward = backward_cursor(position, shown)
    older, newer = onward, backward
    if position.is_backwards:
        older, newer = backward, onward
    return TrailPage(
        rows=list(events.order_by("-pk")),
        older=older,
        newer=newer,
        capped=bool(found.reached) and not has_more,
        is_first=not newer,
    )


def backward_cursor(position: Position, shown: list[int]) -> int:
    """Returns the cursor of the page from which the viewer has come; 0 at an end of the list."""
    if position.is_last or not (position.after or position.before):
        return 0
    if shown:
        return shown[0]
    # Nothing is shown, so the neighbouring page begins with the event of the cursor itself.
    return position.before + 1 if position.before else position.after - 1


class TrailFinder:
    """Finds the ids of the events of one page."""

    def __init__(self, wanted: TrailFilter, position: Position, size: int):
        self.wanted = wanted
        self.position = position
        self.size = size
        self.database = router.db_for_read(AuditEvent)
        self.is_descending = not position.is_backwards

    def find(self) -> FoundIds:
        ids = self.ids
        if ids.is_empty:
            return FoundIds([])
        if self.is_exact or connections[self.database].vendor != "postgresql":
            events = self.compared_events(ids)[: self.size + 1]
            return FoundIds(list(events.values_list("pk", flat=True)))
        scanned = self.scan(ids)
        if not scanned.reached:
            return scanned
        return self.read_blocks(scanned)

    @cached_property
    def ids(self) -> IdRange:
        """The ids of the period, after the cursor."""
        low = self.period_start - 1
        high = self.period_end + 1
        if self.position.after:
            high = min(high, self.position.after)
        return IdRange(max(low, self.position.before), high)

    @cached_property
    def period_start(self) -> int:
        """The lowest id of the period; above all ids if no event is in it."""
        if "from" not in self.wanted.values:
            return 1
        start = day_start(self.wanted.values["from"])
        events = AuditEvent.objects.filter(at__gte=start).order_by("at")
        lowest = events.values("id")[:PERIOD_MARGIN].aggregate(found=Min("id"))["found"]
        return newest_id() + 1 if lowest is None else lowest

    @cached_property
    def period_end(self) -> int:
        """The highest id of the period; 0 if no event is in it."""
        if "to" not in self.wanted.values:
            return newest_id()
        end = day_end(self.wanted.values["to"])
        events = AuditEvent.objects.filter(at__lt=end).order_by("-at")
        return events.values("id")[:PERIOD_MARGIN].aggregate(found=Max("id"))["found"] or 0

    # --- an index that decides alone --------------------------------------------------------------

    @cached_property
    def leading_filter(self) -> str:
        """The filter whose index is read; "" for the order of all events."""
        given = [name for name in INDEXED if name in self.wanted.values]
        if "job" in given and self.wanted.values.get("action", "").startswith("job."):
            # A job has many events, but few about itself.
            given.remove("job")
        return given[0] if given else ""

    @property
    def is_exact(self) -> bool:
        """Whether the index alone decides, but for the events next to the ends of the period."""
        return not set(self.wanted.values) - {self.leading_filter, *PERIOD}

    def index_events(self, ids: IdRange) -> AuditEventQuerySet:
        """Returns the events of the index in reading order."""
        events = AuditEvent.objects.filter(ids.condition)
        if not self.leading_filter:
            return events.order_by("-pk" if self.is_descending else "pk")
        column = TRAIL_FILTERS[self.leading_filter].column
        value = self.column_value(self.leading_filter)
        if self.is_descending:
            return events.newest_of(column, value)
        return events.oldest_of(column, value)

    def compared_events(self, ids: IdRange) -> AuditEventQuerySet:
        """Returns the events of the index that match all filters. SQLite has no other index to
        choose.
        """
        events = self.index_events(ids)
        if connections[self.database].vendor == "postgresql":
            return events.filter(*self.other_conditions)
        others = self.wanted.values.keys() - {self.leading_filter}
        names = [name for name in INDEXED if name in others]
        for name in names:
            column = UnindexedColumn(TRAIL_FILTERS[name].column)
            events = events.filter(Exact(column, self.column_value(name)))
        return events.filter(*self.wanted.conditions(leave_out=(*names, self.leading_filter)))

    def column_value(self, name: str) -> str | int:
        value = self.wanted.values[name]
        return value if name == "action" else int(value)

    @cached_property
    def other_conditions(self) -> list[Q]:
        return self.wanted.conditions(leave_out=(self.leading_filter,))

    # --- scanning ---------------------------------------------------------------------------------

    def scan(self, ids: IdRange) -> FoundIds:
        """Compares the next SCAN_LIMIT events of the index."""
        entries = self.index_events(ids).defer(*HEAVY_COLUMNS)[:SCAN_LIMIT]
        scanned, params = compile_queryset(entries)
        order = "-pk" if self.is_descending else "pk"
        events = AuditEvent.objects.filter(*self.other_conditions).order_by(order).only("pk")
        matched, more = compile_queryset(select_from(events[: self.size + 1], "scanned"))
        outermost = "min" if self.is_descending else "max"
        sql = (
            f"WITH scanned AS MATERIALIZED ({scanned}), "  # noqa: S608  compiled by the ORM
            f"reached AS (SELECT count(*) AS number, {outermost}(id) AS id FROM scanned) "
            f"SELECT reached.number, reached.id, matched.id FROM reached "
            f"LEFT JOIN ({matched}) AS matched ON true"
        )
        with connections[self.database].cursor() as cursor:
            cursor.execute(sql, (*params, *more))
            rows = cursor.fetchall()
        found = [pk for _, _, pk in rows if pk]
        number, reached, _ = rows[0]
        is_complete = len(found) > self.size or number < SCAN_LIMIT
        return FoundIds(found, 0 if is_complete else reached)

    # --- blocks -----------------------------------------------------------------------------------

    def read_blocks(self, scanned: FoundIds) -> FoundIds:
        """Compares the events of the next blocks that have the tokens of all filters."""
        ids = self.range_after(scanned.reached)
        if ids.is_empty:
            return FoundIds(scanned.ids)
        numbers = candidate_blocks(
            self.wanted.tokens(),
            ids.low + 1,
            ids.high - 1,
            is_descending=self.is_descending,
            limit=BLOCK_LIMIT + 1,
        )
        found = scanned.ids
        start = 0
        for step in BLOCK_STEPS:
            chosen = numbers[:BLOCK_LIMIT][start : start + step]
            if not chosen or len(found) > self.size:
                break
            found = found + self.compare_blocks(chosen, ids)
            start += step
        if len(found) > self.size or len(numbers) <= BLOCK_LIMIT:
            return FoundIds(found[: self.size + 1])
        return FoundIds(found, self.block_end(numbers[BLOCK_LIMIT - 1]))

    def compare_blocks(self, numbers: list[int], ids: IdRange) -> list[int]:
        conditions = [*self.wanted.conditions(), ids.condition]
        return events_in_blocks(
            numbers,
            conditions,
            is_descending=self.is_descending,
            limit=self.size + 1,
        )

    def range_after(self, reached: int) -> IdRange:
        ids = self.ids
        if self.is_descending:
            return IdRange(ids.low, min(ids.high, reached))
        return IdRange(max(ids.low, reached), ids.high)

    def block_end(self, number: int) -> int:
        """Returns the id of a cursor behind a block in reading order."""
        if self.is_descending:
            return number * blocks.BLOCK_SIZE
        return (number + 1) * blocks.BLOCK_SIZE - 1


def newest_id() -> int:
    return AuditEvent.objects.aggregate(pk=Max("pk"))["pk"] or 0
