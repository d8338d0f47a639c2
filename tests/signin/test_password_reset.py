"""/password/reset/ and what follows: ask, mail, link, choose, sign in."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.http import int_to_base36

from tests.answers import assert_wrong_method, errors_of
from tests.builders import PASSWORD, make_user
from tests.pages import form, read
from tests.signin.links import choose, link_in_mail
from users.audit.models import AuditEvent
from users.mail.delivery import deliver_due_messages
from users.mail.models import Message
from users.signin import views
from users.verbs.suspension.verb import suspend_account

pytestmark = pytest.mark.django_db

PATH = "/password/reset/"
NEW = "another-passphrase-of-mine"


def ask(client, email: str):
    return client.post(PATH, {"email": email})


def test_a_forgotten_password_is_replaced_through_the_mail(client):
    ada = make_user(username="ada", password=PASSWORD)
    assert form(client.get(PATH), PATH) == {"email": ""}
    response = client.post(PATH, {"email": " Ada@Example.COM "}, follow=True)
    assert response.redirect_chain == [("/password/reset/sent/", 302)]
    assert read(response).one("h1").text == "Check your email"
    assert not mail.outbox  # nothing waits for the mail server
    deliver_due_messages()
    assert mail.outbox[0].to == ["ada@example.com"]

    response = choose(client, link_in_mail(), NEW)
    assert response.redirect_chain == [("/password/chosen/", 302)]
    assert read(response).one("h1").text == "Password changed"
    assert client.post("/login/", {"login": "ada", "password": PASSWORD}).status_code == 422
    assert client.post("/login/", {"login": "ada", "password": NEW}).status_code == 302
    actions = list(AuditEvent.objects.order_by("id").values_list("action", "target_id"))
    assert actions == [
        ("account.password_reset_asked", ada.pk),
        ("account.password_changed", ada.pk),
    ]


def test_choosing_a_password_ends_all_sessions(client, client_factory):
    ada = make_user(username="ada", password=PASSWORD)
    other = client_factory(ada)
    ask(client, ada.email)
    deliver_due_messages()
    choose(client, link_in_mail(), NEW)
    assert other.get("/me/").status_code == 302


def test_the_link_works_once(client):
    ask(client, make_user(password=PASSWORD).email)
    deliver_due_messages()
    link = link_in_mail()
    choose(client, link, NEW)
    response = client.get(link, follow=True)
    assert response.status_code == 410
    assert read(response).one("h1").text == "This link no longer works"


def test_the_link_is_not_left_in_the_address_bar(client):
    ask(client, make_user(password=PASSWORD).email)
    deliver_due_messages()
    assert client.get(link_in_mail())["Location"].endswith("-set-password/")


@pytest.mark.parametrize(
    "fields",
    [{"status": "suspended"}, {"status": "deleted", "deleted_at": timezone.now()}],
)
def test_unknown_and_inactive_addresses_get_the_same_answer_and_no_mail(client, fields):
    known = ask(client, make_user().email)
    Message.objects.all().delete()
    inactive = ask(client, make_user(**fields).email)
    unknown = ask(client, "nobody@example.com")
    assert known.status_code == inactive.status_code == unknown.status_code == 302
    assert known["Location"] == inactive["Location"] == unknown["Location"]
    assert not Message.objects.exists()


def test_the_answer_does_the_same_work_whether_there_is_an_account_or_not(client, monkeypatch):
    """The email is written after the answer, so its time tells nothing."""
    make_user(email="ada@example.com")
    later = []
    monkeypatch.setattr(views, "run_after", lambda response, work: later.append(work))
    statements = []
    for number, email in enumerate(("ada@example.com", "nobody@example.com")):
        place = {"REMOTE_ADDR": f"198.51.100.{number}"}
        with CaptureQueriesContext(connection) as queries:
            assert client.post(PATH, {"email": email}, **place).status_code == 302
        statements.append([re.sub(r"'[^']*'|\d+", "", query["sql"]) for query in queries])
        assert not Message.objects.exists()
    assert statements[0] == statements[1]
    for work in later:
        work()
    assert Message.objects.get().to == "ada@example.com"


def test_who_was_invited_gets_the_invitation_again(client):
    ada = make_user(status="invited")
    response = ask(client, ada.email.upper())
    assert response["Location"] == "/password/reset/sent/"
    assert [(message.kind, message.to) for message in Message.objects.all()] == [
        ("invitation", ada.email)
    ]
    deliver_due_messages()
    choose(client, link_in_mail(), NEW)
    ada.refresh_from_db()
    assert (ada.status, ada.check_password(NEW)) == ("active", True)


def test_a_link_that_was_sent_opens_nothing_after_a_suspension(client):
    ada = make_user(password=PASSWORD)
    ask(client, ada.email)
    deliver_due_messages()
    suspend_account(ada, by=make_user("Support"), reason="Spam")
    assert client.get(link_in_mail(), follow=True).status_code == 410


def test_no_mail_goes_out_to_an_account_that_was_suspended_meanwhile(client):
    ada = make_user(password=PASSWORD)
    ask(client, ada.email)
    suspend_account(ada, by=make_user("Support"), reason="Spam")
    deliver_due_messages()
    assert not mail.outbox
    assert Message.objects.get().state == "dropped"


@pytest.mark.parametrize(
    "email",
    ["", "nobody", "a@b.co, c@d.co", "a\x00@example.com", "x" * 300 + "@example.com", "<a@b.co>"],
)
def test_bad_input_is_named_and_kept(client, email):
    response = ask(client, email)
    assert response.status_code == 422
    assert errors_of(response)
    assert form(response, PATH) == {"email": email}
    assert not Message.objects.exists()


def test_one_address_is_not_flooded(client):
    ada = make_user(password=PASSWORD)
    answers = [ask(client, ada.email).status_code for _ in range(7)]
    assert answers == [302] * 5 + [429] * 2
    assert Message.objects.count() == 5


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ("short", "short", "too short"),
        ("1234567890123", "1234567890123", "entirely numeric"),
        ("password123", "password123", "too common"),
        ("one-long-passphrase", "other-long-passphrase", "same password"),
        ("", "", "required"),
        ("lovelace-lovelace", "lovelace-lovelace", "too similar"),
        ("a-long-passphrase\x00", "a-long-passphrase\x00", "Null characters"),
    ],
)
def test_a_password_that_will_not_do_is_refused_with_the_reason(client, first, second, says):
    ada = make_user(username="lovelace-lovelace", password=PASSWORD)
    ask(client, ada.email)
    deliver_due_messages()
    response = choose(client, link_in_mail(), first, second)
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response)), errors_of(response)
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


@pytest.mark.parametrize(
    "link", ["1-abc-def", "zzzzzzzzzzzzz-abc-def", "0-a", "1-set-password", "1-" + "a" * 120]
)
def test_a_link_that_was_made_up_opens_nothing(client, link):
    make_user(password=PASSWORD)
    response = client.get(f"/password/choose/{link}/")
    assert response.status_code == 410
    assert read(response).one("h1").text == "This link no longer works"


@pytest.mark.parametrize("link", ["1", "1-", "x" * 14 + "-abc", "1-a_b", "1-" + "a" * 121])
def test_an_address_that_is_no_link_is_not_found(client, link):
    assert client.get(f"/password/choose/{link}/").status_code == 404


def test_a_link_of_one_account_does_not_open_another(client):
    ada = make_user(password=PASSWORD)
    grace = make_user(password=PASSWORD)
    ask(client, ada.email)
    deliver_due_messages()
    link = link_in_mail()
    assert (
        client.get(
            link.replace(f"/{int_to_base36(ada.pk)}-", f"/{int_to_base36(grace.pk)}-")
        ).status_code
        == 410
    )


def test_a_link_ends_after_three_days(client, monkeypatch):
    ask(client, make_user(password=PASSWORD).email)
    deliver_due_messages()
    link = link_in_mail()
    later = timezone.now().replace(tzinfo=None) + timedelta(days=3, minutes=1)
    monkeypatch.setattr(
        "django.contrib.auth.tokens.PasswordResetTokenGenerator._now", lambda self: later
    )
    assert client.get(link).status_code == 410


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (PATH, "GET, HEAD, POST"),
        ("/password/reset/sent/", "GET, HEAD"),
        ("/password/chosen/", "GET, HEAD"),
    ],
)
def test_other_methods_are_refused(client, path, allowed):
    assert_wrong_method(client, path, allowed=allowed)


@pytest.mark.parametrize("path", [PATH, "/password/reset/sent/", "/password/chosen/"])
def test_the_pages_are_there_for_strangers_and_for_the_signed_in(client, path):
    assert client.get(path).status_code == 200
    client.force_login(make_user())
    assert client.get(path).status_code == 200
