"""GET and POST /users/<id>/letter/, POST /users/<id>/letter/sample/, and what the mail tab shows of
a letter.
"""

import pytest
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.utils import timezone

from tests.account_rows import events
from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_superuser, make_user
from tests.ladder import climb
from tests.pages import form, read
from users.mail.message_content import compose_mail
from users.mail.models import Letter, Message
from users.models import User
from users.verbs.letter.verb import send_letter

pytestmark = pytest.mark.django_db
NOW = timezone.now()
SENT = {"subject": "Hello {first_name}", "text": "Dear {name},\n\nyour address is {email}."}


@pytest.fixture
def agent(client) -> User:
    agent = make_user("Support")
    client.force_login(agent)
    return agent


@pytest.fixture
def ada() -> User:
    return make_user(
        first_name="Ada", last_name="<b>", email="ada@example.com", email_verified_at=NOW
    )


@pytest.fixture
def masked(client) -> User:
    """Somebody who may write to people whose addresses they do not see."""
    clerk = make_user(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "write_mail"]))
    client.force_login(clerk)
    return clerk


def path(account, rest: str = "") -> str:
    return f"/users/{account.pk}/letter/{rest}"


def test_a_support_agent_writes_to_a_person(client, agent, ada):
    assert path(ada) in {
        a.attributes.get("href") for a in read(client.get(f"/users/{ada.pk}/")).all("a")
    }
    sent = form(client.get(path(ada)), path(ada)) | SENT
    response = client.post(path(ada), sent, follow=True)
    assert "Email to ada@example.com queued." in read(response).one("p", class_="note success").text
    assert [(message.kind, message.to) for message in Message.objects.all()] == [
        ("letter", ada.email)
    ]
    assert [(event.action, event.actor_id) for event in events(ada)] == [
        ("account.written_to", agent.pk)
    ]
    again = client.post(path(ada), sent)
    assert again.status_code == 409
    assert "was just sent" in errors_of(again)[0]
    assert form(again, path(ada))["text"] == SENT["text"]


def test_what_the_person_gets_is_shown_and_nothing_is_sent(client, agent, ada):
    whole = client.post(path(ada, "sample/"), {"version": 1} | SENT)
    part = client.post(path(ada, "sample/"), {"version": 1} | SENT, headers={"HX-Request": "true"})
    for response in (whole, part):
        assert response.status_code == 200
        sheet = read(response).one("article", class_="sheet")
        assert sheet.one("h3").text == "Hello Ada"
        assert (
            sheet.one("p", class_="remark").raw_text
            == "Dear Ada <b>,\n\nyour address is ada@example.com."
        )
    assert form(whole, path(ada)).items() >= SENT.items()
    assert not read(part).all("form")
    assert not Letter.objects.exists()


def test_a_value_that_looks_like_a_variable_is_none(client, agent):
    eve = make_user(first_name="{email}", email_verified_at=NOW)
    response = client.post(
        path(eve, "sample/"), {"version": 1, "subject": "To {first_name}", "text": "{ name }"}
    )
    assert read(response).one("article", class_="sheet").one("h3").text == "To {email}"


def test_unfinished_texts_are_shown_as_far_as_they_are(client, agent, ada):
    part = {"HX-Request": "true"}
    empty = client.post(path(ada, "sample/"), {"subject": "", "text": ""}, headers=part)
    assert "Start typing to see a preview." in read(empty).text
    begun = client.post(path(ada, "sample/"), {"subject": "", "text": "Dear {name}"}, headers=part)
    assert "Dear Ada <b>" in read(begun).text
    assert (
        client.post(path(ada, "sample/"), {"version": 1, "subject": "", "text": ""}).status_code
        == 422
    )


def test_an_unknown_placeholder_is_named_at_once_and_marked_in_the_text(client, agent, ada):
    typed = {"version": 1, "subject": "{nick}", "text": "Hello {nickname}, dear {name}"}
    whole = client.post(path(ada, "sample/"), typed)
    part = client.post(path(ada, "sample/"), typed, headers={"HX-Request": "true"})
    assert whole.status_code == 422
    for response in (whole, part):
        sample = read(response).one("section", id="sample")
        errors = [error.text for error in sample.all("p", class_="error")]
        assert [error.partition(".")[0] for error in errors] == [
            "Unknown placeholder {nick}",
            "Unknown placeholder {nickname}",
        ]
        assert sample.one("p", class_="remark").text == "Hello {nickname}, dear Ada <b>"
        assert [mark.text for mark in sample.all("mark")] == ["{nick}", "{nickname}"]


def test_the_preview_ends_as_the_email_does(client, agent, ada, settings):
    settings.MAIL_REPLY_TO = "help@example.com"
    sample = client.post(path(ada, "sample/"), {"version": 1} | SENT)
    footer = read(sample).one("article", class_="sheet").one("footer")
    send_letter(ada, by=agent, **SENT)
    [(html, _)] = compose_mail(Message.objects.get()).alternatives
    mail = read(HttpResponse(html)).text
    for line in footer.all("p"):
        assert line.text
        assert line.text in mail


def test_who_may_not_see_addresses_writes_all_the_same_and_does_not_learn_them(client, masked):
    ada = make_user(
        username="ada@example.com",
        email="ada@example.com",
        phone="+4915112345678",
        email_verified_at=NOW,
    )
    text = {"version": 1, "subject": "{email}", "text": "{name} {username} {email} {first_name}"}
    pages = [client.get(path(ada)), client.post(path(ada, "sample/"), text)]
    pages += [
        client.post(path(ada, "sample/"), text, headers={"HX-Request": "true"}),
        client.post(path(ada), text, follow=True),
    ]
    pages += [client.get(f"/users/{ada.pk}/mail/")]
    for page in pages:
        assert page.status_code == 200
        assert "ada@example.com" not in page.content.decode()
    assert "a•••@example.com" in pages[1].content.decode()
    assert Message.objects.get().to == "ada@example.com"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("subject", "", "required"),
        ("text", " ", "required"),
        ("text", "x" * 100_000, "at most 10000"),
        ("subject", "x" * 151, "at most 150"),
        ("text", "Dear {surname}", "Unknown placeholder {surname}."),
        ("text", "a\x00b", "Null characters"),
        ("text", "a\ufffdb", "unreadable character"),
        ("subject", "a\rb", "U+000D"),
    ],
)
def test_bad_input_is_named_and_kept(client, agent, ada, field, value, says):
    for rest in ("", "sample/"):
        response = client.post(path(ada, rest), {"version": 1} | SENT | {field: value})
        assert response.status_code == 422
        assert any(says in error for error in errors_of(response)), errors_of(response)
        assert form(response, path(ada))[field] == value
    assert not Message.objects.exists()


def test_who_can_not_be_reached_is_offered_no_letter_and_gets_none(client, agent):
    ada = make_user()
    assert path(ada) not in {
        a.attributes.get("href") for a in read(client.get(f"/users/{ada.pk}/")).all("a")
    }
    response = client.post(path(ada), {"version": 1} | SENT)
    assert response.status_code == 409
    assert "not verified" in errors_of(response)[0]


def test_the_mail_tab_shows_what_was_written(client, agent, ada):
    send_letter(ada, by=agent, **SENT)
    shown = read(client.get(f"/users/{ada.pk}/mail/")).one("details", class_="said-to")
    assert (shown.one("summary").text, shown.one("p").raw_text) == (
        "Hello Ada",
        "Dear Ada <b>,\n\nyour address is ada@example.com.",
    )
    Letter.objects.update(subject="", text="")
    assert not read(client.get(f"/users/{ada.pk}/mail/")).all("details", class_="said-to")


def test_the_ladder(client):
    sent = {"subject": "Hello", "text": "Dear {name}"}
    climb(
        client,
        "/users/{}/letter/",
        "write",
        "users.write_mail",
        sent,
        without="Viewer",
        email_verified_at=NOW,
    )


def test_the_ladder_of_the_sample(client, ada):
    assert_sent_to_sign_in(client, path(ada, "sample/"), background=True)
    auditor = make_user("Auditor")
    client.force_login(auditor)
    answer = client.post(path(ada, "sample/"), SENT)
    assert_denied(answer, "users.write_mail", actor=auditor, target=ada, action="write")
    client.force_login(make_superuser())
    assert_not_found(client, "/users/{}/letter/sample/", methods=("post",))
    assert_wrong_method(client, path(ada, "sample/"), allowed="POST")
