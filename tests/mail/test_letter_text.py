"""Letters: plain text with the names of a few variables, and nothing else that is looked up."""

import re

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from tests.builders import make_user
from users.mail.letter_text import VARIABLES, clean_letter, fill_placeholders, fill_subject
from users.mail.message_content import compose_mail, drop_reason
from users.mail.models import Letter, Message
from users.models import User

ADA = User(
    username="ada",
    first_name="Ada",
    last_name="Lovelace",
    email="ada@example.com",
    password="secret",
)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("Dear {name},", "Dear Ada Lovelace,"),
        ("{ first_name } {last_name} {username} {email}", "Ada Lovelace ada ada@example.com"),
        (
            "{password} {name.password} {name!r} {0} {}",
            "{password} {name.password} {name!r} {0} {}",
        ),
        ("{{name}} %(name)s", "{Ada Lovelace} %(name)s"),
        ("{{ name }} {% debug %}", "{Ada Lovelace} {% debug %}"),
    ],
)
def test_variables_are_filled_in_and_nothing_else(template, said):
    assert fill_placeholders(template, ADA) == said


def test_whoever_has_no_name_is_called_by_the_username():
    assert (
        fill_placeholders("{name} {first_name} {last_name}", User(username="ada")) == "ada ada ada"
    )
    assert fill_placeholders("[{email}]", User(username="ada")) == "[]"


def test_a_value_is_not_looked_at_again():
    assert (
        fill_placeholders(
            "{first_name}", User(username="x", first_name="{email}", email="a@example.com")
        )
        == "{email}"
    )


def test_a_subject_is_one_line():
    eve = User(username="x", first_name="A\r\nBcc: b\u2028c\x00\x85d")
    assert fill_subject("To {first_name}", eve) == "To A Bcc: b c d"
    assert fill_placeholders("To\n{first_name}", eve) == "To\nA Bcc: b c d"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{user.password} {nick} {name}", "s {user.password}, {nick}."),
        ("{{x}} {{ name }} {0} {}", "s {{x}}, {{ name }}, {0}, {}."),
        ("{name!r} {name!r}", " {name!r}."),
        ("{name.__class__}", " {name.__class__}."),
        ("{ name }{", ""),
    ],
)
def test_each_unknown_placeholder_is_named_at_once(text, named):
    if not named:
        assert clean_letter("Hello", text)
        return
    with pytest.raises(ValidationError) as error:
        clean_letter(text, text)
    names = ", ".join(f"{{{name}}}" for name in VARIABLES)
    sentence = f"Unknown placeholder{named} Available: {names}."
    assert error.value.message_dict == {"subject": [sentence], "text": [sentence]}


@pytest.mark.parametrize("char", ["\r", "\n", "\x00", "\u2028", "\u202e", "\u2066", "\u200f"])
def test_a_subject_with_a_hidden_character_is_refused(char):
    with pytest.raises(ValidationError, match="character"):
        clean_letter(f"Hello{char}Bcc: eve@example.com", "Hello")


def test_line_ends_are_of_one_kind_and_emoji_may_be_joined():
    assert clean_letter(" Hi ", "a\r\nb\rc\t\n") == ("Hi", "a\nb\nc")
    assert clean_letter("👩\u200d💻", "👩\u200d💻")[0] == "👩\u200d💻"


def test_every_variable_is_named_in_the_form():
    from users.verbs.letter.page import LetterForm

    assert all(f"{{{name}}}" in LetterForm.base_fields["text"].help_text for name in VARIABLES)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reply_to", "says"),
    [
        ("", "Replies to this address are not read."),
        ("desk@example.com", "Replies go to desk@example.com."),
    ],
)
def test_answers_go_to_where_the_settings_say(settings, reply_to, says):
    settings.MAIL_REPLY_TO = reply_to
    letter = Letter.objects.create(subject="Hello", text="Hello")
    mail = compose_mail(
        Message.objects.create(
            account=make_user(), kind="letter", to="a@example.com", letter=letter
        )
    )
    assert mail.reply_to == ([reply_to] if reply_to else [])
    assert all(says in body for body in (mail.body, mail.alternatives[0].content))
    assert not compose_mail(
        Message.objects.create(account=make_user(), kind="password-reset", to="a@example.com")
    ).reply_to


@pytest.mark.django_db
def test_lines_are_lines_and_markup_is_text_in_both_parts():
    letter = Letter.objects.create(subject="Hello", text="Dear {name},\n\n<b>x</b>\n1 < 2")
    ada = make_user(first_name="<i>")
    mail = compose_mail(
        Message.objects.create(account=ada, kind="letter", to="a@example.com", letter=letter)
    )
    assert mail.body.startswith("Dear <i>,\n\n<b>x</b>\n1 < 2\n\n--\n")
    assert (
        re.sub(r' style="[^"]*"', "", mail.alternatives[0].content).partition("</h1>")[2].strip()
    ).startswith("<p>Dear &lt;i&gt;,</p>\n<p>&lt;b&gt;x&lt;/b&gt;<br>1 &lt; 2</p>")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"status": "suspended", "status_reason": "x"}, ""),
        ({"valid_until": "2020-01-01T00:00Z"}, ""),
        ({"email": "new@example.com"}, "The account’s email address has changed."),
        ({"email_verified_at": None}, "The email address is no longer verified."),
        ({"status": "deleted", "deleted_at": timezone.now()}, "The account is deleted."),
    ],
)
def test_a_letter_goes_to_whoever_is_there_and_to_no_other_address(change, reason):
    ada = make_user(email_verified_at=timezone.now())
    letter = Letter.objects.create(subject="Hello", text="Hello")
    message = Message.objects.create(account=ada, kind="letter", to=ada.email, letter=letter)
    User.objects.filter(pk=ada.pk).update(**change)
    assert drop_reason(Message.objects.get(pk=message.pk)) == reason


@pytest.mark.django_db
def test_a_letter_whose_text_was_forgotten_is_not_sent():
    ada = make_user(email_verified_at=timezone.now())
    letter = Letter.objects.create(subject="", text="")
    assert (
        drop_reason(Message.objects.create(account=ada, kind="letter", to=ada.email, letter=letter))
        == "The text of this email was deleted."
    )
