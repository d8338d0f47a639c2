"""Notes about accounts."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

# Characters.
TEXT_MAX = 4000


class Note(models.Model):
    """A note about an account, for colleagues. No event holds its text, so that it can be erased.

    The author is stored as ID and name without a foreign key, because the note stays when the
    author's account is erased; only the name is replaced.
    """

    account = models.ForeignKey(
        "users.User", on_delete=models.PROTECT, related_name="notes", db_index=False
    )
    author_id = models.BigIntegerField(null=True)
    author_text = models.CharField(max_length=255)
    text = models.TextField(blank=True, help_text="Empty once it is erased")
    pinned = models.BooleanField(default=False, help_text="Stands at the top of the account's page")
    created_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1, help_text="Raised by every change of the text")

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["account", "-id"], name="note_by_account"),
            models.Index(
                fields=["account", "-id"],
                name="note_pinned",
                condition=Q(pinned=True),
            ),
            models.Index(fields=["author_id"], name="note_by_author"),
        ]

    def __str__(self) -> str:
        return f"note {self.pk} about account {self.account_id}"
