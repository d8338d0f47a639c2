"""Where texts stand that people typed: every text column of every table of ours, but for those that
are left out here.

A table that is added tomorrow is looked through too, unless somebody decides otherwise.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import DatabaseError, IntegrityError, models, transaction
from django.db.models import F, Q

from users.audit.models import AuditEvent
from users.audit.redaction import TEXT_COLUMNS, redact_events
from users.database.triggers import ERASED_TEXT
from users.jobs.models import ENDED_STATES
from users.privacy.matcher import Matcher

logger = logging.getLogger(__name__)
CHUNK_ROWS = 2000  # rows with texts in one transaction
CHUNK_IDS = 50_000  # ids that one transaction looks at, where few of them have texts
MAX_TEXT_LENGTH = 10_000  # characters; a longer text that holds a value goes whole
# Columns that nobody types into, and what other accounts are themselves called.
EXCLUDED_COLUMNS = {
    "User": {
        "username",
        "email",
        "first_name",
        "last_name",
        "phone",
        "locale",
        "time_zone",
        "password",
        "source",
        "source_id",
        "search_key",
        "name_key",
        "email_domain",
        "lookalike",
    },
    "SignInEvent": {"user_agent", "typed"},
    "Session": {"session_data", "user_agent"},
    "Job": {"kind", "key", "frozen"},
    "JobItem": {"code", "details"},
    "JobLine": {"code", "details"},
    "Message": {"message_id"},
    "Generation": {"name"},
    "Redaction": {"values"},
    "RedactionWalk": {"place", "after"},
}
QUERY_STRING_COLUMNS = {("Job", "selection"), ("SavedView", "query")}
# What an open job is about must not change under it; an erasure refuses while one names the person.
ROW_CONDITIONS = {"Job": Q(state__in=ENDED_STATES)}
# Names in JSON under which stands what Rollcall itself says.
EXCLUDED_JSON_KEYS = (
    "status",
    "state",
    "kind",
    "action",
    "permission",
    "groups",
    "session",
    "events",
)
FoundRows = dict[int, int]  # by the id of an erased account: rows in which it was found


@dataclass(frozen=True)
class TextTable:
    model: type[models.Model]
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.model.__name__

    def step(self, matcher: Matcher, after: Any, found: FoundRows) -> Any:
        """Looks through the rows behind `after` (None: from the first), and gives the key of the
        last; None at the end.
        """
        rows, until = self.chunk(after)
        hits = [row[0] for row in rows if self.may_hold(matcher, row[1:])]
        if hits:
            self.write(matcher, hits, found)
        return until

    def chunk(self, after: Any) -> tuple[list[tuple], Any]:
        whole = self.model._default_manager.all()
        last = self.last()
        if last is None or (after is not None and key_from_json(after) >= last):
            return [], None
        rows = whole.filter(pk__gt=key_from_json(after)) if after is not None else whole
        composite = isinstance(last, tuple)
        if not composite and isinstance(last, int):
            first = (
                whole.order_by("pk").values_list("pk", flat=True)[0] - 1 if after is None else after
            )
            rows = rows.filter(pk__lte=first + CHUNK_IDS)
            last = min(first + CHUNK_IDS, last)
        texts = self.filled() & ROW_CONDITIONS.get(self.name, Q())
        found = list(
            rows.filter(texts).order_by("pk").values_list("pk", *self.columns)[:CHUNK_ROWS]
        )
        return found, found[-1][0] if len(found) == CHUNK_ROWS else last

    def last(self) -> Any:
        return self.model._default_manager.order_by("-pk").values_list("pk", flat=True).first()

    def filled(self) -> Q:
        """Rows that have a text at all."""
        some = Q()
        for column in self.columns:
            if isinstance(self.model._meta.get_field(column), models.JSONField):
                some |= Q(**{f"{column}__isnull": False}) & ~Q(**{column: {}})
            else:
                some |= ~Q(**{column: ""})
        return some

    def may_hold(self, matcher: Matcher, values: tuple) -> bool:
        """Quick to say no, since nearly every row is one in which there is nothing."""
        if any(name == self.name for name, _ in QUERY_STRING_COLUMNS):
            return any(new != old for new, old in self.compared(matcher, values, set()))
        return any(matcher.holds(value) for value in values if value)

    def compared(
        self, matcher: Matcher, values: tuple, owners: set[int]
    ) -> Iterator[tuple[Any, Any]]:
        for column, old in zip(self.columns, values, strict=True):
            yield self.redacted(matcher, column, old, owners), old

    def redacted(self, matcher: Matcher, column: str, old: Any, owners: set[int]) -> Any:
        if not old:
            return old
        if (self.name, column) in QUERY_STRING_COLUMNS:
            return matcher.redact_query(old, owners)
        if not isinstance(old, str):
            return matcher.redact_json(old, owners, EXCLUDED_JSON_KEYS)
        new = matcher.redact(old, owners)
        longest = min(
            getattr(self.model._meta.get_field(column), "max_length", None) or MAX_TEXT_LENGTH,
            MAX_TEXT_LENGTH,
        )
        return ERASED_TEXT if new != old and max(len(old), len(new)) > longest else new

    def changes(
        self, matcher: Matcher, hits: list, found: FoundRows
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        """For each row, asked for again, its key and new values; locked, so that nobody writes in
        between.
        """
        rows = self.model._default_manager.filter(pk__in=hits).order_by("pk")
        locked = rows if self.model is AuditEvent else rows.select_for_update()
        for row in list(locked.values_list("pk", *self.columns)):
            owners: set[int] = set()
            pairs = zip(self.columns, self.compared(matcher, row[1:], owners), strict=True)
            if changed := {column: new for column, (new, old) in pairs if new != old}:
                yield row[0], changed
            for owner in owners:
                found[owner] = found.get(owner, 0) + 1

    def write(self, matcher: Matcher, hits: list, found: FoundRows) -> None:
        if self.model is AuditEvent:
            write_redacted_events(dict(self.changes(matcher, hits, found)))
            return
        # Whoever has a form of it open is told that it changed. An account stays: undo and open
        # forms go by its version.
        raised = {"version": F("version") + 1} if self.name in ("Note", "SavedView") else {}
        for pk, changed in self.changes(matcher, hits, found):
            row = self.model._default_manager.filter(pk=pk)
            try:
                with transaction.atomic():
                    row.update(**changed | raised)
            except IntegrityError:  # two names of one list have become the same
                row.update(
                    **{
                        name: f"{ERASED_TEXT} {pk}" if isinstance(new, str) else new
                        for name, new in changed.items()
                    }
                )


def write_redacted_events(changes: dict[int, dict[str, Any]]) -> None:
    """One that the database refuses, since its JSON was not written by us, say, must not keep the
    others.
    """
    try:
        with transaction.atomic():
            redact_events(changes)
    except DatabaseError:
        if len(changes) == 1:
            logger.error(
                "Event %s still names an erased person: the database refused the change.",
                *changes,
            )
            return
        for pk, changed in changes.items():
            write_redacted_events({pk: changed})


def key_from_json(after: Any) -> Any:
    """JSON has no tuples."""
    return tuple(after) if isinstance(after, list) else after


def text_tables() -> dict[str, TextTable]:
    """In the order in which they are walked: the trail, which may have fifty million events, last."""
    found = [
        TextTable(model, columns)
        for model in apps.get_app_config("users").get_models()
        if (columns := text_columns(model))
    ]
    return {
        place.name: place
        for place in sorted(found, key=lambda place: (place.model is AuditEvent, place.name))
    }


def text_columns(model: type[models.Model]) -> tuple[str, ...]:
    if model is AuditEvent:
        return TEXT_COLUMNS
    left_out = EXCLUDED_COLUMNS.get(model.__name__, set())
    texts = (models.CharField, models.TextField, models.JSONField)
    return tuple(
        field.attname
        for field in model._meta.concrete_fields
        if isinstance(field, texts)
        and not field.choices
        and not field.primary_key
        and field.name not in left_out
    )
