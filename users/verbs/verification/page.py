"""The page that verifies an address by hand: its form and texts."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

from users.models import User
from users.typed_text import isolate_text
from users.verbs.declaration import PageTexts
from users.verbs.forms import MISSING_ADDRESS
from users.web.forms import VerbForm, reason_field


class VerificationForm(VerbForm):
    reason = reason_field(label="How do you know?", help_text="Visible in the audit trail.")


def explain_verification(account: User) -> SafeString:
    if account.email:
        confirmed = f"You confirm that {isolate_text(account.email)} belongs to this person."
    else:
        confirmed = MISSING_ADDRESS
    return format_html(
        '{} Or <a href="/users/{}/verification/mail/">send a verification email</a>.',
        confirmed,
        account.pk,
    )


VERIFICATION_TEXTS = PageTexts(
    title="Verify address of {name}",
    question="Verify address?",
    explanation=explain_verification,
    button="Verify address",
)
