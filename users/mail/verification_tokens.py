"""Links in mails: an account's number and a key that the server alone can make. Nothing personal is
in them.
"""

from django.contrib.auth.tokens import PasswordResetTokenGenerator

from users.models import User


class VerificationTokenGenerator(PasswordResetTokenGenerator):
    """Keys that confirm an address: for this address alone, once, and for PASSWORD_RESET_TIMEOUT
    seconds.
    """

    key_salt = "users.mail.verification_tokens.verification"

    def _make_hash_value(self, user: User, timestamp: int) -> str:  # type: ignore[override]
        return f"{user.pk}|{user.email}|{user.email_verified_at}|{timestamp}"


verification_tokens = VerificationTokenGenerator()
