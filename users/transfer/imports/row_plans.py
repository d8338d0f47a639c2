"""Plans the outcome of a row: a new account, a change of an existing one, or no change."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from users import access
from users.database.clock import current_time
from users.email_addresses import email_key
from users.formats.access_fields import RowPassword, read_end_date
from users.models import State, User
from users.transfer.imports.column_mapping import ImportRow
from users.transfer.imports.import_rights import ImportRights
from users.transfer.imports.outcomes import CREATED, REJECTED, UNCHANGED, UPDATED
from users.transfer.imports.rules import ImportRules
from users.transfer.imports.target_labels import field_at_start, field_in_sentence
from users.transfer.imports.uniqueness import (
    NameRequest,
    UniqueNames,
    names_of_account,
    unique_names,
)

# Columns that a new address empties.
ADDRESS_FIELDS = ("email_verified_at", "email_bounced_at")
# The columns of the targets that tell what an account has done in the archived installation.
HISTORY_COLUMNS = {
    "joined": "date_joined",
    "last_login": "last_login",
    "last_seen": "last_seen_at",
    "email_bounced": "email_bounced_at",
}
NO_PASSWORD = RowPassword()
UNUSED_ACCOUNT = "This account exists and gets its first password."
PAST_DATE = "Choose a time in the future."
SUPERUSER_DATE = "The end date of a superuser is set on their page."


class RowRejected(Exception):
    """A row cannot be applied. The message says why."""


@dataclass(slots=True)
class RowPlan:
    """The decision about one row, before anything is stored."""

    row: ImportRow
    kind: str
    # The existing account.
    account: User | None = None
    account_id: int | None = None
    # The columns of a new account, or the changed ones of an existing account.
    values: dict[str, Any] = field(default_factory=dict)
    names: NameRequest | None = None
    reason: str = ""
    remarks: list[str] = field(default_factory=list)
    # The ids of the roles that the account gets, and of those that it had.
    roles: set[int] = field(default_factory=set)
    had_roles: set[int] = field(default_factory=set)
    password: RowPassword = NO_PASSWORD
    note: str = ""
    # Why an existing account does not get the password of its row.
    password_refusal: str = ""
    # The values of an updated account before the change.
    before: dict[str, Any] = field(default_factory=dict)

    def reject(self, reason: str, kind: str = REJECTED) -> None:
        self.kind = kind
        self.reason = reason


class RowPlanner:
    """Plans the rows of a chunk by the rules and rights of an import."""

    def __init__(
        self,
        rules: ImportRules,
        rights: ImportRights,
        *,
        by_command: bool,
        is_archive: bool = False,
    ):
        self.rules = rules
        self.rights = rights
        self.by_command = by_command
        self.is_archive = is_archive
        day = rules.valid_until
        self.valid_until = read_end_date(day.isoformat()) if day else None
        self.now = current_time()
        # The ids of the roles of existing accounts.
        self.roles_held: dict[int, set[int]] = {}
        # Reasons why an account may not be changed, by id.
        self.account_refusals: dict[int, access.Refusal] = {}

    def plan(self, row: ImportRow, account: User | None) -> RowPlan:
        """Returns the plan of a row. `account`: the one that its key identifies."""
        account = None if row.problem else account
        account_id = account.pk if account else None
        plan = RowPlan(row, REJECTED, account, account_id)
        try:
            if row.problem:
                raise RowRejected(row.problem)
            if account is None:
                self.plan_creation(plan)
            else:
                self.plan_change(plan, account)
        except RowRejected as rejected:
            plan.reject(str(rejected))
        return plan

    def field_problem(self, name: str, problem: str) -> str:
        return f"{field_at_start(name, by_command=self.by_command)}: {problem}"

    @property
    def has_access_rules(self) -> bool:
        """Whether the rules give roles or an end date to every account."""
        return bool(self.rules.groups or self.valid_until)

    # --- new accounts ---

    def plan_creation(self, plan: RowPlan) -> None:
        """Plans a new account. Raises RowRejected."""
        row = plan.row
        if not self.rules.creates:
            raise RowRejected("No account matches this row, and new ones are not created.")
        values = dict(row.values)
        plan.values = values
        address = row_address(row)
        values["username"] = values.get("username") or address
        values["attributes"] = drop_empty(row.attributes)
        values["status"] = self.rules.status
        if not values["username"]:
            raise RowRejected("The row has neither a username nor an email.")
        if row.access or self.has_access_rules or self.rules.note:
            self.plan_access(plan)
        needs_address = values["status"] == State.INVITED and not self.is_archive
        if needs_address and not address:
            raise RowRejected("An invitation needs an email address.")
        plan.kind = CREATED
        given = row_names(row)
        wanted = given._replace(username=values["username"])
        plan.names = NameRequest(row.line, None, given, wanted)

    def plan_access(self, plan: RowPlan) -> None:
        """Adds what a row says about the access of a new account. Raises RowRejected."""
        row = plan.row
        values = plan.values
        status = row.access.get("status", self.rules.status)
        values["status"] = status
        if status == State.SUSPENDED:
            self.plan_suspension(plan)
        self.plan_history(plan)
        if moment := self.end_date(plan):
            values["valid_until"] = moment
        if self.may_verify(plan) and values.get("email"):
            values["email_verified_at"] = self.verification_time(plan)
        plan.password = self.password(plan)
        plan.roles = self.roles(plan)
        plan.note = self.note(plan)

    def plan_suspension(self, plan: RowPlan) -> None:
        """Adds why and until when a new account is suspended. Raises RowRejected."""
        if reason := self.rights.refusal("suspend"):
            raise RowRejected(self.field_problem("status", reason))
        given = plan.row.access
        system = plan.values.get("source") or "the system that it was imported from"
        plan.values["status_reason"] = given.get("status_reason") or f"Suspended in {system}."
        plan.values["suspended_until"] = given.get("suspended_until")

    def plan_history(self, plan: RowPlan) -> None:
        """Adds what the row of an archive says about the past of a new account."""
        given = plan.row.access
        required = given.get("must_change_password", False)
        if required and self.is_allowed(plan, "require_password_change", "The password change"):
            plan.values["must_change_password"] = True
        found = {name: given[name] for name in HISTORY_COLUMNS if name in given}
        if not found or not self.is_allowed(plan, "export_hashes", "The history of the account"):
            return
        for name, moment in found.items():
            column = HISTORY_COLUMNS[name]
            plan.values[column] = min(moment, self.now)

    def verification_time(self, plan: RowPlan) -> datetime:
        """Returns when the address of a row was verified: now, unless the row has a date."""
        given = plan.row.access["email_verified"]
        return min(given, self.now) if isinstance(given, datetime) else self.now

    def end_date(self, plan: RowPlan, current: datetime | None = None) -> datetime | None:
        """Returns the end date of a row; None if it is the `current` one or there is none. Raises
        RowRejected for a past one, unless an archive has it.
        """
        moment = plan.row.access.get("valid_until", self.valid_until)
        if moment is None or moment == current:
            return None
        is_expired = plan.account is None and self.is_archive
        if moment <= self.now and not is_expired:
            raise RowRejected(self.field_problem("valid_until", PAST_DATE))
        if self.is_allowed(plan, "set_end_date", "The end date"):
            return moment
        return None

    def may_verify(self, plan: RowPlan) -> bool:
        """Returns whether a row says that its address is verified, and may say so."""
        if not plan.row.access.get("email_verified"):
            return False
        return self.is_allowed(plan, "verify_email", "The verified address")

    def password(self, plan: RowPlan) -> RowPassword:
        """Returns the password of a row. A hash goes before a plain text."""
        given = plan.row.access
        hashed = given.get("password_hash")
        found: RowPassword = hashed or given.get("password", NO_PASSWORD)
        if found.problem:
            plan.remarks.append(found.problem)
        return found

    def roles(self, plan: RowPlan) -> set[int]:
        """Returns the ids of the roles that a row gives."""
        names = plan.row.access.get("groups", [])
        if not names and not self.rules.groups:
            return set()
        if reason := self.rights.own_refusal("change_groups", plan.account):
            plan.remarks.append(f"The roles were not applied: {reason}")
            return set()
        return self.rights.choose_roles(names, plan.remarks)

    def note(self, plan: RowPlan) -> str:
        """Returns the note about an account, or ""."""
        text: str = plan.row.access.get("note", self.rules.note)
        if text and self.is_allowed(plan, "add_note", "The note"):
            return text
        return ""

    def is_allowed(self, plan: RowPlan, action: str, what: str) -> bool:
        """Returns whether the person may take an action. Otherwise adds a remark."""
        reason = self.rights.refusal(action) or self.rights.own_refusal(action, plan.account)
        if reason:
            plan.remarks.append(f"{what} was not applied: {reason}")
        return not reason

    # --- existing accounts ---

    def plan_change(self, plan: RowPlan, account: User) -> None:
        """Plans the change of an existing account, or none. Raises RowRejected."""
        held = names_of_account(account)
        plan.kind = UNCHANGED
        plan.names = NameRequest(
            plan.row.line,
            account.pk,
            given=row_names(plan.row),
            wanted=held,
            held=held,
        )
        changes = changed_fields(plan.row, account)
        self.plan_access_change(plan, account, changes)
        if not changes and not plan.roles and not plan.password.kind:
            plan.remarks = list(filter(None, [plan.password_refusal]))
            return
        if not self.rules.updates:
            plan.remarks = [self.would_change(plan, changes)]
            plan.roles = set()
            plan.password = NO_PASSWORD
            return
        self.refuse_change(account, changes)
        plan.note = self.note(plan)
        plan.kind = UPDATED
        plan.values = changes
        plan.names.wanted = names_after(account, changes)

    def plan_access_change(self, plan: RowPlan, account: User, changes: dict[str, Any]) -> None:
        """Adds what a row says about the access of an existing account. Its status stays, and so
        does a password that it has. Raises RowRejected.
        """
        if address_after(account, changes) != email_key(account.email):
            # What was known of the old address is not true of the new one.
            known = [name for name in ADDRESS_FIELDS if getattr(account, name)]
            changes |= dict.fromkeys(known)
        if not plan.row.access and not self.has_access_rules:
            return
        moment = self.end_date(plan, account.valid_until)
        if moment:
            changes["valid_until"] = moment
        if self.is_verification(plan, account, changes):
            changes["email_verified_at"] = self.verification_time(plan)
        if may_get_password(account):
            plan.password = self.first_password(plan)
        plan.had_roles = self.roles_held.get(account.pk, set())
        plan.roles = self.roles(plan) - plan.had_roles

    def first_password(self, plan: RowPlan) -> RowPassword:
        """Returns the password of a row for an existing account that has none. Whoever imports it
        may know it, so this needs a permission of its own.
        """
        found = self.password(plan)
        if not found.kind:
            return NO_PASSWORD
        if reason := self.rights.refusal("import_passwords"):
            plan.password_refusal = f"The password was not applied: {reason}"
            plan.remarks.append(plan.password_refusal)
            return NO_PASSWORD
        plan.remarks.append(UNUSED_ACCOUNT)
        return found

    def is_verification(
        self,
        plan: RowPlan,
        account: User,
        changes: dict[str, Any],
    ) -> bool:
        """Returns whether a row verifies the address that the account has or gets."""
        address = row_address(plan.row)
        if not address or address != address_after(account, changes):
            return False
        is_new = "email_verified_at" in changes or account.email_verified_at is None
        return is_new and self.may_verify(plan)

    def would_change(self, plan: RowPlan, changes: dict[str, Any]) -> str:
        """Returns the sentence about the changes of an account that the rules leave as it is."""
        names = [name for name, value in changes.items() if value is not None]
        if plan.roles:
            names.append("groups")
        if plan.password.kind:
            names.append("password")
        subject = "--update" if self.by_command else "An update"
        changed = [field_in_sentence(name, by_command=self.by_command) for name in names]
        return f"{subject} would change {', '.join(changed)}."

    def refuse_change(self, account: User, changes: dict[str, Any]) -> None:
        """Raises RowRejected if an account may not be changed in this way."""
        if refusal := self.account_refusals.get(account.pk):
            raise RowRejected(refusal.reason)
        if account.status in (State.DELETED, State.ERASED):
            state = account.state.label.lower()
            raise RowRejected(f"This account is {state} and can’t be changed.")
        changes_id = "source" in changes or "source_id" in changes
        if account.source_id and changes_id:
            known = f"“{account.source_id}” in “{account.source}”"
            raise RowRejected(f"This account already has the ID {known}.")
        if account.is_superuser and "valid_until" in changes:
            raise RowRejected(self.field_problem("valid_until", SUPERUSER_DATE))


def may_get_password(account: User) -> bool:
    """Returns whether an import may give an existing account a password: nobody has ever signed in
    to it, and it has none.
    """
    return not (account.is_staff or account.last_login or account.has_usable_password())


def row_names(row: ImportRow) -> UniqueNames:
    """Returns the names that a row has itself."""
    values = row.values
    return unique_names(
        values.get("username", ""),
        values.get("email", ""),
        values["source"],
        values.get("source_id", ""),
    )


def row_address(row: ImportRow) -> str:
    """Returns the email address of a row as addresses are compared, or ""."""
    email = row.values.get("email", "")
    return email_key(email)


def address_after(account: User, changes: dict[str, Any]) -> str:
    """Returns the email address of an account after its change, as addresses are compared."""
    email = changes.get("email", account.email)
    return email_key(email)


def names_after(account: User, changes: dict[str, Any]) -> UniqueNames:
    """Returns the names of an account after its change."""
    return unique_names(
        changes.get("username", account.username),
        changes.get("email", account.email),
        changes.get("source", account.source),
        changes.get("source_id", account.source_id),
    )


def changed_fields(row: ImportRow, account: User) -> dict[str, Any]:
    """Returns the new values of fields that differ. An empty cell changes nothing."""
    wanted: dict[str, Any] = {name: value for name, value in row.values.items() if value != ""}
    if "source_id" not in wanted:
        wanted.pop("source", None)
    if row.attributes:
        attributes = drop_empty(row.attributes)
        wanted["attributes"] = account.attributes | attributes
    if row_address(row) == email_key(account.email):
        wanted.pop("email", None)  # the same mailbox, written in another way
    return {name: value for name, value in wanted.items() if getattr(account, name) != value}


def drop_empty(attributes: dict[str, str]) -> dict[str, str]:
    """Returns the attributes that have a value."""
    return {name: value for name, value in attributes.items() if value}
