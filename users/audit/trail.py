"""Reading the trail: events newest first, paged by id."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict

from users.audit.actions import ACTION_LABELS
from users.audit.models import AuditEvent
from users.database.cached_query import CachedQuery
from users.identifiers import LARGEST_ID

SIZE = 50
ACCOUNT_SIZE = 20
CHAIN_COLUMNS = ("chain_salt", "chain_previous", "chain_hash", "target_digest", "actor_digest")
ID_LABELS = {"actor": "Done by", "target": "Done to"}
PARAMETERS = ("action", "actor", "target", "after")


class BadTrailFilter(Exception):
    """A query string that means nothing. `parameter` is the one to mend."""

    def __init__(self, parameter: str, message: str):
        super().__init__(f"{parameter}: {message}")
        self.parameter = parameter
        self.message = message


@dataclass(frozen=True)
class TrailFilter:
    """Which events. `actor` and `target` are ids of accounts; 0 and "" mean any. `after`: only
    older than this event.
    """

    action: str = ""
    actor: int = 0
    target: int = 0
    after: int = 0

    @classmethod
    def read(cls, query: QueryDict) -> tuple["TrailFilter", dict[str, str]]:
        """Returns the filter without the IDs that people have mistyped, and by field what is wrong
        with them. Raises BadTrailFilter for what no form sends.
        """
        for name, values in query.lists():
            if name not in PARAMETERS:
                raise BadTrailFilter(name, "There is no such filter.")
            if len(values) > 1:
                raise BadTrailFilter(name, "This filter is given more than once.")
        action = query.get("action", "")
        if action and action not in ACTION_LABELS:
            raise BadTrailFilter("action", "There is no such action.")
        ids = dict.fromkeys(ID_LABELS, 0)
        errors = {}
        for name, label in ID_LABELS.items():
            try:
                ids[name] = parse_trail_id(name, query.get(name, ""))
            except BadTrailFilter:
                errors[name] = f"“{label}” takes the ID of an account, such as 42."
        after = parse_trail_id("after", query.get("after", ""))
        return cls(action, **ids, after=after), errors

    def events(self, size: int = SIZE) -> tuple[list[AuditEvent], bool]:
        """At most `size` events, and whether there are older ones."""
        asked = {"target_id": self.target, "actor_id": self.actor, "action": self.action}
        asked = {column: value for column, value in asked.items() if value}
        events = AuditEvent.objects.all()
        if asked:
            column = next(iter(asked))  # the first of them is the one that fewest events have
            events = events.newest_of(column, asked.pop(column)).filter(**asked)
        else:
            events = events.order_by("-id")
        if self.after:
            events = events.filter(id__lt=self.after)
        rows = list(events[: size + 1])
        return rows[:size], len(rows) > size

    def url(self, **values: object) -> str:
        merged = {name: getattr(self, name) for name in PARAMETERS} | values
        query = urlencode({name: value for name, value in merged.items() if value})
        return f"/audit/?{query}" if query else "/audit/"


ACCOUNT_EVENTS = CachedQuery(
    AuditEvent,
    lambda pk: AuditEvent.objects.newest_of("target_id", pk).defer(*CHAIN_COLUMNS)[
        : ACCOUNT_SIZE + 1
    ],
)


def account_events(account_id: int) -> tuple[list[AuditEvent], bool]:
    """The newest events about one account, and whether there are older ones."""
    rows = ACCOUNT_EVENTS.objects(account_id)
    return rows[:ACCOUNT_SIZE], len(rows) > ACCOUNT_SIZE


def parse_trail_id(name: str, value: str) -> int:
    if not value:
        return 0
    if (
        not (value.isascii() and value.isdigit() and len(value) < 20)
        or not 0 < int(value) <= LARGEST_ID
    ):
        raise BadTrailFilter(name, f"{name} takes the ID of an account or event.")
    return int(value)
