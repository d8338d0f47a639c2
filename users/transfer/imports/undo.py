"""Undoes an import: moves the accounts that it has created to the recycle bin, and restores those
that it has updated. Accounts that were changed since are skipped.
"""

from typing import Any

from django.db.models import F

from users.audit.models import AuditEvent
from users.audit.record import json_values
from users.bulk.account_locks import (
    ACCOUNT_GONE,
    find_refusal_reasons,
    lock_ids,
    plain_accounts,
)
from users.bulk.events import record_changes
from users.bulk.selection_kind import SelectionKind
from users.bulk.undo import UNDO_EVENT, unrestorable_accounts
from users.bulk.undo_rules import bulk_job_links
from users.database.clock import current_time
from users.fields import audited_columns
from users.jobs.kinds import Chunk, JobLink, job_origin
from users.jobs.models import Job, JobItem
from users.jobs.remarks import Remark
from users.jobs.transitions import job_initiator
from users.models import User
from users.sessions import store
from users.transfer.imports.file_rows_job import ACTION
from users.transfer.imports.restored_accounts import (
    GROUPS,
    restore_accounts,
    restored_role_refusals,
)
from users.transfer.imports.restored_names import NAME_TAKEN_CODE, name_refusals
from users.transfer.imports.run import WAITING_MAX
from users.verbs.deletion.bulk import Delete

# The actions of users.access that the undo of a creation and that of an update require.
DELETE_ACTION = "delete"
EDIT_ACTION = "edit"
ROLES_ACTION = "change_groups"
Reasons = dict[int, str | Remark]
Images = dict[int, dict[str, Any]]


class UndoImport(SelectionKind):
    """Undoes an import. The job's parameter `of` is the id of the undone job."""

    name = "undo-import"
    label = "Undo an import"
    action = ACTION
    approval_rule = "above"

    def title(self, job: Job) -> str:
        return f"Undo job {job.parameters['of']}: the import of {self.account_count_words(job)}"

    def links(self, job: Job, viewer: Any) -> list[JobLink]:
        return bulk_job_links(job, viewer)

    def run(self, chunk: Chunk) -> None:
        lock_ids(chunk.ids)
        items = undone_items(chunk)
        accounts = plain_accounts().filter(pk__among=chunk.ids).in_bulk()
        reasons = find_reasons(chunk, accounts, items)
        undoable = [pk for pk in accounts if pk not in reasons]
        images = {pk: items[pk].before or {} for pk in undoable}
        created = [pk for pk in undoable if not images[pk]]
        updated = {pk: image for pk, image in images.items() if image}
        reasons |= restored_role_refusals(chunk.by, updated)
        updated = {pk: image for pk, image in updated.items() if pk not in reasons}
        reasons |= name_refusals(updated, accounts)
        for pk, reason in reasons.items():
            chunk.skipped(pk, reason)
            updated.pop(pk, None)
        delete_created(chunk, created)
        changes = restore_accounts(updated, accounts)
        record_changes(chunk, UNDO_EVENT, changes)

    def ended(self, job: Job) -> None:
        """Tries the accounts once more whose former names others had, all in one chunk: meanwhile
        the others may have got back their own, and two accounts of different chunks may have
        exchanged theirs.
        """
        skipped = JobItem.objects.filter(
            job=job,
            outcome=JobItem.Outcome.SKIPPED,
            code=NAME_TAKEN_CODE,
        )
        found = skipped.order_by("account_id").values_list("account_id", flat=True)
        ids = list(found[:WAITING_MAX])
        if not ids:
            return
        JobItem.objects.filter(job=job, account_id__in=ids).delete()
        chunk = Chunk(job, job_initiator(job), ids)
        with job_origin(job):
            self.run(chunk)
        JobItem.objects.bulk_create(chunk.items)
        count_restored(job, chunk.counts["changed"])


def count_restored(job: Job, number: int) -> None:
    """Counts accounts of a job that were skipped before as changed."""
    changed = F("changed") + number
    skipped = F("skipped") - number
    Job.objects.filter(pk=job.pk).update(changed=changed, skipped=skipped)
    job.changed += number
    job.skipped -= number


def undone_items(chunk: Chunk) -> dict[Any, JobItem]:
    """Returns the items of the undone import by account id."""
    undone = JobItem.objects.filter(
        job=chunk.job.parameters["of"],
        account_id__among=chunk.ids,
    )
    return {item.account_id: item for item in undone}


def find_reasons(chunk: Chunk, accounts: dict[int, User], items: dict[Any, JobItem]) -> Reasons:
    """Returns a reason by account id for the accounts that can't be undone."""
    reasons: Reasons = {pk: ACCOUNT_GONE for pk in chunk.ids if pk not in accounts}
    created = []
    updated = []
    with_roles = []
    for pk in accounts:
        image = items[pk].before
        if image == {}:
            created.append(pk)
        else:
            updated.append(pk)
        if image and GROUPS in image:
            with_roles.append(pk)
    reasons |= refusal_reasons(chunk, created, DELETE_ACTION)
    reasons |= refusal_reasons(chunk, updated, EDIT_ACTION)
    reasons |= refusal_reasons(chunk, with_roles, ROLES_ACTION)
    versions = {pk: {"version": account.version} for pk, account in accounts.items()}
    left = {pk: version for pk, version in versions.items() if pk not in reasons}
    reasons |= unrestorable_accounts(left, items)
    return reasons | silent_changes(chunk.job, accounts, items, reasons)


def refusal_reasons(chunk: Chunk, ids: list[int], action: str) -> dict[int, str]:
    """Returns a reason by account id for the accounts on which the person may not take `action`."""
    accounts = plain_accounts().filter(pk__among=ids)
    return find_refusal_reasons(
        accounts,
        by=chunk.by,
        action=action,
    )


def silent_changes(
    job: Job,
    accounts: dict[int, User],
    items: dict[Any, JobItem],
    reasons: Reasons,
) -> Reasons:
    """Returns a remark by account id for the accounts that have the version but not the values that
    the import left. An event whose values were erased proves nothing.
    """
    left = [pk for pk in sorted(accounts) if pk not in reasons]
    events = AuditEvent.objects.filter(
        target_id__among=left,
        job_id=job.parameters["of"],
        erased_at=None,
    )
    changed: Reasons = {}
    for event in events:
        pk = event.target_id or 0
        if event.target_version != items[pk].version:
            continue
        if not is_as_left(accounts[pk], event.after):
            changed[pk] = Remark("changed_outside")
    return changed


def is_as_left(account: User, after: dict[str, Any]) -> bool:
    """Returns whether the account has the values of an event, as far as they are its columns."""
    columns = {field.name for field in User._meta.concrete_fields}
    names = columns.intersection(audited_columns(after))
    now = json_values({name: getattr(account, name) for name in names})
    return all(now[name] == after[name] for name in names)


# --- accounts that the import has created ---------------------------------------------------------


def delete_created(chunk: Chunk, ids: list[int]) -> None:
    """Moves accounts to the recycle bin, as the bulk action does."""
    if not ids:
        return
    action = Delete()
    old = action.account_states(ids)
    values = action.update_values(chunk.job, current_time())
    values["status_reason"] = chunk.job.reason or f"Job {chunk.job.pk}: undo of an import."
    plain_accounts().filter(pk__among=ids).update(**values)
    store.delete_sessions_of(ids, event=action.event)
    new = action.account_states(ids)
    changes = [action.changed_account(old[pk], new[pk]) for pk in ids]
    record_changes(chunk, UNDO_EVENT, changes)
