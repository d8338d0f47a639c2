"""Notes about an account. They change nothing of it; its row is locked all the same, so that no
note outruns an erasure.
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

PINNED_MAX = 5  # they stand on every tab
TWICE = timedelta(minutes=1)


def add_note(account: User, *, by: Any, text: str, pinned: bool = False) -> Note:
    """A new note. The same words of the same person within a minute are a form that was sent twice:
    one note.
    """
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
        record_event(
            "note.added",
            actor=by,
            target=account,
            after={"note": note.pk} | ({"pinned": True} if pinned else {}),
        )
    return note


def edit_note(note: Note, *, by: Any, text: str, version: int | None) -> Note:
    """New words for a note of one's own. `version`: the note's."""
    text = clean_text(text)
    with transaction.atomic():
        account, note = locked(note)
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
        record_event("note.edited", actor=by, target=account, after={"note": note.pk})
    return note


def pin_note(note: Note, *, by: Any, pinned: bool = True) -> Note:
    """At the top of the account's page, or there no more. Where nothing changes, nothing is
    written.
    """
    with transaction.atomic():
        account, note = locked(note)
        access.require(by, "pin_note", account)
        if note.pinned == pinned:
            return note
        if pinned:
            refuse_erased(account)
            refuse_many_pinned(account)
        note.pinned = pinned
        note.save(update_fields=["pinned"])
        record_event(
            "note.pinned" if pinned else "note.unpinned",
            actor=by,
            target=account,
            after={"note": note.pk},
        )
    return note


def sent_twice(last: Note, by: Any, text: str) -> bool:
    return (last.author_id, last.text) == (by.pk, text) and last.created_at > timezone.now() - TWICE


def require_own(note: Note, by: Any, account: User) -> None:
    """Nothing, or Denied: nobody puts words into a colleague's mouth, whatever their rights."""
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


def locked(note: Note) -> tuple[User, Note]:
    account = lock_account(note.account)
    return account, Note.objects.get(pk=note.pk)


def clean_text(text: str) -> str:
    """With the line ends of one kind, and as the database can hold it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        raise ValidationError({"text": "Enter a note."})
    if len(text) > TEXT_MAX:
        raise ValidationError(
            {"text": f"A note has at most {TEXT_MAX} characters; this has {len(text)}."}
        )
    if any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in text):
        raise ValidationError(
            {"text": "This contains a character that can’t be stored. Remove it."}
        )
    return text
