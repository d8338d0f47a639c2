"""The mail backend for SMTP: Django's, with a transaction whose phases are known
(users/mail/smtp_transaction.py), and TLS whose certificate and host name are always checked.
"""

import re
import smtplib
import ssl
from functools import cached_property, lru_cache
from secrets import token_hex
from typing import Any

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import sanitize_address

from users.mail.mail_bytes import mail_bytes
from users.mail.smtp_replies import SERVICE_CLOSING, ReplyError
from users.mail.smtp_transaction import ConnectionLostError, transfer

# What needs no parser, which takes longer than the rest of the envelope.
PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")


class SmtpBackend(EmailBackend):
    connection: smtplib.SMTP | None
    _partial_connection: smtplib.SMTP | None

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        """With EMAIL_CA_FILE, only certificates of that authority are accepted."""
        return ssl.create_default_context(cafile=settings.EMAIL_CA_FILE or None)

    def open(self) -> bool | None:
        is_new = super().open()
        if is_new and self.connection is not None:
            self.connection.ehlo_or_helo_if_needed()
        return is_new

    def drop(self) -> None:
        """Closes the connection without QUIT, so that a hanging server causes no wait."""
        for server in (self._partial_connection, self.connection):
            if server is not None:
                server.close()
        self._partial_connection = self.connection = None

    def _send(self, email_message: Any) -> bool:
        """Sends one message. Raises ReplyError or ConnectionLostError."""
        encoding = email_message.encoding or settings.DEFAULT_CHARSET
        sender = envelope_path(email_message.from_email, encoding)
        found = [envelope_path(each, encoding) for each in email_message.recipients()]
        # Nobody who writes into a text knows it.
        boundary = f"=_{token_hex(16)}"
        content = mail_bytes(email_message.message(), boundary)
        server = self.connection
        if server is None:
            raise ConnectionLostError("not connected", may_have_arrived=False)
        try:
            transfer(server, sender, found, content)
        except ReplyError as error:
            self.end_transaction(server, error)
            raise
        except ConnectionLostError:
            self.drop()
            raise
        return True

    def end_transaction(self, server: smtplib.SMTP, error: ReplyError) -> None:
        """Makes the connection ready for the next message, or closes it."""
        try:
            if error.code == SERVICE_CLOSING:
                self.drop()
            else:
                server.rset()
        except OSError:
            self.drop()


def envelope_path(address: str, encoding: str) -> str:
    """Returns an address as commands have it: "<ada@example.com>". Raises ValueError."""
    if PLAIN_ADDRESS.fullmatch(address):
        return f"<{address}>"
    return parsed_path(address, encoding)


@lru_cache(maxsize=64)
def parsed_path(address: str, encoding: str) -> str:
    return smtplib.quoteaddr(sanitize_address(address, encoding))
