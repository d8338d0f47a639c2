"""The rows of one transaction: found, checked against each other and against the database, and
stored with their events.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import make_password

from users import access
from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.models import State, User
from users.transfer.column_mapping import ColumnMapping, ImportRow
from users.transfer.import_fields import IMPORT_FIELDS
from users.transfer.uniqueness import NameClaims, UniqueNames
from users.verbs.transaction import bump_version

CREATED, UPDATED, UNCHANGED, REJECTED = IMPORT_OUTCOMES = (
    "created",
    "updated",
    "unchanged",
    "rejected",
)


@dataclass(frozen=True)
class RowOutcome:
    """What became of the row at `line`. `misfit`: it did not fit the columns of its file."""

    line: int
    kind: str
    account_id: int | None = None
    reason: str = ""
    misfit: bool = False


@dataclass(frozen=True)
class RowChange:
    """An account as the row leaves it, with what the event says. `before` is empty for a new one."""

    row: ImportRow
    account: User
    before: dict[str, Any]
    after: dict[str, Any]


class RowRejected(Exception):
    """The message says why the row can't be applied."""


class ImportChunk:
    """Rows whose keys differ, and the accounts that they are about."""

    def __init__(
        self, rows: list[ImportRow], mapping: ColumnMapping, by: Any, *, update: bool, status: str
    ):
        self.rows = rows
        self.mapping = mapping
        self.by = by
        self.update = update
        self.status = status
        wanted = [row.values for row in rows if not row.problem]
        self.existing = self.accounts_by_key([row.key for row in rows if not row.problem])
        usernames, emails, ids = (
            [values.get(name, "") for values in wanted]
            for name in ("username", "email", "source_id")
        )
        self.claims = NameClaims(
            [*usernames, *emails], emails, mapping.source, ids
        )  # an address may serve as username
        self.created: list[RowChange] = []
        self.updated: list[RowChange] = []

    def store(self) -> list[RowOutcome]:
        """Inside the caller's transaction. Raises IntegrityError for a name that was taken since
        the claims were read.
        """
        kinds = [self.take(row) for row in self.rows]
        for change in self.updated:
            change.account.save(update_fields=[*change.after, "version", "updated_at"])
        # After the updates: one of them may have freed a name that a new account takes.
        User.objects.bulk_create([change.account for change in self.created])
        events = [
            build_event("account.imported", actor=self.by, target=new.account, after=new.after)
            for new in self.created
        ]
        events += [
            build_event(
                "account.updated_by_import",
                actor=self.by,
                target=old.account,
                before=old.before,
                after=old.after,
            )
            for old in self.updated
        ]
        AuditEvent.objects.bulk_create(events)
        return [self.outcome(*pair) for pair in zip(self.rows, kinds, strict=True)]

    def outcome(self, row: ImportRow, found: tuple[str, User | None, str]) -> RowOutcome:
        kind, account, reason = found
        return RowOutcome(row.line, kind, account.pk if account else None, reason, row.misfit)

    def take(self, row: ImportRow) -> tuple[str, User | None, str]:
        """The kind of outcome, the account if there is one, and the reason if there is one."""
        account = None if row.problem else self.existing.get(row.key)
        try:
            if row.problem:
                raise RowRejected(row.problem)
            if account is None:
                self.created.append(change := self.creation(row))
                return CREATED, change.account, ""
            changes = self.changes(row, account)
            if not changes or not self.update:
                return (
                    UNCHANGED,
                    account,
                    f"--update would change {', '.join(changes)}." if changes else "",
                )
            self.updated.append(self.change(row, account, changes))
        except RowRejected as rejected:
            return REJECTED, account, str(rejected)
        return UPDATED, account, ""

    def creation(self, row: ImportRow) -> RowChange:
        account = User(
            **row.values,
            source=self.mapping.source,
            attributes=drop_empty(row.attributes),
            status=self.status,
        )
        account.username = account.username or account.email
        if not account.username:
            raise RowRejected("The row has neither a username nor an email.")
        if account.status == State.INVITED and not account.email:
            raise RowRejected("An invitation needs an address.")
        self.claim(account, -row.line, UniqueNames())
        account.password = make_password(None)
        account.derive()
        names = (*IMPORT_FIELDS, "status", "source", "attributes")
        return RowChange(
            row,
            account,
            {},
            {name: getattr(account, name) for name in names if getattr(account, name)},
        )

    def change(self, row: ImportRow, account: User, changes: dict[str, Any]) -> RowChange:
        if refusal := access.find_refusal(self.by, "edit", account):
            raise RowRejected(refusal.reason)
        if reason := unchangeable_reason(account, changes):
            raise RowRejected(reason)
        names = self.claims.names(account)
        if "email" in changes and account.email_verified_at:
            changes["email_verified_at"] = None  # nobody has shown that the new one is theirs
        before = {name: getattr(account, name) for name in changes}
        for name, value in changes.items():
            setattr(account, name, value)
        self.claim(account, account.pk, names)
        bump_version(account)
        return RowChange(row, account, before, changes)

    def claim(self, account: User, holder: int, before: UniqueNames) -> None:
        if reason := self.claims.take(account, holder, before):
            raise RowRejected(reason)

    def changes(self, row: ImportRow, account: User) -> dict[str, Any]:
        """The fields that differ, with their new values. An empty cell says nothing about the
        account.
        """
        wanted: dict[str, Any] = {name: value for name, value in row.values.items() if value}
        if "source_id" in wanted:
            wanted["source"] = self.mapping.source
        if row.attributes:
            wanted["attributes"] = account.attributes | drop_empty(row.attributes)
        return {name: value for name, value in wanted.items() if getattr(account, name) != value}

    def accounts_by_key(self, keys: list[str]) -> dict[str, User]:
        """The accounts that the rows are about; those that may change locked, in the order of their
        ids.
        """
        key = self.mapping.key
        accounts = User.objects.filter(**{f"{key}__in": keys}).order_by("pk")
        if key == "source_id":
            accounts = accounts.filter(source=self.mapping.source)
        if self.update:
            accounts = accounts.select_for_update(of=("self",))
        return {getattr(account, key): account for account in accounts}


def unchangeable_reason(account: User, changes: dict[str, Any]) -> str:
    if account.status in (State.DELETED, State.ERASED):
        return f"This account is {account.state.label.lower()} and can’t be changed."
    if account.source_id and {"source", "source_id"} & changes.keys():
        return f"This account already has the ID “{account.source_id}” in “{account.source}”."
    return ""


def drop_empty(attributes: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if value}
