"""GET and POST /users/<id>/suspension/"""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import PASSWORD, make_superuser, make_user
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.mail.delivery import deliver_due_messages
from users.mail.models import Message
from users.verbs.profile.verb import edit_profile
from users.verbs.reinstatement.verb import reinstate_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(client):
    agent = make_user("Support")
    client.force_login(agent)
    return agent


def path(account) -> str:
    return f"/users/{account.pk}/suspension/"


def test_a_support_agent_suspends_an_account_until_a_day(client, agent):
    ada = make_user()
    assert form(client.get(path(ada)), path(ada)) == {
        "version": "1",
        "reason": "",
        "ticket": "",
        "lasts": "",
        "until": "",
    }
    sent = {"version": 1, "reason": " Spam\nreports ", "until": "2999-01-31T12:30"}
    response = client.post(path(ada), sent, follow=True)
    assert response.redirect_chain == [(f"/users/{ada.pk}/", 302)]
    assert "suspended. All sessions ended." in read(response).one("p", class_="note success").text
    ada.refresh_from_db()
    assert (ada.status, ada.suspended_until) == (
        "suspended",
        datetime(2999, 1, 31, 12, 30, tzinfo=UTC),
    )
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.target_id) == (
        "account.suspended",
        agent.pk,
        ada.pk,
    )
    assert event.reason.split() == ["Spam", "reports"]


def test_the_person_is_told_if_so_chosen_and_never_why(client, agent):
    ada = make_user()
    quiet = make_user()
    client.post(path(quiet), {"version": 1, "reason": "Fraud"})
    assert not Message.objects.exists()
    client.post(path(ada), {"version": 1, "reason": "Fraud", "lasts": "7", "notify": "on"})
    assert [(message.kind, message.to) for message in Message.objects.all()] == [
        ("suspended", ada.email)
    ]
    deliver_due_messages()
    assert "Fraud" not in mail.outbox[0].body
    assert "until" in mail.outbox[0].body


def test_nobody_can_be_told_who_has_no_address(client, agent):
    ada = make_user(email="")
    assert "disabled" in read(client.get(path(ada))).one("input", name="notify").attributes
    assert client.post(path(ada), {"version": 1, "reason": "x", "notify": "on"}).status_code == 302
    assert not Message.objects.exists()


@pytest.mark.parametrize(("lasts", "days"), [("1", 1), ("7", 7), ("30", 30)])
def test_a_quick_choice_counts_from_now(client, agent, lasts, days):
    ada = make_user()
    before = timezone.now()
    client.post(path(ada), {"version": 1, "reason": "x", "lasts": lasts})
    ada.refresh_from_db()
    assert before <= ada.suspended_until - timedelta(days=days) <= timezone.now()


@pytest.mark.parametrize(
    ("lasts", "until", "says"),
    [
        ("7", "2999-01-31T12:30", "Clear this field"),
        ("until", "", "Choose a date and time"),
        ("until", "soon", "valid date/time"),
    ],
)
def test_two_answers_or_none_to_until_when_are_asked_about(client, agent, lasts, until, says):
    ada = make_user()
    sent = {"version": 1, "reason": "x", "lasts": lasts, "until": until}
    response = client.post(path(ada), sent)
    assert response.status_code == 422
    assert says in read(response).one("p", id="id_until_error").text
    assert form(response, path(ada)) == sent | {"version": "1", "ticket": ""}


def test_a_choice_that_is_none_is_named(client, agent):
    response = client.post(path(make_user()), {"version": 1, "reason": "x", "lasts": "8"})
    assert response.status_code == 422
    assert "valid choice" in read(response).one("p", id="id_lasts_error").text


def test_two_clicks_make_one_suspension_and_one_mail(client, agent):
    ada = make_user()
    sent = form(client.get(path(ada)), path(ada)) | {"reason": "x", "notify": "on"}
    assert [client.post(path(ada), sent).status_code for _ in range(2)] == [302, 409]
    assert (AuditEvent.objects.count(), Message.objects.count()) == (1, 1)


def test_a_reason_can_be_chosen_and_written_on(client, agent):
    ada = make_user()
    [lost] = [
        link
        for link in read(client.get(path(ada))).one("nav", class_="suggestions").all("a")
        if "Lost" in link.text
    ]
    assert (
        form(client.get(lost.attributes["href"]), path(ada))["reason"]
        == lost.text
        == lost.attributes["data-text"]
    )


def test_an_open_session_of_the_account_is_out_at_its_next_request(client, agent):
    ada = make_user(password=PASSWORD)
    browser = Client()
    browser.force_login(ada)
    assert browser.get("/me/").status_code == 200
    client.post(path(ada), {"version": 1, "reason": "Spam"})
    assert browser.get("/me/")["Location"] == "/login/?next=%2Fme%2F"
    assert reinstate_account(ada, by=make_superuser()).is_active
    assert browser.get("/me/")["Location"] == "/login/?next=%2Fme%2F"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("reason", "", "required"),
        ("reason", "  \n", "required"),
        ("reason", "x" * 2001, "at most 2000"),
        ("reason", "x" * 100_000, "at most 2000"),
        ("reason", "a\x00b", "Null characters"),
        ("reason", "a\ufffdb", "unreadable character"),
        ("until", "2001-01-01T00:00", "Choose a time in the future."),
        ("until", "soon", "valid date/time"),
        ("until", "99999-01-01T00:00", "valid date/time"),
        ("version", "", "Reload"),
        ("version", "abc", "Reload"),
    ],
)
def test_bad_input_is_named_and_kept(client, agent, field, value, says):
    ada = make_user()
    response = client.post(
        path(ada), {"version": 1, "reason": "Spam", "until": ""} | {field: value}
    )
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response)), errors_of(response)
    assert form(response, path(ada))[field] == value
    ada.refresh_from_db()
    assert ada.status == "active"


def test_a_stale_form_is_asked_about_and_keeps_what_was_typed(client, agent):
    ada = make_user()
    edit_profile(ada, by=make_superuser(), version=1, phone="12345")
    response = client.post(path(ada), {"version": 1, "reason": "Spam", "until": "2999-01-31T12:30"})
    assert response.status_code == 409
    section = read(response).one("section", class_="versions")
    assert section.one("a").attributes["href"] == f"/users/{ada.pk}/"
    again = form(response, path(ada))
    sent = {"reason": "Spam", "ticket": "", "lasts": "", "until": "2999-01-31T12:30"}
    assert again == {"version": "2"} | sent
    assert client.post(path(ada), again).status_code == 302


@pytest.mark.parametrize(
    "fields", [{"status": "suspended"}, {"status": "deleted", "deleted_at": timezone.now()}]
)
def test_what_is_suspended_or_gone_is_not_suspended(client, agent, fields):
    ada = make_user(**fields)
    response = client.post(path(ada), {"version": 1, "reason": "Spam"})
    assert response.status_code == 409
    assert f"This account is already {fields['status']}." in errors_of(response)
    assert form(response, path(ada))["reason"] == "Spam"
    assert not AuditEvent.objects.exists()


def test_a_suspension_that_has_run_out_can_be_followed_by_another(client, agent):
    ada = make_user(status="suspended", suspended_until=timezone.now() - timedelta(days=1))
    assert client.post(path(ada), {"version": 1, "reason": "Again"}).status_code == 302
    ada.refresh_from_db()
    assert (ada.state, ada.suspended_until) == ("suspended", None)


def test_the_last_superuser_who_stays_is_not_suspended(client):
    root = make_superuser()
    passing = make_superuser(valid_until=timezone.now() + timedelta(days=1))
    client.force_login(passing)
    response = client.post(path(root), {"version": 1, "reason": "Spam"})
    assert response.status_code == 409
    assert "last active superuser" in errors_of(response)[0]
    root.refresh_from_db()
    assert root.status == "active"


@pytest.mark.parametrize("role", ["Viewer", "Auditor"])
def test_who_may_not_suspend_is_refused(client, role):
    viewer = make_user(role)
    ada = make_user()
    client.force_login(viewer)
    for answer in (client.get(path(ada)), client.post(path(ada), {"version": 1, "reason": "x"})):
        assert_denied(answer, "users.suspend_user", actor=viewer, target=ada, action="suspend")
    ada.refresh_from_db()
    assert ada.status == "active"


def test_a_support_agent_cannot_suspend_a_colleague_a_superuser_or_themselves(client, agent):
    for target, missing in (
        (make_user("Viewer"), "users.manage_staff"),
        (make_superuser(), ""),
        (agent, ""),
    ):
        response = client.post(path(target), {"version": 1, "reason": "x"})
        assert_denied(response, missing, actor=agent, target=target, action="suspend")
        target.refresh_from_db()
        assert target.status == "active"


def test_somebody_who_is_not_staff_is_refused(client):
    ada = make_user()
    client.force_login(ada)
    assert_denied(client.post(path(make_user())), "", actor=ada, action="enter")


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, path(make_user()))


def test_an_unknown_id_is_not_found(client, agent):
    assert_not_found(client, "/users/{}/suspension/")


def test_other_methods_are_refused(client, agent):
    assert_wrong_method(client, path(make_user()), allowed="GET, HEAD, POST")
