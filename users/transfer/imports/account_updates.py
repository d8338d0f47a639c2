"""Stores the changes of existing accounts of an import, with their events, roles and notes."""

from operator import attrgetter
from secrets import token_hex
from typing import Any

from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.database.outside_record import DERIVED_COLUMNS, DERIVED_FROM
from users.database.row_writes import update_values
from users.email_addresses import email_key
from users.mail import outbox
from users.mail.models import Message
from users.models import State, User
from users.sessions.store import renew_session_keys
from users.transfer.imports.imported_roles import store_memberships
from users.transfer.imports.new_accounts import (
    password_text,
    store_notes,
    stored_password,
)
from users.transfer.imports.row_plans import RowPlan
from users.transfer.imports.storage_context import StorageContext
from users.transfer.imports.uniqueness import Claim
from users.verbs.transaction import bump_version

PLACEHOLDER_BYTES = 8
EVENT = "account.updated_by_import"
# The placeholders of the other names. A username must not be empty.
PLACEHOLDER_VALUES = {"email": "", "source_id": ""}


def store_updates(plans: list[RowPlan], context: StorageContext) -> None:
    """Stores the changes of accounts that this transaction has locked."""
    moved = [pair for plan in plans if (pair := former_address(plan))]
    events = [change_event(plan, context) for plan in plans]
    AuditEvent.objects.bulk_create(events)
    use_placeholders(plans)
    write_accounts([plan.account for plan in plans if plan.account], written_columns(plans))
    store_memberships(plans, context)
    if promoted := [plan.account_id for plan in plans if plan.roles and plan.account_id]:
        renew_session_keys(promoted)
    store_notes(plans, context)
    outbox.post_messages(Message.Kind.ADDRESS_CHANGED, moved)


def former_address(plan: RowPlan) -> tuple[User, str] | None:
    """Returns the account with its former address if its owner is written to there."""
    account = plan.account
    if account is None or not account.email or account.status == State.INVITED:
        return None
    is_new = email_key(plan.values.get("email", account.email)) != email_key(account.email)
    return (account, account.email) if is_new else None


def change_event(plan: RowPlan, context: StorageContext) -> AuditEvent:
    """Applies the change to the object of the account, and returns its unsaved event."""
    account: Any = plan.account
    plan.before = {name: getattr(account, name) for name in plan.values}
    before: dict[str, Any] = dict(plan.before)
    after = dict(plan.values)
    for name, value in plan.values.items():
        setattr(account, name, value)
    if plan.roles:
        before["groups"] = context.role_names(plan.had_roles)
        after["groups"] = context.role_names(plan.had_roles | plan.roles)
    if plan.password.kind:
        after["password"] = password_text(plan.password)
        plan.before["password"] = account.password  # no hash: nobody could sign in with it
        account.password = stored_password(plan.password)
    bump_version(account)
    return build_event(
        EVENT,
        actor=context.by,
        target=account,
        before=before,
        after=after,
        job_id=context.job_id,
    )


def written_columns(plans: list[RowPlan]) -> set[str]:
    """Returns the columns that one of the accounts has changed."""
    changed = {name for plan in plans for name in plan.before}
    if not changed.isdisjoint(DERIVED_FROM):
        changed.update(DERIVED_COLUMNS)
    return changed | {"version", "updated_at"}


def write_accounts(accounts: list[User], columns: set[str]) -> None:
    """Writes these columns of all accounts with one statement. The accounts are locked, so values
    that have not changed are those that are stored.
    """
    names = sorted(columns)
    for account in accounts:
        account.derive()
    read_row = attrgetter("pk", *names)
    update_values(User, names, list(map(read_row, accounts)))


def use_placeholders(plans: list[RowPlan]) -> None:
    """Replaces the names that one account of the chunk takes from another one: databases check
    unique constraints for each row, not at the end of the statement.
    """
    wanted = {claim for plan in plans if plan.names for claim in plan.names.new_claims()}
    for kind in ("username", *PLACEHOLDER_VALUES):
        ids = [plan.account_id for plan in plans if gives_up(plan, kind, wanted)]
        if ids:
            value = PLACEHOLDER_VALUES.get(kind, placeholder_username())
            User.objects.filter(pk__in=ids).update(**{kind: value})


def gives_up(plan: RowPlan, kind: str, wanted: set[Claim]) -> bool:
    """Returns whether an account gives up a name of this kind that another one gets."""
    given_up = plan.names.given_up() if plan.names else []
    return any(claim[0] == kind and claim in wanted for claim in given_up)


def placeholder_username() -> Any:
    """Returns an expression of a username that nobody has."""
    own = Cast("pk", CharField())
    return Concat(Value(f"placeholder.{token_hex(PLACEHOLDER_BYTES)}."), own)
