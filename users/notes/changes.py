"""Adds, edits and pins notes about an account.

The account does not change, but its row is locked: a note that is added during an erasure would
survive it.
"""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from users import access
from users.audit.record import record_event
from users.exceptions import VerbRefused
from users.models import State, User
from users.notes.models import TEXT_MAX, Note
from users.row_locks import lock_account

PINNED_MAX = 5  # pinned notes are shown on every tab of the account
TWICE = timedelta(minutes=1)  # in which the same note is taken for a form that was sent twice


def add_note(account: User, *, by: Any, text: str, pinned: bool = False) -> Note:
    """Returns a new note, or the last one if its author has just sent the same text."""
    text = clean_text(text)
    with transaction.atomic():
        account = lock_account(account)
        access.require(by, "add_note", account)
        refuse_erased(account)
        last = Note.objects.filter(account=account).order_by("-id").first()
        if last and sent_twice(last, by, text):
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
    """Changes the text of one's own note. `version`: of the note that the author saw."""
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
        note.edited_at = timezone.now()
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
    """Pins a note to the top of the account's page, or unpins it. Writes nothing if nothing
    changes.
    """
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


def sent_twice(last: Note, by: Any, text: str) -> bool:
    """Returns whether `last` is the note that `by` has just sent."""
    return (last.author_id, last.text) == (by.pk, text) and last.created_at > timezone.now() - TWICE


def require_own(note: Note, by: Any, account: User) -> None:
    """Raises Denied for all but the author, whatever rights they have."""
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
    """Returns the text with line feeds only. Raises ValidationError if it can't be stored."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        raise ValidationError({"text": "Enter a note."})
    if len(text) > TEXT_MAX:
        too_long = f"A note has at most {TEXT_MAX} characters; this has {len(text)}."
        raise ValidationError({"text": too_long})
    if any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in text):
        unstorable = "This contains a character that can’t be stored. Remove it."
        raise ValidationError({"text": unstorable})
    return text
