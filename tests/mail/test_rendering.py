"""What all emails have in common: the organisation, both parts, light and dark."""

import re

import pytest
from django.core.mail import EmailMessage

from tests.mail.test_message_content import KINDS, bodies, composed, make_message
from users.mail import rendering
from users.mail.message_content import STAFF_KINDS
from users.mail.models import Letter
from users.models import User

pytestmark = pytest.mark.django_db
WITH_TOKEN = {"announcement", "invitation", "password-reset", "staff-reset", "verification"}


@pytest.fixture(autouse=True)
def organisation(settings):
    settings.SITE_URL = "https://backoffice.example.net"
    settings.ORGANISATION_NAME = "Kéa & Sons"
    settings.ORGANISATION_ADDRESS = "1 High Street, Leeds"
    settings.ORGANISATION_LOGO_URL = "https://www.example.com/logo.png"
    settings.HELP_CONTACT = "help@example.com"
    settings.DEFAULT_FROM_EMAIL = '"Kéa & Sons" <no-reply@example.com>'


@pytest.mark.parametrize("kind", KINDS)
def test_an_email_names_the_organisation_and_not_the_back_office(kind):
    mail = composed(make_message(kind))
    plain, html = bodies(mail)
    assert mail["From"].addresses[0].display_name == "Kéa & Sons"
    for text, name in ((plain, "Kéa & Sons"), (html, "Kéa &amp; Sons")):
        assert name in text
        assert "1 High Street, Leeds" in text
        assert "help@example.com" in text
    assert 'src="https://www.example.com/logo.png" alt="Kéa &amp; Sons"' in html
    everything = mail["Subject"] + plain + html
    if kind not in STAFF_KINDS:
        assert "Rollcall" not in everything
        # A link may have to lead there, and nothing else does.
        links = len(re.findall(r"backoffice\.example\.net/", everything))
        assert everything.count("backoffice.example.net") == links
        assert bool(links) == (kind in WITH_TOKEN | {"reinstated"})


@pytest.mark.parametrize("kind", KINDS)
def test_both_parts_of_an_email_say_the_same(kind):
    mail = composed(make_message(kind))
    plain, html = bodies(mail)
    body = html.partition("<body")[2].partition("</div>")[2]
    page = re.sub(r"<[^>]*>", " ", re.sub(r"<img[^>]*>", "", body)).replace("&amp;", "&")
    of_page, of_text = (
        set(re.findall(r"[^\W_]{4,}", text)) for text in (page, f"{mail['Subject']} {plain}")
    )
    # A button says what the text says by its link.
    assert of_page - of_text <= {"View", "status", "Sign", "account"}


def test_an_email_has_dark_styles_and_loads_nothing_but_the_logo():
    html = bodies(composed(make_message()))[1]
    assert "prefers-color-scheme:dark" in html
    assert 'name="color-scheme" content="light dark"' in html
    assert set(re.findall(r'(?:src=|url\(|@import)["\']?([^"\')]+)', html)) == {
        "https://www.example.com/logo.png"
    }
    assert not re.findall(r"<(?:link|script|iframe)", html)
    assert "\ufffe" not in html


def test_many_letters_are_rendered_once_and_each_has_its_own_values(monkeypatch):
    rendering.mail_skeleton.cache_clear()
    pages = []
    inline = rendering.inline_styles
    monkeypatch.setattr(rendering, "inline_styles", lambda page: pages.append(1) or inline(page))
    letter = Letter(subject="To {first_name}", text="Hi **{name}** <b>", has_markup=True)
    for number in range(20):
        mail = rendering.render_letter(letter, User(username=f"u{number}", first_name="<i>"))
        assert f"<strong>u{number}</strong>" in mail.html
        assert "&lt;b&gt;" in mail.html
        assert "<i>" not in mail.html
        assert f"account u{number} accepts" in mail.text
        assert mail.subject == "To <i>"
    assert len(pages) == 1


def test_a_long_name_cuts_no_token_in_the_preheader():
    text = "x" * (rendering.PREHEADER_MAX - 3) + " {name} and more"
    mail = rendering.render_letter(Letter(subject="x", text=text), User(username="ada"))
    assert not {"\ufffe", "\uffff"} & set(mail.html + mail.text)


def test_a_mail_can_be_written_out_whatever_is_in_a_name():
    eve = make_message("letter", first_name="A\u202eb\u2066", last_name="\u2028c")
    mail = rendering.render_letter(eve.letter, eve.account)
    message = EmailMessage(mail.subject, mail.text, to=[eve.to]).message()
    assert message.as_bytes().count(b"\nTo: ") <= 1
