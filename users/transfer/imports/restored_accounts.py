"""Writes the before-images of an import back into the accounts that it has updated."""

from collections import defaultdict
from typing import Any

from users.audit.record import json_values
from users.bulk.column_action import image_values
from users.bulk.events import ChangedAccount
from users.bulk.role_action import RoleAction
from users.database.clock import current_time
from users.database.outside_record import DERIVED_FROM
from users.database.row_writes import update_values
from users.fields import audited_columns, changed_values
from users.models import User
from users.search_keys import derived_columns
from users.sessions import store
from users.transfer.imports.restored_names import LABELS, free_taken_names
from users.verbs.role_removal.bulk import RemoveRoles

# The roles of an account in its before-image.
GROUPS = "groups"
# An account with placeholders has lost all its names, so all are written.
NAME_COLUMNS = (*LABELS, "source")
# Changed columns that end the sessions of an account when they are restored.
SESSION_COLUMNS = {"password", "status"}
Images = dict[int, dict[str, Any]]


def restore_accounts(images: Images, accounts: dict[int, User]) -> list[ChangedAccount]:
    """Restores the accounts, whose rows are locked and as they are stored. Returns the changes."""
    if not images:
        return []
    roles = restored_roles(images)
    old_roles = roles_action().account_states(list(roles))
    before = {pk: dict(accounts[pk].__dict__) for pk in images}
    free_taken_names(images, accounts)
    by_columns: dict[tuple[str, ...], list[list[Any]]] = defaultdict(list)
    for pk, image in images.items():
        values = restored_values(accounts[pk], image)
        by_columns[tuple(values)].append([pk, *values.values()])
    for columns, rows in by_columns.items():
        update_values(User, columns, rows)
    roles_action().restore_states(roles)
    end_restored(images)
    new_roles = roles_action().account_states(list(roles))
    changes = []
    for pk, image in images.items():
        change = account_change(accounts[pk], image, before[pk])
        if pk in roles:
            change.before[GROUPS] = sorted(old_roles[pk]["names"].values())
            change.after[GROUPS] = sorted(new_roles[pk]["names"].values())
        changes.append(change)
    return changes


def roles_action() -> RoleAction:
    """Returns a bulk action that reads and restores roles."""
    return RemoveRoles()


def restored_roles(images: Images) -> Images:
    """Returns the roles in before-images by account id, for the accounts that have any there."""
    return {pk: {GROUPS: image[GROUPS]} for pk, image in images.items() if GROUPS in image}


def restored_values(account: User, image: dict[str, Any]) -> dict[str, Any]:
    """Sets the values of a before-image on an account, with what is derived from them, and returns
    all columns to write.
    """
    values = image_values({name: image[name] for name in image.keys() - {GROUPS}})
    if not LABELS.keys().isdisjoint(values):
        values = {name: getattr(account, name) for name in NAME_COLUMNS} | values
    values |= {"version": account.version + 1, "updated_at": current_time()}
    if not SESSION_COLUMNS.isdisjoint(values):
        values["session_epoch"] = account.session_epoch + 1
    for name, value in values.items():
        setattr(account, name, value)
    return values | derived_columns(*(getattr(account, name) for name in DERIVED_FROM))


def account_change(account: User, former: dict[str, Any], before: dict[str, Any]) -> ChangedAccount:
    """Returns the change of an account to which a before-image was restored. `former`: the image;
    `before`: the account's values until now.
    """
    columns = [name for name in former if name != GROUPS]
    names = audited_columns(columns)
    now = {name: getattr(account, name) for name in names}
    changed = list(changed_values({name: before[name] for name in names}, now))
    kept = (name for name in columns if name != "password")  # a hash is in no image
    image = json_values({name: before[name] for name in kept})
    old = {name: before[name] for name in changed}
    new = {name: now[name] for name in changed}
    return ChangedAccount(
        account.pk,
        account.username,
        account.version,
        image,
        old,
        new,
    )


def end_restored(images: Images) -> None:
    """Ends the sessions of the accounts whose password or status is restored."""
    ended = [pk for pk, image in images.items() if not SESSION_COLUMNS.isdisjoint(image)]
    store.delete_sessions_of(ended)


def restored_role_refusals(by: Any, images: Images) -> dict[int, str]:
    """Returns a reason by account id for the accounts whose roles `by` may not restore."""
    roles = restored_roles(images)
    old = roles_action().account_states(list(roles))
    return roles_action().undo_refusals(by, roles, old)
