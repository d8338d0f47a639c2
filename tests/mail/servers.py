"""A real SMTP server in this process, which answers as a test tells it to."""

from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.servers import free_port

OK = "250 OK"


class Postbox:
    """`refusals`: recipient to answer, given at RCPT; `answers`: the next answers to DATA;
    `accepted`: what it took; `extensions`: what it offers besides those of aiosmtpd.
    """

    def __init__(self) -> None:
        # As most mail servers do; aiosmtpd can do it and does not say so.
        self.extensions = ["PIPELINING"]
        self.accepted: list[tuple[list[str], EmailMessage]] = []
        self.refusals: dict[str, str] = {}
        self.answers: list[str] = []
        self.sender_answer = OK
        self.sessions: set[int] = set()

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, host: str, lines: list[str]
    ) -> list[str]:
        session.host_name = host
        return [*lines[:-1], *[f"250-{name}" for name in self.extensions], lines[-1]]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list
    ) -> str:
        self.sessions.add(id(session))
        envelope.mail_from = address
        return self.sender_answer

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list
    ) -> str:
        if answer := self.refusals.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return OK

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.answers.pop(0) if self.answers else OK
        if answer.startswith("250"):
            mail = message_from_bytes(envelope.content, policy=policy.default)
            self.accepted.append((envelope.rcpt_tos, mail))
        return answer

    @property
    def ids(self) -> list[str]:
        return [mail["Message-ID"] for _, mail in self.accepted]


def serve(postbox: Postbox, port: int = 0, **options: object) -> Controller:
    """A running server on a port of this machine, by default a free one; the caller stops it."""
    controller = Controller(
        postbox, hostname="127.0.0.1", port=port or free_port(), ready_timeout=120, **options
    )
    controller.start()
    return controller


def text_of(mail: EmailMessage, kind: str) -> str:
    return mail.get_body((kind,)).get_content()
