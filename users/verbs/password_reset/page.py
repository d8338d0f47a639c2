"""The texts of the page that sends a password reset."""

from users.models import User
from users.typed_text import isolate_text
from users.verbs.declaration import PageTexts
from users.verbs.forms import MISSING_ADDRESS


def explain_password_reset(account: User) -> str:
    if account.email:
        email = isolate_text(account.email)
        sends = f"Sends an email to {email} with a link to choose a new password."
    else:
        sends = MISSING_ADDRESS
    return f"{sends} The current password keeps working until then."


PASSWORD_RESET_TEXTS = PageTexts(
    title="Send password reset to {name}",
    question="Send password reset?",
    explanation=explain_password_reset,
    button="Send email",
)
