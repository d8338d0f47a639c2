"""Imports the rows of one transaction: finds their accounts, checks the rows against each other and
against the database, and stores the changes with their events.
"""

from typing import Any

from users import access
from users.audit.record import json_values
from users.formats.import_fields import key_value
from users.models import User
from users.role_grants import Membership
from users.transfer.imports.account_updates import store_updates
from users.transfer.imports.column_mapping import AccountKey, ColumnMapping, ImportRow
from users.transfer.imports.import_rights import ImportRights
from users.transfer.imports.line_index import LineIndex
from users.transfer.imports.name_lookups import with_partial_index
from users.transfer.imports.new_accounts import store_creations
from users.transfer.imports.outcomes import AMBIGUOUS, CREATED, REJECTED, UPDATED, RowOutcome
from users.transfer.imports.row_plans import RowPlan, RowPlanner
from users.transfer.imports.rules import ImportRules
from users.transfer.imports.storage_context import StorageContext
from users.transfer.imports.uniqueness import NameClaims

SERVICE_REFUSAL = access.Refusal("This is a service account, which imports don’t change.")


class ImportChunk:
    """Rows with different keys, and their accounts."""

    def __init__(
        self,
        rows: list[ImportRow],
        mapping: ColumnMapping,
        rules: ImportRules,
        by: Any,
        lines: LineIndex,
        *,
        dry_run: bool = False,
        job_id: int | None = None,
    ):
        self.rows = rows
        self.mapping = mapping
        self.rules = rules
        self.by = by
        self.lines = lines
        self.dry_run = dry_run
        self.rights = ImportRights(by, rules)
        self.context = StorageContext(by, self.rights, job_id)
        self.planner = RowPlanner(
            rules,
            self.rights,
            by_command=mapping.by_command,
            is_archive=mapping.is_archive,
        )

    def store(self) -> list[RowOutcome]:
        """Stores the rows in the caller's transaction and returns their outcomes. Raises
        IntegrityError if a name was taken since the claims were read. A dry run stores nothing.
        """
        plans = self.plan_rows()
        self.settle_names(plans)
        if not self.dry_run:
            self.store_plans(plans)
        self.lines.flush()
        return list(map(self.outcome, plans))

    def plan_rows(self) -> list[RowPlan]:
        existing = self.accounts_by_key([row.key for row in self.rows if not row.problem])
        if existing and self.rules.updates:
            self.load_existing([account.pk for account in existing.values()])
        return [self.planner.plan(row, existing.get(row.key)) for row in self.rows]

    def load_existing(self, ids: list[int]) -> None:
        """Loads what the planner needs to know of existing accounts that may be changed."""
        accounts = User.objects.filter(pk__among=ids)
        refusals = access.find_refusals(self.by, "edit", accounts)
        services = accounts.filter(owner_id__isnull=False).values_list("pk", flat=True)
        refusals |= dict.fromkeys(services, SERVICE_REFUSAL)
        self.planner.account_refusals = refusals
        if not self.rules.groups and "groups" not in self.mapping.templates:
            return
        held = self.planner.roles_held
        memberships = Membership.objects.filter(user_id__among=ids)
        for pk, group in memberships.values_list("user_id", "group_id"):
            held.setdefault(pk, set()).add(group)

    def settle_names(self, plans: list[RowPlan]) -> None:
        """Rejects the plans whose names belong to others."""
        named = [plan for plan in plans if plan.names and plan.kind != REJECTED]
        requests = [plan.names for plan in named if plan.names]
        claims = NameClaims(
            requests,
            self.lines,
            is_stored=not self.dry_run,
            by_command=self.mapping.by_command,
        )
        claims.settle()
        for plan, request in zip(named, requests, strict=True):
            if request.refusal:
                plan.reject(request.refusal, AMBIGUOUS if request.is_ambiguous else REJECTED)

    def store_plans(self, plans: list[RowPlan]) -> None:
        updated = [plan for plan in plans if plan.kind == UPDATED]
        created = [plan for plan in plans if plan.kind == CREATED]
        # Updates come first, since they may free a name that a new account takes.
        if updated:
            store_updates(updated, self.context)
        if created:
            store_creations(created, self.context)

    def outcome(self, plan: RowPlan) -> RowOutcome:
        """Returns the outcome of a row. In a dry run, new accounts have no ids."""
        changed: dict[str, Any] = {}
        if plan.kind in (CREATED, UPDATED):
            changed["password_kind"] = plan.password.kind
            changed["version"] = plan.account.version if plan.account else 1
        if plan.kind == UPDATED:
            changed["before"] = before_image(plan)
        return RowOutcome(
            line=plan.row.line,
            kind=plan.kind,
            account_id=plan.account_id,
            reason=plan.reason or " ".join(plan.remarks),
            misfit=plan.row.misfit,
            is_waiting=plan.names is not None and plan.names.is_waiting,
            **changed,
        )

    def accounts_by_key(self, keys: list[AccountKey]) -> dict[AccountKey, User]:
        """Returns the existing accounts by key. Locks them if they are to be updated, in the order
        of their ids.
        """
        field = self.mapping.key
        values = {key.value for key in keys}
        column = "email__lower" if field == "email" else field
        accounts = User.objects.filter(**{f"{column}__among": values}).order_by("pk")
        if field == "source_id":
            accounts = accounts.filter(source__in={key.system for key in keys})
            accounts = with_partial_index(accounts, field)
        if self.rules.updates and not self.dry_run:
            accounts = accounts.select_for_update(of=("self",))
        return {self.account_key(account): account for account in accounts}

    def account_key(self, account: User) -> AccountKey:
        """Returns the key of an existing account."""
        value = key_value(self.mapping.key, getattr(account, self.mapping.key))
        return AccountKey(value, account.source if self.mapping.key == "source_id" else "")


def before_image(plan: RowPlan) -> dict[str, Any]:
    """Returns the values of an updated account before the change, for undo."""
    before = json_values(plan.before)
    if plan.roles:
        before["groups"] = sorted(plan.had_roles)
    return before
