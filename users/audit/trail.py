"""Queries of the audit trail: events newest first, paged by id."""

from dataclasses import dataclass
from typing import NamedTuple

from django.http import QueryDict

from users.audit.actions import ACTION_LABELS
from users.audit.models import DENIED, AuditEvent
from users.database.cached_query import CachedQuery
from users.exceptions import BadParameter
from users.web.paging import IdPage
from users.web.query_string import check_parameters, parse_id_parameter, url_with_query

SIZE = 50  # events on a page of the trail
ACCOUNT_SIZE = 20  # events on the page of an account
CHAIN_COLUMNS = ("chain_salt", "chain_previous", "chain_hash", "target_digest", "actor_digest")


class IdField(NamedTuple):
    """A field of the form that takes an ID."""

    label: str
    placeholder: str
    # The width in characters.
    size: int
    example: str


ACCOUNT_EXAMPLE = "an account, such as 42"
ID_FIELDS = {
    "actor": IdField(
        label="Done by",
        placeholder="Done by (account ID)",
        size=18,
        example=ACCOUNT_EXAMPLE,
    ),
    "target": IdField(
        label="Done to",
        placeholder="Done to (account ID)",
        size=18,
        example=ACCOUNT_EXAMPLE,
    ),
    "job": IdField(
        label="Job",
        placeholder="Job (ID)",
        size=6,
        example="a job, such as 7",
    ),
}
REFUSALS_CAP = 99
PARAMETERS = ("action", *ID_FIELDS, "after")


@dataclass(frozen=True)
class TrailFilter:
    """The events of a list. "" and 0 mean any."""

    action: str = ""
    # IDs of accounts, and of a job.
    actor: int = 0
    target: int = 0
    job: int = 0
    # Only events older than the one with this ID.
    after: int = 0

    @classmethod
    def read(cls, query: QueryDict) -> tuple["TrailFilter", dict[str, str]]:
        """Returns the filter without the IDs that people have mistyped, and by field what is wrong
        with them. Raises BadParameter for what no form sends.
        """
        check_parameters(
            query,
            *PARAMETERS,
            unknown="There is no such filter.",
            repeated="This filter is given more than once.",
        )
        action = query.get("action", "")
        if action and action not in ACTION_LABELS:
            raise BadParameter("action", "There is no such action.")
        after = parse_trail_id("after", query.get("after", ""))
        ids = dict.fromkeys(ID_FIELDS, 0)
        errors = {}
        for name, field in ID_FIELDS.items():
            try:
                ids[name] = parse_trail_id(name, query.get(name, ""))
            except BadParameter:
                errors[name] = f"“{field.label}” takes the ID of {field.example}."
        return cls(
            action=action,
            after=after,
            **ids,
        ), errors

    @property
    def has_criteria(self) -> bool:
        return bool(self.action or self.actor or self.target or self.job)

    def page(self, size: int = SIZE) -> IdPage[AuditEvent]:
        """Returns a page of the events, newest first."""
        conditions: dict[str, object] = {
            "target_id": self.target,
            "job_id": self.job,
            "actor_id": self.actor,
            "action": self.action,
        }
        conditions = {column: value for column, value in conditions.items() if value}
        events = AuditEvent.objects.all()
        if conditions:
            # The first one has the fewest events, except that a job has few of its own.
            column = next(iter(conditions))
            if column == "job_id" and self.action.startswith("job."):
                column = "action"
            events = events.newest_of(column, conditions.pop(column)).narrow(**conditions)
        else:
            events = events.order_by("-id")
        if self.after:
            events = events.filter(id__lt=self.after)
        return IdPage.cut(list(events[: size + 1]), size, self.after)

    def url(self, **values: object) -> str:
        """Returns the URL of the filter, with `values` in place of its own."""
        own = {name: getattr(self, name) for name in PARAMETERS}
        return url_with_query("/audit/", **own | values)


ACCOUNT_EVENTS = CachedQuery(
    AuditEvent,
    lambda pk: AuditEvent.objects.history_of(pk).defer(*CHAIN_COLUMNS)[: ACCOUNT_SIZE + 1],
)

ACCOUNT_REFUSALS = CachedQuery(
    AuditEvent,
    lambda pk: (
        AuditEvent.objects.newest_of("target_id", pk)
        .filter(action=DENIED)
        .only("pk")[: REFUSALS_CAP + 1]
    ),
)


def account_events(account_id: int) -> IdPage[AuditEvent]:
    """Returns the newest events about one account, without refused attempts."""
    return IdPage.cut(ACCOUNT_EVENTS.objects(account_id), ACCOUNT_SIZE)


def refused_attempts(account_id: int, shown: IdPage[AuditEvent]) -> int:
    """Returns the number of refused attempts on the account in the time of the events that are
    `shown`, up to REFUSALS_CAP + 1.
    """
    since = shown.rows[-1].pk if shown.has_next else 0
    return sum(pk > since for pk, *_ in ACCOUNT_REFUSALS.rows(account_id))


def parse_trail_id(name: str, value: str) -> int:
    return parse_id_parameter(name, value, f"{name} takes the ID of an account or event.")
