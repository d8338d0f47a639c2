"""The mail backend for SMTP: Django's, with a transaction whose phases are known, and TLS whose
certificate and host name are always checked.

If the connection breaks before the text is handed over, the server cannot have the message; while
it is handed over, nobody knows.
"""

import re
import smtplib
import ssl
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import sanitize_address

from users.mail.smtp_replies import SERVICE_CLOSING, Phase, ReplyError, reply_text

GO_AHEAD = 354
# The first digits of replies to the text. Others do not say whether the server has taken it.
FINAL_REPLIES = (2, 4, 5)
LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


class ConnectionLostError(Exception):
    """The connection broke, or the server did not answer in time."""

    def __init__(self, reason: str, *, may_have_arrived: bool):
        super().__init__(reason)
        self.may_have_arrived = may_have_arrived


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
        sender = sanitize_address(email_message.from_email, encoding)
        found = [sanitize_address(each, encoding) for each in email_message.recipients()]
        content = email_message.message().as_bytes(linesep="\r\n")
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


def transfer(server: smtplib.SMTP, sender: str, recipients: list[str], content: bytes) -> None:
    """Runs one SMTP transaction. Raises ReplyError or ConnectionLostError."""
    try:
        options = [f"size={len(content)}"] if server.has_extn("size") else []
        require_reply(Phase.SENDER, server.mail(sender, options))
        for recipient in recipients:
            require_reply(Phase.RECIPIENT, server.rcpt(recipient))
        require_reply(Phase.TEXT, server.docmd("DATA"), low=GO_AHEAD, high=GO_AHEAD)
    except OSError as error:
        raise ConnectionLostError(error_text(error), may_have_arrived=False) from error
    try:
        server.send(quote_text(content))
        reply = server.getreply()
    except OSError as error:
        raise ConnectionLostError(error_text(error), may_have_arrived=True) from error
    if reply[0] // 100 not in FINAL_REPLIES:
        raise ConnectionLostError(unreadable_text(reply), may_have_arrived=True)
    require_reply(Phase.TEXT, reply)


def require_reply(
    phase: Phase, reply: tuple[int, bytes], *, low: int = 200, high: int = 299
) -> None:
    """Raises ReplyError unless the code of the reply is one from `low` to `high`."""
    code, text = reply
    if not low <= code <= high:
        raise ReplyError(phase, code, reply_text(text))


def unreadable_text(reply: tuple[int, bytes]) -> str:
    """Returns the error for a reply to the text that is none of SMTP."""
    code, text = reply
    # smtplib returns -1 for a line without a code.
    start = f"{code} " if code >= 0 else ""
    return f"The server’s reply to the text can’t be read: {start}{reply_text(text)}"


def quote_text(content: bytes) -> bytes:
    """Returns the text as it follows DATA: with the dot that ends it (RFC 5321, 4.5.2)."""
    quoted = LEADING_DOT.sub(b"..", content)
    end = b"" if quoted.endswith(b"\r\n") else b"\r\n"
    return quoted + end + b".\r\n"


def error_text(error: Exception) -> str:
    """Returns what went wrong between this machine and the server, for operators."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The server’s certificate is not valid: {error.verify_message}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {reply_text(error.smtp_error)}"
    return reply_text(f"{error}") or type(error).__name__
