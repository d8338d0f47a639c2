"""Blanks the notes about a person, and their name in the notes that they wrote."""

from users.forgetting import ERASED_PERSON, Erasure, forgets
from users.notes.models import Note


@forgets(order=50)
def erase_notes(erasure: Erasure) -> None:
    """Blanks texts and author names. The lock of the account's row keeps new notes out."""
    blank_notes(erasure.account.pk)


def blank_notes(account_id: int) -> int:
    """Returns how many notes about the account were blanked."""
    Note.objects.filter(author_id=account_id).update(author_text=ERASED_PERSON)
    return Note.objects.filter(account_id=account_id).update(text="", pinned=False)
