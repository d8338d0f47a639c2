"""Imports the rows of one transaction: finds their accounts, checks the rows against each other and
against the database, and stores the changes with their events.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import make_password

from users import access
from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.email_addresses import email_key
from users.mail import outbox
from users.mail.models import Message
from users.models import State, User
from users.transfer.imports.column_mapping import AccountKey, ColumnMapping, ImportRow
from users.transfer.imports.import_fields import IMPORT_FIELDS, key_value
from users.transfer.imports.line_index import LineIndex
from users.transfer.imports.uniqueness import NameClaims, UniqueNames
from users.verbs.transaction import bump_version

CREATED = "created"
UPDATED = "updated"
UNCHANGED = "unchanged"
REJECTED = "rejected"
# Columns that a new address empties.
ADDRESS_FIELDS = ("email_verified_at", "email_bounced_at")
IMPORT_OUTCOMES = (CREATED, UPDATED, UNCHANGED, REJECTED)


@dataclass(frozen=True)
class RowOutcome:
    """The outcome of one row."""

    line: int
    # One of IMPORT_OUTCOMES.
    kind: str
    account_id: int | None = None
    reason: str = ""
    # Whether the row did not fit its file: the columns, or an earlier row with its key.
    misfit: bool = False


@dataclass(frozen=True)
class RowChange:
    """A changed or new account that is not stored yet. `before` and `after` are the values of its
    event; `before` is empty for a new account.
    """

    row: ImportRow
    account: User
    before: dict[str, Any]
    after: dict[str, Any]


class RowRejected(Exception):
    """A row cannot be applied. The message says why."""


class ImportChunk:
    """Rows with different keys, and their accounts."""

    def __init__(
        self,
        rows: list[ImportRow],
        mapping: ColumnMapping,
        by: Any,
        lines: LineIndex,
        *,
        update: bool,
        status: str,
    ):
        self.rows = rows
        self.mapping = mapping
        self.by = by
        self.update = update
        self.status = status
        valid = [row for row in rows if not row.problem]
        self.existing = self.accounts_by_key([row.key for row in valid])
        self.claims = wanted_claims(valid, lines)
        self.created: list[RowChange] = []
        self.updated: list[RowChange] = []
        # Accounts with a new address, and their former one.
        self.moved: list[tuple[User, str]] = []

    def store(self) -> list[RowOutcome]:
        """Stores the rows in the caller's transaction and returns their outcomes. Raises
        IntegrityError if a name was taken since the claims were read.
        """
        results = [self.take(row) for row in self.rows]
        for change in self.updated:
            change.account.save(update_fields=[*change.after, "version", "updated_at"])
        # After the updates, since they may free a name that a new account takes.
        User.objects.bulk_create([change.account for change in self.created])
        events = [self.event("account.imported", change) for change in self.created]
        events += [self.event("account.updated_by_import", change) for change in self.updated]
        AuditEvent.objects.bulk_create(events)
        outbox.post_messages(Message.Kind.ADDRESS_CHANGED, self.moved)
        return [self.outcome(*pair) for pair in zip(self.rows, results, strict=True)]

    def event(self, action: str, change: RowChange) -> AuditEvent:
        """Returns the unsaved event of one change."""
        return build_event(
            action,
            actor=self.by,
            target=change.account,
            before=change.before,
            after=change.after,
        )

    def outcome(self, row: ImportRow, result: tuple[str, User | None, str]) -> RowOutcome:
        """Returns the outcome of a row. `result`: that of `take`."""
        kind, account, reason = result
        return RowOutcome(
            line=row.line,
            kind=kind,
            account_id=account.pk if account else None,
            reason=reason,
            misfit=row.misfit,
        )

    def take(self, row: ImportRow) -> tuple[str, User | None, str]:
        """Prepares one row for `store`. Returns the kind of outcome, the account or None, and the
        reason or "".
        """
        account = None if row.problem else self.existing.get(row.key)
        try:
            if row.problem:
                raise RowRejected(row.problem)
            if account is None:
                change = self.creation(row)
                self.created.append(change)
                return CREATED, change.account, ""
            changes = self.changes(row, account)
            if not changes:
                return UNCHANGED, account, ""
            if not self.update:
                return UNCHANGED, account, f"--update would change {', '.join(changes)}."
            self.updated.append(self.change(row, account, changes))
        except RowRejected as rejected:
            return REJECTED, account, str(rejected)
        return UPDATED, account, ""

    def creation(self, row: ImportRow) -> RowChange:
        """Returns the new account of a row. Raises RowRejected."""
        account = User(
            **row.values,
            attributes=drop_empty(row.attributes),
            status=self.status,
        )
        account.username = account.username or email_key(account.email)
        if not account.username:
            raise RowRejected("The row has neither a username nor an email.")
        if account.status == State.INVITED and not account.email:
            raise RowRejected("An invitation needs an address.")
        self.claim(row, account, UniqueNames())
        account.password = make_password(None)
        account.derive()
        names = (*IMPORT_FIELDS, "status", "attributes")
        values = {name: getattr(account, name) for name in names}
        after = {name: value for name, value in values.items() if value}
        return RowChange(row, account, before={}, after=after)

    def change(self, row: ImportRow, account: User, changes: dict[str, Any]) -> RowChange:
        """Applies `changes` to an existing account. Raises RowRejected."""
        if refusal := access.find_refusal(self.by, "edit", account):
            raise RowRejected(refusal.reason)
        if reason := unchangeable_reason(account, changes):
            raise RowRejected(reason)
        names = self.claims.names(account)
        former = account.email
        new_address = email_key(changes.get("email", former)) != email_key(former)
        if new_address:
            # What was known of the old address is not true of the new one.
            known = [name for name in ADDRESS_FIELDS if getattr(account, name)]
            changes |= dict.fromkeys(known)
        before = {name: getattr(account, name) for name in changes}
        for name, value in changes.items():
            setattr(account, name, value)
        self.claim(row, account, names)
        bump_version(account)
        if new_address and former and account.status != State.INVITED:
            self.moved.append((account, former))
        return RowChange(row, account, before, changes)

    def claim(self, row: ImportRow, account: User, before: UniqueNames) -> None:
        """Claims the names of an account. Raises RowRejected if another account has them."""
        if reason := self.claims.take(account, row.line, before):
            raise RowRejected(reason)

    def changes(self, row: ImportRow, account: User) -> dict[str, Any]:
        """Returns the new values of fields that differ. An empty cell changes nothing."""
        wanted: dict[str, Any] = {name: value for name, value in row.values.items() if value != ""}
        if "source_id" not in wanted:
            wanted.pop("source", None)
        if row.attributes:
            wanted["attributes"] = account.attributes | drop_empty(row.attributes)
        if email_key(wanted.get("email", "")) == email_key(account.email):
            wanted.pop("email", None)  # the same mailbox, written in another way
        return {name: value for name, value in wanted.items() if getattr(account, name) != value}

    def accounts_by_key(self, keys: list[AccountKey]) -> dict[AccountKey, User]:
        """Returns the existing accounts by key. Locks them if they are to be updated, in the order
        of their ids.
        """
        field = self.mapping.key
        values = {key.value for key in keys}
        column = "email__lower" if field == "email" else field
        accounts = User.objects.filter(**{f"{column}__in": values}).order_by("pk")
        if field == "source_id":
            accounts = accounts.filter(source__in={key.system for key in keys})
        if self.update:
            accounts = accounts.select_for_update(of=("self",))
        return {self.account_key(account): account for account in accounts}

    def account_key(self, account: User) -> AccountKey:
        """Returns the key of an existing account."""
        value = key_value(self.mapping.key, getattr(account, self.mapping.key))
        return AccountKey(value, account.source if self.mapping.key == "source_id" else "")


def wanted_claims(rows: list[ImportRow], lines: LineIndex) -> NameClaims:
    """Returns the holders of all names in the rows. An address may become the username."""
    emails = [row.values.get("email", "") for row in rows]
    usernames = [row.values.get("username", "") for row in rows]
    return NameClaims(
        usernames=[*usernames, *map(email_key, emails)],
        emails=emails,
        source_ids=[(row.values["source"], row.values.get("source_id", "")) for row in rows],
        lines=lines,
    )


def unchangeable_reason(account: User, changes: dict[str, Any]) -> str:
    """Returns the reason why an account may not be changed in this way; "" if it may."""
    if account.status in (State.DELETED, State.ERASED):
        return f"This account is {account.state.label.lower()} and can’t be changed."
    if account.source_id and {"source", "source_id"} & changes.keys():
        return f"This account already has the ID “{account.source_id}” in “{account.source}”."
    return ""


def drop_empty(attributes: dict[str, str]) -> dict[str, str]:
    """Returns the attributes that have a value."""
    return {name: value for name, value in attributes.items() if value}
