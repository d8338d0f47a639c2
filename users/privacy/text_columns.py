"""The columns with texts that people typed, and their redaction.

They are all text columns of all tables except those excluded here, so a new column is scanned by
default.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import DatabaseError, IntegrityError, models, transaction
from django.db.models import F, Q

from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.audit.redaction import TEXT_COLUMNS, SystemActor, redact_events
from users.database.erasure_rules import ERASED_TEXT
from users.fields import ACCOUNT_FIELDS
from users.jobs.models import ENDED_STATES
from users.models import User
from users.privacy.matcher import Matcher

logger = logging.getLogger(__name__)
# Rows with texts in one transaction.
CHUNK_ROWS = 2000
# IDs in one transaction, if few rows have texts.
CHUNK_IDS = 50_000
# Characters. A longer text with a match is replaced as a whole.
MAX_TEXT_LENGTH = 10_000
# Columns that nobody types into, and the identifiers of accounts.
EXCLUDED_COLUMNS = {
    "User": {
        *(field.name for field in ACCOUNT_FIELDS if not field.may_name_others),
        "password",
        "name_key",
        "email_domain",
        "lookalike",
    },
    "SignInEvent": {"user_agent", "typed", "device"},
    "Session": {"session_data", "user_agent"},
    "Job": {"kind", "key", "frozen"},
    "JobItem": {"code", "details"},
    "JobLine": {"code", "details"},
    "Message": {"message_id", "provider_id", "fate"},
    "DeliveryEvent": {"key", "provider", "kind", "message_id", "provider_id"},
    "Suppression": {"digest", "source"},
    "Campaign": {"skipped", "counts"},
    "CampaignSample": {"counts"},
    "MailServer": {"error"},
    # An erasure deletes those of its person, and a redacted event blanks those that it replaced.
    "FormerValue": {"field", "key"},
    "Generation": {"name"},
    "TreeHead": {"problem"},
    "SignedCheckpoint": {"origin", "note", "cosignatures"},
    "VerifierKey": {"key_id", "origin", "vkey"},
    "AnchorDelivery": {"destination", "error"},
    "Feed": {"name", "error"},
    "DeadLetter": {"error"},
    "VerificationRun": {"fault"},
    "Redaction": {"values"},
    "RedactionWalk": {"place", "after"},
    "DailyCount": {"metric"},
    "StateCount": {"state"},
    "RollupPosition": {"name"},
    "AlarmRecord": {"name"},
    "ScheduledRun": {"task", "error", "durations"},
    "StatusSample": {"figures"},
    "Export": {"sha256", "attribute_names"},
    "ExportSchedule": {"parameters"},
    "RoleRequest": {"role_name"},
    "PastedListLine": {"candidates"},
    "UnrecordedChange": {"kind", "old_row"},
    "ImportFile": {"sha256", "options", "format", "suggested", "totals"},
    "ImportPiece": {"counts"},
    "SavedMapping": {"options"},
    # Identifiers of the provider. An erasure deletes those of its person.
    "OidcLink": {"issuer", "subject"},
    "AccessReview": {"outcome", "fingerprint", "sha256"},
    "ReviewItem": {"decision"},
    "ApiToken": {"hint", "scopes", "networks", "provisioning"},
    # The ID that a provider has given to a role.
    "ProvisionedRole": {"source", "external_id"},
    # The log of SCIM requests has no values.
    "ProvisioningRequest": {"source", "method", "path", "error", "body", "request_id"},
    "WebhookSubscription": {"url", "kinds", "audience", "secret", "previous_secret", "error"},
    "WebhookDelivery": {"kind", "source", "echo", "head", "error"},
}
QUERY_STRING_COLUMNS = {("Job", "selection"), ("SavedView", "query"), ("Campaign", "query")}
# The selection of an unfinished job must not change. An erasure is refused if one names the person.
ROW_CONDITIONS = {"Job": Q(state__in=ENDED_STATES)}
# Tables whose forms check the version of a row.
VERSIONED = ("Note", "SavedView", "Campaign", "EmailTemplate")
# JSON keys whose values Rollcall writes, and nobody types.
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
# The number of rows with a match, by the ID of the erased account.
FoundRows = dict[int, int]


@dataclass(frozen=True)
class TextTable:
    """A table and its text columns."""

    model: type[models.Model]
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.model.__name__

    @property
    def rows(self) -> models.QuerySet:
        return self.model._default_manager.all()

    def redact_chunk(self, matcher: Matcher, after: Any, found: FoundRows) -> Any:
        """Redacts the next chunk of rows after the key `after` (None: from the first row).

        It adds the numbers of redacted rows to `found`. Returns the last key of the chunk, or None
        at the end of the table.
        """
        rows, until = self.read_chunk(after)
        keys = [row[0] for row in rows if self.needs_redaction(matcher, row[1:])]
        if keys:
            self.write(matcher, keys, found)
        return until

    def read_chunk(self, after: Any) -> tuple[list[tuple], Any]:
        """Returns the keys and texts of the next rows, and the last key that was read."""
        last = self.last_key()
        if last is None or (after is not None and key_from_json(after) >= last):
            return [], None
        rows = self.rows if after is None else self.rows.filter(pk__gt=key_from_json(after))
        if isinstance(last, int):
            last = min(self.window_end(after), last)
            rows = rows.filter(pk__lte=last)
        texts = rows.filter(self.has_text() & ROW_CONDITIONS.get(self.name, Q())).order_by("pk")
        found = list(texts.values_list("pk", *self.columns)[:CHUNK_ROWS])
        return found, found[-1][0] if len(found) == CHUNK_ROWS else last

    def window_end(self, after: int | None) -> int:
        """Returns the highest key of the chunk after `after`, for tables with numeric keys."""
        if after is None:
            after = self.rows.order_by("pk").values_list("pk", flat=True)[0] - 1
        return after + CHUNK_IDS

    def last_key(self) -> Any:
        """Returns the highest key of the table, or None if it is empty."""
        return self.rows.order_by("-pk").values_list("pk", flat=True).first()

    def has_text(self) -> Q:
        """Returns the condition that a row has a text in any of the columns."""
        some = Q()
        for column in self.columns:
            if isinstance(self.model._meta.get_field(column), models.JSONField):
                some |= Q(**{f"{column}__isnull": False}) & ~Q(**{column: {}})
            else:
                some |= ~Q(**{column: ""})
        return some

    def needs_redaction(self, matcher: Matcher, values: tuple) -> bool:
        """Returns whether a row needs redaction. It is optimised for False, the usual result."""
        if any(name == self.name for name, _ in QUERY_STRING_COLUMNS):
            return any(new != old for new, old in self.redacted_pairs(matcher, values, set()))
        return any(matcher.matches_value(value) for value in values if value)

    def redacted_pairs(
        self, matcher: Matcher, values: tuple, owners: set[int]
    ) -> Iterator[tuple[Any, Any]]:
        """Yields the redacted and the stored value of each column."""
        for column, old in zip(self.columns, values, strict=True):
            yield self.redact_value(matcher, column, old, owners), old

    def redact_value(self, matcher: Matcher, column: str, old: Any, owners: set[int]) -> Any:
        """Returns the redacted value. A text that is too long is replaced as a whole."""
        if not old:
            return old
        if (self.name, column) in QUERY_STRING_COLUMNS:
            return matcher.redact_query(old, owners)
        if not isinstance(old, str):
            return matcher.redact_json(old, owners, EXCLUDED_JSON_KEYS)
        new = matcher.redact(old, owners)
        longest = self.longest_text(column)
        too_long = len(old) > longest or len(new) > longest
        return ERASED_TEXT if new != old and too_long else new

    def longest_text(self, column: str) -> int:
        """Returns the length above which a redacted text is replaced as a whole."""
        limit = getattr(self.model._meta.get_field(column), "max_length", None)
        return min(limit or MAX_TEXT_LENGTH, MAX_TEXT_LENGTH)

    def locked_changes(
        self, matcher: Matcher, keys: list, found: FoundRows
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Yields the key and the new values of each row, after locking and reading it again."""
        rows = self.rows.filter(pk__in=keys).order_by("pk")
        locked = rows if self.model is AuditEvent else rows.select_for_update()
        for row in list(locked.values_list("pk", *self.columns)):
            owners: set[int] = set()
            pairs = zip(self.columns, self.redacted_pairs(matcher, row[1:], owners), strict=True)
            if changed := {column: new for column, (new, old) in pairs if new != old}:
                yield row[0], changed
            for owner in owners:
                found[owner] = found.get(owner, 0) + 1

    def write(self, matcher: Matcher, keys: list, found: FoundRows) -> None:
        """Stores the redacted rows."""
        if self.model is AuditEvent:
            write_redacted_events(dict(self.locked_changes(matcher, keys, found)))
            return
        for pk, changed in self.locked_changes(matcher, keys, found):
            row = self.rows.filter(pk=pk)
            try:
                with transaction.atomic():
                    row.update(**changed | self.next_version())
            except IntegrityError:
                # A unique constraint: two names have become equal.
                row.update(**{name: unique_text(new, pk) for name, new in changed.items()})
            if self.model is User:
                record_redacted_account(pk, changed)

    def next_version(self) -> dict[str, Any]:
        """Returns a new version for rows that people edit in forms, so that open forms conflict.

        An account keeps its version, on which undo and open forms depend.
        """
        return {"version": F("version") + 1} if self.name in VERSIONED else {}


def unique_text(value: Any, pk: Any) -> Any:
    """Returns a unique replacement for a redacted text; other values unchanged."""
    return f"{ERASED_TEXT} {pk}" if isinstance(value, str) else value


def record_redacted_account(pk: int, changed: dict[str, Any]) -> None:
    """Records which fields of an account named an erased person."""
    account = User.objects.only("username", "version").get(pk=pk)
    record_event(
        "account.text_redacted",
        actor=SystemActor(),
        target=account,
        after={"fields": sorted(changed)},
    )


def write_redacted_events(changes: dict[int, dict[str, Any]]) -> None:
    """Stores redacted events, one by one if the database refuses them together.

    It refuses an event whose JSON was not written by Rollcall.
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
    """Returns a key as it was before it was stored: JSON has no tuples."""
    return tuple(after) if isinstance(after, list) else after


def text_tables() -> dict[str, TextTable]:
    """Returns the tables by name, in the order of the scan.

    The audit trail is last, because it may have fifty million events.
    """
    models_of_users = apps.get_app_config("users").get_models()
    tables = [TextTable(model, text_columns(model)) for model in models_of_users]
    tables.sort(key=lambda table: (table.model is AuditEvent, table.name))
    return {table.name: table for table in tables if table.columns}


def text_columns(model: type[models.Model]) -> tuple[str, ...]:
    """Returns the columns of a model that are scanned."""
    if model is AuditEvent:
        return TEXT_COLUMNS
    excluded = EXCLUDED_COLUMNS.get(model.__name__, set())
    fields = [field for field in model._meta.concrete_fields if field.name not in excluded]
    return tuple(field.attname for field in fields if is_free_text(field))


def is_free_text(field: models.Field) -> bool:
    """Returns whether people can type into a column."""
    if field.choices or field.primary_key:
        return False
    return isinstance(field, models.CharField | models.TextField | models.JSONField)
