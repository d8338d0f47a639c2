"""One SMTP transaction: the commands before the text, and the text.

If the connection breaks before the text is handed over, the server cannot have the message; while
it is handed over, nobody knows.
"""

import re
import smtplib
import ssl
from collections.abc import Container, Sequence
from contextlib import suppress
from typing import NamedTuple

from users.mail.smtp_replies import Phase, ReplyError, reply_text

ACCEPTED = range(200, 300)
GO_AHEAD = (354,)
# The first digits of replies to the text. Others do not say whether the server has taken it.
FINAL_REPLIES = (2, 4, 5)
LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


class ConnectionLostError(Exception):
    """The connection broke, or the server did not answer in time."""

    def __init__(self, reason: str, *, may_have_arrived: bool):
        super().__init__(reason)
        self.may_have_arrived = may_have_arrived


class SmtpCommand(NamedTuple):
    """A command before the text, and the codes of the replies that let the transaction go on."""

    phase: Phase
    line: str
    expected: Container[int] = ACCEPTED


def transfer(server: smtplib.SMTP, sender: str, recipients: list[str], content: bytes) -> None:
    """Runs one SMTP transaction. `sender` and `recipients` have their angle brackets. Raises
    ReplyError or ConnectionLostError.
    """
    commands = envelope_commands(server, sender, recipients, len(content))
    # If one of several recipients is refused, the others need the text, and DATA must wait.
    send = send_together if can_pipeline(server, recipients) else send_singly
    try:
        send(server, commands)
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


def can_pipeline(server: smtplib.SMTP, recipients: list[str]) -> bool:
    return len(recipients) == 1 and server.has_extn("pipelining")


def envelope_commands(
    server: smtplib.SMTP, sender: str, recipients: list[str], size: int
) -> list[SmtpCommand]:
    """Returns the commands of a transaction, up to the text. Raises ValueError for a line break."""
    option = f" size={size}" if server.has_extn("size") else ""
    mail = f"MAIL FROM:{sender}{option}"
    found = [
        SmtpCommand(Phase.SENDER, mail),
        *[SmtpCommand(Phase.RECIPIENT, f"RCPT TO:{each}") for each in recipients],
        SmtpCommand(Phase.TEXT, "DATA", GO_AHEAD),
    ]
    if any("\r" in command.line or "\n" in command.line for command in found):
        raise ValueError("A command of SMTP is one line.")
    return found


def send_singly(server: smtplib.SMTP, commands: Sequence[SmtpCommand]) -> None:
    """Sends each command after the reply to the one before."""
    for command in commands:
        server.send(f"{command.line}\r\n")
        require_reply(command.phase, server.getreply(), command.expected)


def send_together(server: smtplib.SMTP, commands: Sequence[SmtpCommand]) -> None:
    """Sends all commands in one round trip (RFC 2920), and raises the first refusal."""
    server.send("".join(f"{command.line}\r\n" for command in commands))
    refusal = None
    for command in commands:
        try:
            reply = server.getreply()
        except OSError:
            if refusal:
                # The server has closed the connection after its refusal.
                raise refusal from None
            raise
        try:
            require_reply(command.phase, reply, command.expected)
        except ReplyError as error:
            refusal = refusal or error
    if refusal:
        end_refused_text(server, reply[0])
        raise refusal


def end_refused_text(server: smtplib.SMTP, code: int) -> None:
    """Ends a text that the server wants although it has refused the recipient: a lone dot, which
    reaches nobody (RFC 2920, 3.1).
    """
    if code in GO_AHEAD:
        with suppress(OSError):
            server.send(".\r\n")
            server.getreply()


def require_reply(
    phase: Phase, reply: tuple[int, bytes], expected: Container[int] = ACCEPTED
) -> None:
    """Raises ReplyError unless the code of the reply is one of `expected`."""
    code, text = reply
    if code not in expected:
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
