"""The meaning of the mail server's replies for a message: one table, which docs/operating.md shows.

A rule matches the phase of the SMTP transaction, the reply code (RFC 5321) and the enhanced status
code at the beginning of the text (RFC 3463). The first rule that matches counts.
"""

import re
from dataclasses import dataclass
from enum import Enum

ENHANCED_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\d)")
# The server closes the connection; the next message needs a new one.
SERVICE_CLOSING = 421


class Phase(Enum):
    """The command that a reply answers."""

    SENDER = "MAIL"
    RECIPIENT = "RCPT"
    TEXT = "DATA"


class Outcome(Enum):
    RETRY = "tried again later, with a growing pause"
    FAIL = "failed"
    SUPPRESS = "failed, and the address is suppressed"
    # Nobody's message is at fault, so none counts the attempt.
    HOLD = "held with all others until the server or its settings are fixed"


class ReplyError(Exception):
    """A reply that refuses a message."""

    def __init__(self, phase: Phase, code: int, text: str):
        super().__init__(f"{code} {text}")
        self.phase = phase
        self.code = code
        self.text = text

    @property
    def is_server_wide(self) -> bool:
        """Whether the reply is about the server rather than this message."""
        return self.code == SERVICE_CLOSING or self.phase == Phase.SENDER


@dataclass(frozen=True)
class Rule:
    """`codes`: the beginnings of reply codes, `enhanced`: enhanced status codes without their first
    digit; empty: any.
    """

    outcome: Outcome
    meaning: str
    codes: tuple[str, ...] = ()
    enhanced: tuple[str, ...] = ()
    phases: tuple[Phase, ...] = tuple(Phase)

    def matches(self, error: ReplyError) -> bool:
        if error.phase not in self.phases or not str(error.code).startswith(self.codes or ""):
            return False
        return not self.enhanced or enhanced_code(error.text)[2:] in self.enhanced


RULES = (
    Rule(Outcome.RETRY, "The server closes the connection.", codes=("421",)),
    Rule(
        Outcome.HOLD,
        "The server wants another sign-in, or TLS.",
        codes=("530", "534", "535", "538"),
    ),
    Rule(Outcome.FAIL, "The email is too big.", codes=("5",), enhanced=("3.4", "2.3")),
    Rule(Outcome.FAIL, "The email is too big.", codes=("552",), phases=(Phase.SENDER,)),
    Rule(Outcome.HOLD, "The sender is refused.", codes=("5",), phases=(Phase.SENDER,)),
    Rule(
        Outcome.SUPPRESS,
        "There is no such mailbox or domain.",
        codes=("5",),
        enhanced=("1.1", "1.2", "1.3", "1.6", "1.10"),
    ),
    Rule(Outcome.SUPPRESS, "The domain takes no email.", codes=("521", "556")),
    Rule(Outcome.RETRY, "The mailbox is full.", codes=("5",), enhanced=("2.2",)),
    Rule(Outcome.RETRY, "The mailbox is full.", codes=("552",)),
    Rule(Outcome.FAIL, "The recipient or the email is refused.", codes=("5",)),
    # 450, 451, 452, and whatever is no reply of SMTP before the text.
    Rule(Outcome.RETRY, "Refused for now."),
)


def find_rule(error: ReplyError) -> Rule:
    """Returns the first rule that matches; the last one matches all."""
    return next(rule for rule in RULES if rule.matches(error))


def enhanced_code(text: str) -> str:
    """Returns the enhanced status code at the beginning of a reply, such as "5.1.1", or ""."""
    match = ENHANCED_CODE.match(text.strip())
    return match[0] if match else ""


def reply_text(text: bytes | str) -> str:
    """Returns the server's reply as text without NUL, which PostgreSQL cannot store."""
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    return text.replace("\x00", "")
