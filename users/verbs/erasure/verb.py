"""Erasing a person: their values go from wherever Rollcall holds them; the row, its id and the
audit chain stay.

What is reset is every column that is not in KEPT, so a new one is erased unless somebody decides
otherwise.
"""

import re
import secrets
from typing import Any

from django.core.cache import caches
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from users import access
from users.audit.origin import current_origin
from users.audit.record import record_event
from users.exceptions import EditConflict, VerbRefused
from users.jobs.queue import task_queue
from users.models import State, User
from users.privacy import reservations
from users.row_locks import lock_account, lock_superusers
from users.verbs.erasure.erase_related import erase_related_records
from users.verbs.transaction import bump_version, is_permanent_superuser, refuse_last_superuser, require_reason, save_account

# They say nothing about a person, or keep the row whole.
KEPT_COLUMNS = {
    "id",
    "password",
    "status",
    "date_joined",
    "updated_at",
    "deleted_at",
    "version",
    "session_epoch",
    "source",
}
MIN_NAME_LENGTH = (
    3  # characters of a name that a reason must not hold; a shorter one is in too many words
)


def erase_account(
    account: User, *, by: Any, reason: str, reserve: bool = True, version: int | None = None
) -> User:
    """For good. `reserve`: nobody may take the username and the address ever again. `reason` must
    not name the person.
    """
    reason = require_reason(reason)
    with transaction.atomic():
        guarded = account.is_superuser and lock_superusers()
        account = lock_account(account)
        if account.is_superuser and not guarded:  # it became one since it was loaded
            guarded = lock_superusers()
        access.require(by, "erase", account)
        if version is not None and account.version != version:
            raise EditConflict(account, version)
        if account.status == State.ERASED:
            raise VerbRefused("This account is already erased.", account)
        if is_permanent_superuser(account):
            refuse_last_superuser(account, guarded)
        refuse_name_in_reason(reason, account)
        before = account.status
        if reserve:
            reservations.reserve_names(account.pk, [account.username, account.email])
        erase_related_records(account, by=by)
        blank_account(account)
        save_account(account)
        record_event(
            "account.erased",
            actor=by,
            target=account,
            before={"status": before},
            after=erasure_event_values(account, reserve),
            reason=reason,
        )
        transaction.on_commit(caches["pages"].clear)
        task_queue.enqueue_task(
            "users.caching.tasks.flush_pages"
        )  # once more: a page may have been under way just now
        if (
            not current_origin.get().job_id
        ):  # those of a job are waited for by one walk, which begins within a minute
            task_queue.enqueue_task("users.privacy.tasks.redact_waiting_texts")
    return account


def blank_account(account: User) -> None:
    """The row without a person. An unguessable username keeps it unique."""
    for field in User._meta.concrete_fields:
        if field.attname not in KEPT_COLUMNS:
            setattr(account, field.attname, field.get_default())
    account.groups.clear()
    account.user_permissions.clear()
    account.username = f"erased-{secrets.token_hex(10)}"
    account.set_unusable_password()
    account.status, account.deleted_at = State.ERASED, account.deleted_at or timezone.now()
    account.session_epoch += 1
    bump_version(account)


def erasure_event_values(account: User, reserve: bool) -> dict[str, Any]:
    return {"status": account.status} | ({"names_reserved": True} if reserve else {})


def refuse_name_in_reason(reason: str, account: User) -> None:
    """The reason outlives the person, so it must not say who it was."""
    names = [
        account.username,
        account.email,
        account.phone,
        account.first_name,
        account.last_name,
        account.source_id,
    ]
    if any(len(name) >= MIN_NAME_LENGTH and contains_name(reason, name) for name in names):
        raise ValidationError(
            {
                "reason": "The reason is kept, so it must not name the person."
                " Remove names and addresses."
            }
        )


def contains_name(text: str, name: str) -> bool:
    """Whether `name` stands in `text` as words of its own."""
    return bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE))
