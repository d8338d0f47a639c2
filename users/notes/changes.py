"""Adds, edits and pins notes about an account.

The account does not change, but its row is locked: otherwise a note that is added during an
erasure would survive it.
"""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from users import access
from users.audit.record import record_event
from users.database.clock import current_time
from users.exceptions import VerbRefused
from users.models import State, User
from users.notes.models import TEXT_MAX, Note
from users.row_locks import lock_account
from users.typed_text import LINE_BREAKS, refuse_hidden

# Pinned notes are shown on every tab of the account.
PINNED_MAX = 5
# A note with the text of the last one within this time is taken for a form submitted twice.
DUPLICATE_PERIOD = timedelta(minutes=1)


def add_note(account: User, *, by: Any, text: str, pinned: bool = False) -> Note:
    """Returns a new note, or the last one if `by` has just added the same text."""
    text = clean_text(text)
    with transaction.atomic():
        account = lock_account(account)
        access.require(by, "add_note", account)
        refuse_erased(account)
        last = Note.objects.filter(account=account).order_by("-id").first()
        if last and is_duplicate(last, by, text):
            return last
        if pinned:
            access.require(by, "pin_note", account)
            refuse_many_pinned(account)
        note = Note.objects.create(
            account=account, author_id=by.pk, author_text=str(by)[:255], text=text, pinned=pinned
        )
        after: dict[str, Any] = {"note": note.pk}
        if pinned:
            after["pinned"] = True
        record_event(
            "note.added",
            actor=by,
            target=account,
            after=after,
        )
    return note


def edit_note(note: Note, *, by: Any, text: str, version: int | None) -> Note:
    """Changes the text of a note of `by`. `version`: the version of the note that `by` saw."""
    text = clean_text(text)
    with transaction.atomic():
        account = lock_account(note.account)
        note = Note.objects.get(pk=note.pk)
        access.require(by, "edit_note", account)
        require_own(note, by, account)
        refuse_erased(account)
        if version is not None and note.version != version:
            raise VerbRefused(
                f"This note was changed in the meantime. It now says: “{note.text}”", account
            )
        if note.text == text:
            return note
        note.text = text
        note.edited_at = current_time()
        note.version = note.version + 1
        note.save(update_fields=["text", "edited_at", "version"])
        record_event(
            "note.edited",
            actor=by,
            target=account,
            after={"note": note.pk},
        )
    return note


def pin_note(note: Note, *, by: Any, pinned: bool = True) -> Note:
    """Pins a note to the top of the account's page, or unpins it. Records only a change."""
    with transaction.atomic():
        account = lock_account(note.account)
        note = Note.objects.get(pk=note.pk)
        access.require(by, "pin_note", account)
        if note.pinned == pinned:
            return note
        if pinned:
            refuse_erased(account)
            refuse_many_pinned(account)
        note.pinned = pinned
        note.save(update_fields=["pinned"])
        action = "note.pinned" if pinned else "note.unpinned"
        record_event(
            action,
            actor=by,
            target=account,
            after={"note": note.pk},
        )
    return note


def is_duplicate(last: Note, by: Any, text: str) -> bool:
    """Returns whether `by` has just added `last` with the same text."""
    since = current_time() - DUPLICATE_PERIOD
    return last.author_id == by.pk and last.text == text and last.created_at > since


def require_own(note: Note, by: Any, account: User) -> None:
    """Raises Denied unless `by` is the author, whatever permissions they have."""
    if isinstance(by, access.CommandActor) or note.author_id != by.pk:
        raise access.Denied(
            "edit_note",
            "Only the author can edit a note. Add your own note instead.",
            "",
            account,
        )


def refuse_erased(account: User) -> None:
    if account.status == State.ERASED:
        raise VerbRefused("This account is erased. Its notes can’t be changed.", account)


def refuse_many_pinned(account: User) -> None:
    if Note.objects.filter(account=account, pinned=True).count() >= PINNED_MAX:
        raise VerbRefused(
            f"{PINNED_MAX} notes are already pinned, which is the maximum. Unpin one first.",
            account,
        )


def clean_text(text: str) -> str:
    """Returns the text with normalised line ends. Raises ValidationError if it can't be stored."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        raise ValidationError({"text": "Enter a note."})
    if len(text) > TEXT_MAX:
        too_long = f"A note can have at most {TEXT_MAX:,} characters; this one has {len(text):,}."
        raise ValidationError({"text": too_long})
    try:
        return refuse_hidden(text, LINE_BREAKS)
    except ValidationError as error:
        raise ValidationError({"text": error.messages}) from error
