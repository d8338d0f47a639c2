"""The page that moves an account to the recycle bin: its form and texts."""

from django.conf import settings

from users.models import User
from users.verbs.declaration import PageTexts
from users.web.forms import ReasonForm

# Suggested reasons, which staff complete. Their names are used in URLs.
DELETION_REASONS = {
    "asked": "Requested by the user.",
    "left": "Left the organisation (confirmed by): ",
    "duplicate": "Duplicate account, account to keep: ",
    "test": "Test account.",
}


class DeletionForm(ReasonForm):
    templates = DELETION_REASONS


def explain_deletion(account: User) -> str:
    return (
        "The account moves to the recycle bin and can be restored for"
        f" {settings.DELETION_GRACE_DAYS} days. The user can’t sign in, all sessions end"
        " immediately, and the username and address stay taken."
    )


DELETION_TEXTS = PageTexts(
    title="Delete {name}",
    question="Delete {name}?",
    explanation=explain_deletion,
    button="Delete account",
)
