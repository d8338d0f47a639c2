"""Emails are written out as the standard library would."""

from copy import deepcopy

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives

from tests.mail.test_message_content import KINDS, make_message
from users.mail.mail_bytes import mail_bytes
from users.mail.message_content import compose_mail

BOUNDARY = "=_0123456789abcdef"


def plain_bytes(built) -> bytes:
    copied = deepcopy(built)
    if copied.is_multipart():
        copied.set_param("boundary", BOUNDARY)
    return copied.as_bytes(linesep="\r\n")


@pytest.mark.parametrize(
    ("subject", "text", "html"),
    [
        ("Hi", "a\nb\r\nc\rd\n", "<p>x</p>"),
        ("Ünïcode " * 20, "é" * 3000 + "\nx", f"<p>{'☃' * 2000}</p>\n"),
        ("long " * 40, "", "x" * 2000),
        ("x" * 67, "..\n.\n", "\n\n"),
        ("x" * 68, "\x0c a \u2028 b \x85 c", "\udce9"),
        ("", "From me\n--\n", "\ufeff\n From you"),
    ],
)
def test_any_text_is_written_as_the_standard_library_does(subject, text, html):
    mail = EmailMultiAlternatives(
        subject=subject,
        body=text,
        from_email='"Kéa & Sons" <no-reply@example.com>',
        to=["ada@example.com"],
        headers={"List-Unsubscribe": f"<https://example.com/{'a' * 90}/>"},
    )
    mail.attach_alternative(html, "text/html")
    try:
        built = mail.message()
    except UnicodeError:
        return  # it can't be built, and fails before
    assert mail_bytes(built, BOUNDARY) == plain_bytes(built)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_email_is_written_alike(kind):
    built = compose_mail(make_message(kind)).message()
    written = mail_bytes(built, BOUNDARY)
    assert written == plain_bytes(built)
    assert written.count(BOUNDARY.encode()) == 4


def test_another_structure_is_left_to_the_standard_library():
    built = EmailMessage(subject="Hi", body="é", to=["ada@example.com"]).message()
    assert mail_bytes(built, BOUNDARY) == plain_bytes(built)
