"""Tokens for the links that confirm an email address. They contain nothing personal."""

from django.contrib.auth.tokens import PasswordResetTokenGenerator

from users.models import User


class VerificationTokenGenerator(PasswordResetTokenGenerator):
    """Creates tokens that are valid for one address, once, for PASSWORD_RESET_TIMEOUT seconds."""

    key_salt = "users.mail.verification_tokens.verification"

    def _make_hash_value(self, user: User, timestamp: int) -> str:  # type: ignore[override]
        return f"{user.pk}|{user.email}|{user.email_verified_at}|{timestamp}"


verification_tokens = VerificationTokenGenerator()
