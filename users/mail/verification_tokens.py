"""Tokens for links in emails. They contain nothing personal."""

from datetime import datetime, timedelta

from django.contrib.auth.tokens import PasswordResetTokenGenerator

from users.database.clock import DATABASE_CLOCK
from users.models import User


class ResetTokenGenerator(PasswordResetTokenGenerator):
    """Creates Django's tokens for a password reset, with times by the database's clock."""

    def _now(self) -> datetime:
        return super()._now() + timedelta(seconds=DATABASE_CLOCK.seconds_ahead())


class VerificationTokenGenerator(ResetTokenGenerator):
    """Creates tokens that are valid for one address, once, for PASSWORD_RESET_TIMEOUT seconds."""

    key_salt = "users.mail.verification_tokens.verification"

    def _make_hash_value(self, user: User, timestamp: int) -> str:  # type: ignore[override]
        return f"{user.pk}|{user.email}|{user.email_verified_at}|{timestamp}"


reset_tokens = ResetTokenGenerator()
verification_tokens = VerificationTokenGenerator()
