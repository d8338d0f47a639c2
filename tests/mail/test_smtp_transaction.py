"""The commands of one SMTP transaction, together or one by one, against replies by script."""

from smtplib import SMTPServerDisconnected

import pytest

from users.mail.smtp_backend import envelope_path
from users.mail.smtp_replies import Phase, ReplyError
from users.mail.smtp_transaction import ConnectionLostError, transfer

SENDER = "<no-reply@example.com>"
ENVELOPE = [
    f"MAIL FROM:{SENDER} size=4\r\n",
    "RCPT TO:<ada@example.com>\r\n",
    "DATA\r\n",
]
GOOD = (250, 250, 354)
TEXT = b"Hi\r\n.\r\n"


class Script:
    """The client's side of a connection, with the codes of the next replies; 0: it is closed."""

    def __init__(self, *codes: int, extensions: tuple[str, ...] = ("size", "pipelining")):
        self.codes = list(codes)
        self.extensions = extensions
        self.sent: list[str | bytes] = []

    def has_extn(self, name: str) -> bool:
        return name in self.extensions

    def send(self, data: str | bytes) -> None:
        self.sent.append(data)

    def getreply(self) -> tuple[int, bytes]:
        code = self.codes.pop(0)
        if not code:
            raise SMTPServerDisconnected("closed")
        return code, b"text"


def run(script: Script, *recipients: str) -> None:
    transfer(script, SENDER, list(recipients or ["<ada@example.com>"]), b"Hi\r\n")


def test_with_pipelining_the_envelope_is_one_round_trip():
    script = Script(*GOOD, 250)
    run(script)
    assert script.sent == ["".join(ENVELOPE), TEXT]


def test_without_it_and_for_several_recipients_each_command_waits_for_its_reply():
    script = Script(*GOOD, 250, extensions=("size",))
    run(script)
    assert script.sent == [*ENVELOPE, TEXT]
    script = Script(250, *GOOD, 250)
    run(script, "<ada@example.com>", "<bob@example.com>")
    assert len(script.sent) == 5
    script = Script(250, 550, extensions=())
    with pytest.raises(ReplyError):
        run(script)
    assert len(script.sent) == 2


@pytest.mark.parametrize(
    ("codes", "phase", "code", "ends"),
    [
        ((550, 503, 503), Phase.SENDER, 550, False),
        ((250, 550, 503), Phase.RECIPIENT, 550, False),
        ((250, 250, 451), Phase.TEXT, 451, False),
        # It wants a text that reaches nobody.
        ((250, 550, 354, 554), Phase.RECIPIENT, 550, True),
        ((250, 550, 354, 0), Phase.RECIPIENT, 550, True),
        # It closes the connection after its refusal.
        ((421, 0), Phase.SENDER, 421, False),
        ((250, 421, 0), Phase.RECIPIENT, 421, False),
    ],
)
def test_the_first_refusal_counts_and_no_text_is_sent(codes, phase, code, ends):
    script = Script(*codes)
    with pytest.raises(ReplyError) as caught:
        run(script)
    assert (caught.value.phase, caught.value.code) == (phase, code)
    assert script.sent == ["".join(ENVELOPE), *[".\r\n"] * ends]
    assert script.codes == []


@pytest.mark.parametrize("codes", [(0,), (250, 0), (250, 250, 0), (*GOOD, 0)])
def test_a_message_may_have_arrived_only_after_its_text(codes):
    with pytest.raises(ConnectionLostError) as caught:
        run(Script(*codes))
    assert caught.value.may_have_arrived == (len(codes) == 4)


def test_no_line_break_reaches_the_server():
    script = Script()
    with pytest.raises(ValueError, match="one line"):
        run(script, "<ada@example.com>\r\nRCPT TO:<eve@example.com>")
    assert script.sent == []


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("ada.o'neill+x@example.com", "<ada.o'neill+x@example.com>"),
        ('"Kéa & Sons" <no-reply@example.com>', "<no-reply@example.com>"),
        ("a@example.com, e@example.com", None),
        ("a@example.com\nRCPT TO:<e@example.com>", None),
    ],
)
def test_the_envelope_has_one_bare_address(address, path):
    if path:
        assert envelope_path(address, "utf-8") == path
        return
    with pytest.raises(ValueError, match="address"):
        envelope_path(address, "utf-8")
