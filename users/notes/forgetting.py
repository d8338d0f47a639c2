"""Blanks the notes about an erased person, and the name of the author in notes by them."""

from users.forgetting import ERASED_PERSON, Erasure, forgets
from users.notes.models import Note


@forgets(order=50)
def erase_notes(erasure: Erasure) -> None:
    """Blanks texts and author names. The lock on the account's row prevents new notes."""
    blank_notes(erasure.account.pk)


def blank_notes(account_id: int) -> int:
    """Blanks the notes about and by the account. Returns the number of notes about it."""
    Note.objects.filter(author_id=account_id).update(author_text=ERASED_PERSON)
    return Note.objects.filter(account_id=account_id).update(text="", pinned=False)
