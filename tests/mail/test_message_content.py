"""Composed emails have the right recipient, text, link and headers."""

import re
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.http import base36_to_int

from tests.builders import PASSWORD, make_user
from users.mail.message_content import (
    REQUIRED_STATES,
    STAFF_KINDS,
    SUBJECTS,
    compose_mail,
    drop_reason,
    link_lifetime,
    mail_subject,
)
from users.mail.models import Letter, Message
from users.mail.verification_tokens import verification_tokens
from users.models import State, User

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of texts, and not of the database
KINDS = list(Message.Kind)
LETTER_KINDS = {
    Message.Kind.LETTER,
    Message.Kind.ALARM,
    Message.Kind.ANNOUNCEMENT,
    Message.Kind.TEST,
}
SITE = "https://people.example.com"


@pytest.fixture(autouse=True)
def site(settings):
    settings.SITE_URL = SITE
    settings.SITE_PARTS = urlsplit(SITE)
    settings.DEFAULT_FROM_EMAIL = "Rollcall <no-reply@people.example.com>"


def make_message(kind: str = Message.Kind.INVITATION, **fields) -> Message:
    letter = None
    if kind in LETTER_KINDS:
        letter = Letter.objects.create(subject="About your account", text="Dear {name},")
    verified = {"email_verified_at": timezone.now()} if letter else {}
    status = REQUIRED_STATES.get(Message.Kind(kind), State.ACTIVE)
    about = kind in {"new-superuser", "break-glass", "heavy-use"}
    access = {"is_staff": kind in STAFF_KINDS, "is_superuser": about}
    access["accepts_announcements"] = kind == "announcement"
    account = make_user(**{"status": status} | access | verified | fields)
    return Message.objects.create(
        account=account,
        kind=kind,
        to=account.email,
        letter=letter,
        about_id=account.pk if about else None,
    )


def composed(message: Message):
    """The mail as a reader gets it: written out and parsed."""
    return BytesParser(policy=policy.default).parsebytes(compose_mail(message).message().as_bytes())


def bodies(mail) -> tuple[str, str]:
    return mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()


@pytest.mark.parametrize("kind", KINDS)
def test_a_mail_goes_to_one_address_from_ours_with_the_id_of_its_row(kind):
    message = make_message(kind)
    mail = composed(message)
    assert (mail["To"], mail["From"], mail["Subject"]) == (
        message.to,
        "Rollcall <no-reply@people.example.com>",
        mail_subject(message),
    )
    assert mail["Message-ID"] == f"<{message.message_id}@people.example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert not mail["Cc"]
    assert not mail["Bcc"]


@pytest.mark.parametrize(
    ("kind", "is_bulk", "says"),
    [
        ("password-reset", False, "Someone, probably you, asked for a new password"),
        ("staff-reset", False, "Our support team sent you this link because you asked for help"),
        ("staff-reset", True, "Our support team asks you to choose a new password"),
    ],
)
def test_a_reset_says_who_asked_for_it_and_how_long_it_works(settings, kind, is_bulk, says):
    settings.PASSWORD_RESET_TIMEOUT = 12 * 3600
    message = make_message(kind)
    message.is_bulk = is_bulk
    for body in bodies(composed(message)):
        text = " ".join(body.split())
        assert says in text
        assert "probably you" not in text.replace(says, "")
        assert "works once, for 12 hours." in text


@pytest.mark.parametrize(
    ("hours", "says"), [(72, "3 days"), (24, "1 day"), (36, "36 hours"), (1, "1 hour")]
)
def test_pages_and_emails_say_how_long_a_link_works(client, settings, hours, says):
    settings.PASSWORD_RESET_TIMEOUT = hours * 3600
    assert link_lifetime() == says
    for path in ("password/reset/sent", "password/choose/1-abc-def", "email/1-abc-def"):
        page = client.get(f"/{path}/").content.decode()
        assert f"for {says}." in page or f"more than {says} old" in page


@pytest.mark.parametrize("kind", [Message.Kind.INVITATION, Message.Kind.PASSWORD_RESET])
def test_the_link_starts_with_the_sites_own_address_and_lets_the_owner_choose_a_password(kind):
    message = make_message(kind, password=PASSWORD)
    links = {
        link
        for body in bodies(composed(message))
        for link in re.findall(r"https?://[^\s\"<]+/password/[^\s\"<]+", body)
    }
    [link] = links
    assert link.startswith(f"{SITE}/password/")
    uid, _, key = link.rstrip("/").rpartition("/")[2].partition("-")
    account = User.objects.get(pk=base36_to_int(uid))
    assert account == message.account
    assert default_token_generator.check_token(account, key)


def test_the_link_of_a_verification_mail_confirms_the_address_and_names_it_nowhere():
    message = make_message(Message.Kind.VERIFICATION)
    [link] = {
        link
        for body in bodies(composed(message))
        for link in re.findall(r"https?://[^\s\"<]+/email/[^\s\"<]+", body)
    }
    uid, _, key = link.rstrip("/").rpartition("/")[2].partition("-")
    assert base36_to_int(uid) == message.account_id
    assert verification_tokens.check_token(message.account, key)
    assert not default_token_generator.check_token(
        message.account, key
    )  # it lets nobody choose a password
    assert "example" not in link.removeprefix(SITE)


@pytest.mark.parametrize(
    ("until", "zone", "says"),
    [
        (None, "", "until further notice"),
        (datetime(2999, 1, 31, 12, 30, tzinfo=UTC), "", "until 31 January 2999, 12:30 (UTC)."),
        (
            datetime(2999, 1, 31, 12, 30, tzinfo=UTC),
            "Asia/Tokyo",
            "until 31 January 2999, 21:30 (Asia/Tokyo).",
        ),
        (
            datetime(2999, 1, 31, 12, 30, tzinfo=UTC),
            "Mars/Olympus",
            "until 31 January 2999, 12:30 (UTC).",
        ),
        (
            datetime(2027, 10, 31, 0, 30, tzinfo=UTC),
            "Europe/Berlin",
            "until 31 October 2027, 02:30 (Europe/Berlin, UTC+2).",
        ),
        (
            datetime(2027, 10, 31, 1, 30, tzinfo=UTC),
            "Europe/Berlin",
            "until 31 October 2027, 02:30 (Europe/Berlin, UTC+1).",
        ),
        (
            datetime(9999, 12, 31, 23, 59, tzinfo=UTC),
            "Asia/Tokyo",
            "until 31 December 9999, 23:59 (UTC).",
        ),
    ],
)
def test_the_mail_of_a_suspension_says_until_when_and_never_why(until, zone, says):
    message = make_message(
        Message.Kind.SUSPENDED,
        suspended_until=until,
        time_zone=zone,
        status_reason="Looks like fraud",
    )
    for body in bodies(composed(message)):
        assert says in " ".join(body.split())
        assert "fraud" not in body
        assert "/password/" not in body


def test_every_link_in_a_mail_leads_to_the_site():
    texts = [body for kind in KINDS for body in bodies(composed(make_message(kind)))]
    links = re.findall(r"https?://[^\s\"<]+", " ".join(texts))
    assert {urlsplit(link.rstrip(".")).netloc for link in links} == {"people.example.com"}


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_text_in_the_html_part_and_not_markup(kind):
    evil = "<img src=x onerror=alert(1)>\"'&"
    message = make_message(kind, first_name=evil)
    message.account.username = evil
    User.objects.filter(pk=message.account_id).update(username=evil)
    plain, html = bodies(composed(message))
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert evil in plain  # where nothing is markup, nothing is escaped


@pytest.mark.parametrize("newline", ["\n", "\r", "\r\n", "\u2028", "\x85", "\n\n", "\r\n\r\n"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_name_adds_a_header_or_a_recipient(kind, newline):
    message = make_message(kind)
    evil = f"Ann{newline}Bcc: evil@example.com{newline}Subject: x"
    names = {
        "first_name": evil,
        "last_name": evil,
        "username": evil,
    }  # past every check, as a broken import might
    User.objects.filter(pk=message.account_id).update(**names)
    mail = composed(Message.objects.get())
    assert (mail.get_all("To"), mail.get_all("Subject"), mail["Bcc"]) == (
        [message.to],
        [mail_subject(message)],
        None,
    )
    assert compose_mail(Message.objects.get()).recipients() == [message.to]


@pytest.mark.parametrize("to", ["a@example.com\nBcc: evil@example.com", "a@example.com\r\nX: y"])
def test_an_address_with_a_newline_makes_no_mail(to):
    message = make_message()
    message.to = to
    with pytest.raises((ValueError, ValidationError), match=r"(one plain|a valid) email address"):
        compose_mail(message).message()


# --- whether it still makes sense -----------------------------------------------------------------


def test_a_message_that_still_fits_is_sent():
    for kind in KINDS:
        assert drop_reason(make_message(kind)) == ""


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        ("invitation", {"email": "new@example.com"}, "The account’s email address has changed."),
        ("invitation", {"email": ""}, "The account’s email address has changed."),
        ("invitation", {"status": "active"}, "The account is active, no longer invited."),
        (
            "invitation",
            {"status": "suspended", "status_reason": "x"},
            "The account is suspended, no longer invited.",
        ),
        (
            "suspended",
            {"status": "active", "status_reason": ""},
            "The account is active, no longer suspended.",
        ),
        (
            "suspended",
            {"status": "deleted", "deleted_at": timezone.now()},
            "The account is deleted, no longer suspended.",
        ),
        ("reinstated", {"status": "suspended", "status_reason": "x"}, "The account is suspended."),
        (
            "verification",
            {"email_verified_at": timezone.now()},
            "The email address is already verified.",
        ),
        ("verification", {"email": "new@example.com"}, "The account’s email address has changed."),
        (
            "password-reset",
            {"email": "new@example.com"},
            "The account’s email address has changed.",
        ),
        (
            "password-reset",
            {"status": "suspended", "status_reason": "x"},
            "The account is suspended.",
        ),
        ("password-reset", {"valid_until": "2020-01-01T00:00Z"}, "The account is expired."),
    ],
)
def test_a_message_that_no_longer_fits_says_why(kind, change, reason):
    message = make_message(kind)
    User.objects.filter(pk=message.account_id).update(**change)
    assert drop_reason(Message.objects.get(pk=message.pk)) == reason


def test_every_kind_of_message_has_a_subject_and_both_templates():
    assert set(SUBJECTS) == set(Message.Kind) - LETTER_KINDS
    for kind in KINDS:
        assert all(part.strip() for part in bodies(composed(make_message(kind))))


def test_a_mail_goes_to_the_domain_that_was_typed_in_idna2008():
    message = make_message(email="Ida.Berg@straße.example")
    assert compose_mail(message).recipients() == ["Ida.Berg@xn--strae-oqa.example"]
    assert b"To: Ida.Berg@xn--strae-oqa.example\n" in compose_mail(message).message().as_bytes()


def test_a_mail_is_not_dropped_because_the_address_is_written_in_another_way():
    message = make_message(email="ida@münchen.example")
    message.account.email = "Ida@münchen.example"
    assert drop_reason(message) == ""


def test_a_name_from_right_to_left_turns_no_line_of_a_mail_around():
    message = make_message(Message.Kind.LETTER, first_name="محمد", last_name="")
    assert "Dear \u2068محمد\u2069," in compose_mail(message).body
