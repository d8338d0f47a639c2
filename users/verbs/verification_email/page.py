"""The texts of the page that sends a verification email."""

from users.models import User
from users.typed_text import isolate_text
from users.verbs.declaration import PageTexts
from users.verbs.forms import MISSING_ADDRESS


def explain_verification_email(account: User) -> str:
    if not account.email:
        return MISSING_ADDRESS
    return f"Sends an email to {isolate_text(account.email)} with a link that confirms the address."


VERIFICATION_EMAIL_TEXTS = PageTexts(
    title="Send verification email to {name}",
    question="Send verification email?",
    explanation=explain_verification_email,
    button="Send email",
)
