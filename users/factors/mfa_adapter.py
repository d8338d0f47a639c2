"""Adapts allauth.mfa: secrets are encrypted, and emails are those of the outbox."""

from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter

from users.factors.encryption import decrypt_secret, encrypt_secret


class MFAAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return encrypt_secret(text)

    def decrypt(self, encrypted_text: str) -> str:
        return decrypt_secret(encrypted_text)

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Sends nothing: the verbs that add and remove factors queue an email."""
