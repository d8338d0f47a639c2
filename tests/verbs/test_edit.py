"""GET and POST /users/<id>/edit/"""

import pytest
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.models import User
from users.verbs.profile.verb import edit_profile
from users.verbs.suspension.verb import suspend_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(client):
    agent = make_user("Support")
    client.force_login(agent)
    return agent


@pytest.fixture
def ada():
    return make_user(
        username="ada", first_name="Ada", last_name="Lovelace", email_verified_at=timezone.now()
    )


def path(account) -> str:
    return f"/users/{account.pk}/edit/"


def opened(client, account) -> dict:
    """What the form would send as it stands."""
    return form(client.get(path(account)), path(account))


def test_a_support_agent_edits_a_profile(client, agent, ada):
    sent = opened(client, ada)
    assert sent == {
        "version": "1",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "username": "ada",
        "email": "ada@example.com",
        "phone": "",
        "locale": "",
        "time_zone": "",
        "accepts_announcements": "no",
    }
    changes = {
        "first_name": " Augusta Ada ",
        "username": "ＡＤＡ.King",
        "phone": "+44 (20) 12-34",
        "time_zone": "Europe/London",
    }
    response = client.post(path(ada), sent | changes, follow=True)
    assert response.redirect_chain == [(f"/users/{ada.pk}/", 302)]
    assert (
        read(response).one("p", class_="note success").text
        == "Profile of Augusta Ada Lovelace saved."
    )
    ada.refresh_from_db()
    assert (ada.first_name, ada.username, ada.phone, ada.version) == (
        "Augusta Ada",
        "ada.king",
        "+44201234",
        2,
    )
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.target_id, event.target_version) == (
        "account.edited",
        agent.pk,
        ada.pk,
        2,
    )
    assert event.before == {"first_name": "Ada", "username": "ada", "phone": "", "time_zone": ""}
    assert event.ip == "127.0.0.1"


def test_a_form_that_changes_nothing_leaves_no_event(client, agent, ada):
    client.post(path(ada), opened(client, ada))
    ada.refresh_from_db()
    assert ada.version == 1
    assert not AuditEvent.objects.exists()


def test_a_new_address_is_not_a_verified_one(client, agent, ada):
    client.post(path(ada), opened(client, ada) | {"email": "Ada@Example.ORG"})
    ada.refresh_from_db()
    assert (ada.email, ada.email_verified_at) == ("Ada@example.org", None)


def test_fields_that_the_form_does_not_have_change_nothing(client, agent, ada):
    more = {
        "is_superuser": "on",
        "is_staff": "on",
        "status": "deleted",
        "groups": "1",
        "password": "x",
        "session_epoch": "9",
        "id": "1",
    }
    client.post(path(ada), opened(client, ada) | more | {"phone": "12345"})
    ada.refresh_from_db()
    assert (ada.phone, ada.status, ada.session_epoch) == ("12345", "active", 0)
    assert (ada.is_superuser, ada.is_staff, ada.groups.count()) == (False, False, 0)


def questions(response) -> dict[str, list[str]]:
    """By the name of a field, the values to choose from: theirs, yours, the original."""
    radios = read(response).all("input", type="radio")
    return {
        name: [radio.attributes["value"] for radio in radios if radio.attributes["name"] == name]
        for name in dict.fromkeys(radio.attributes["name"] for radio in radios)
    }


def test_changes_of_different_fields_merge_and_the_message_says_so(client, agent, ada):
    sent = opened(client, ada) | {"first_name": "Augusta"}
    ana = make_superuser(first_name="Ana", last_name="Lima")
    edit_profile(ada, by=ana, version=1, phone="12345")
    response = client.post(path(ada), sent, follow=True)
    message = read(response).one("p", class_="note success").text
    assert message == (
        "Profile of Augusta Lovelace saved. Meanwhile Ana Lima changed the phone; both "
        "changes are kept."
    )
    ada.refresh_from_db()
    assert (ada.first_name, ada.phone, ada.version) == ("Augusta", "12345", 3)
    assert AuditEvent.objects.latest("id").after == {"first_name": "Augusta"}


def test_the_message_tells_of_everybody_and_of_whatever_they_did(client, agent, ada):
    sent = opened(client, ada) | {"first_name": "Augusta"}
    ana = make_superuser(first_name="Ana")
    bo = make_superuser(first_name="Bo")
    edit_profile(ada, by=ana, version=1, phone="12345", email="a@b.example")
    suspend_account(ada, by=bo, reason="Spam")
    response = client.post(path(ada), sent, follow=True)
    assert read(response).one("p", class_="note success").text == (
        "Profile of Augusta Lovelace saved. Meanwhile Ana changed the email and the "
        "phone, Bo suspended this account; all changes are kept."
    )


def test_the_same_change_by_both_is_no_conflict(client, agent, ada):
    sent = opened(client, ada) | {"phone": "+1 23 45"}
    edit_profile(ada, by=make_superuser(first_name="Ana"), version=1, phone="+12345")
    assert client.post(path(ada), sent).status_code == 302
    assert AuditEvent.objects.count() == 1


def test_a_field_that_both_changed_is_asked_about_and_the_others_merge(client, agent, ada):
    sent = opened(client, ada) | {"first_name": "Augusta", "phone": "12345"}
    edit_profile(
        ada, by=make_superuser(first_name="Ana"), version=1, first_name="Adelaide", locale="en"
    )
    response = client.post(path(ada), sent)
    assert response.status_code == 409
    assert questions(response) == {"first_name": ["Adelaide", "Augusta", "Ada"]}
    page = read(response)
    choice = page.one("input", type="radio", value="Adelaide").parent.text
    assert choice.startswith("Theirs · Ana, ")
    assert choice.endswith("Adelaide")
    settled = {
        row.one("dt").text: row.one("dd").text for row in page.one("dl", class_="facts").all("div")
    }
    assert settled == {"Phone": "12345 changed by you", "Language": "en changed by Ana"}
    ada.refresh_from_db()
    assert (ada.first_name, ada.phone, ada.version) == ("Adelaide", "", 2)


def test_a_conflict_with_another_window_of_ones_own_says_so(client, agent, ada):
    sent = opened(client, ada) | {"first_name": "Augusta"}
    edit_profile(ada, by=agent, version=1, first_name="Adelaide")
    page = read(client.post(path(ada), sent))
    assert page.one("h2", id="conflict").text == "You changed this field in another window"
    choices = [row.text.partition(",")[0] for row in page.one("div", class_="choices").all("label")]
    assert choices == ["Other window · you", "This window Augusta", "Original Ada"]
    sent = {"version": "1", "first_name": "Augusta"}
    part = client.post(f"{path(ada)}first_name/", sent, headers={"HX-Request": "true"})
    says = "You changed this field in another window. Choose which value to keep."
    assert read(part).one("p", role="alert").text == says


@pytest.mark.parametrize("choice", ["Adelaide", "Augusta", "Ada"])
def test_what_is_chosen_is_saved_with_all_that_merges(client, agent, ada, choice):
    sent = opened(client, ada) | {"first_name": "Augusta", "phone": "12345"}
    edit_profile(ada, by=make_superuser(), version=1, first_name="Adelaide", locale="en")
    again = form(client.post(path(ada), sent), path(ada))
    assert again == {name: value for name, value in sent.items() if name != "first_name"} | {
        "version": "2",
        "locale": "en",
    }
    assert client.post(path(ada), again | {"first_name": choice}).status_code == 302
    ada.refresh_from_db()
    assert (ada.first_name, ada.phone, ada.locale, ada.version) == (choice, "12345", "en", 3)


def test_a_choice_may_conflict_again(client, agent, ada):
    sent = opened(client, ada) | {"first_name": "Augusta"}
    ana = make_superuser()
    edit_profile(ada, by=ana, version=1, first_name="Adelaide")
    again = form(client.post(path(ada), sent), path(ada))
    edit_profile(ada, by=ana, version=2, first_name="Aida", phone="12345")
    assert questions(client.post(path(ada), again | {"first_name": "Augusta"})) == {
        "first_name": ["Aida", "Augusta", "Adelaide"]
    }
    assert (
        client.post(path(ada), again | {"first_name": "Adelaide"}).status_code == 302
    )  # theirs: whatever that has become
    ada.refresh_from_db()
    assert (ada.first_name, ada.phone) == ("Aida", "12345")


def test_a_form_in_which_nothing_is_chosen_is_not_taken(client, agent, ada):
    sent = opened(client, ada) | {"username": "augusta"}
    edit_profile(ada, by=make_superuser(), version=1, username="adelaide")
    again = form(client.post(path(ada), sent), path(ada))
    assert "username" not in again
    assert client.post(path(ada), again).status_code == 422


def test_where_events_are_missing_everything_that_differs_is_asked_about(client, agent, ada):
    sent = opened(client, ada) | {"phone": "12345"}
    type(ada).objects.filter(pk=ada.pk).update(version=3, first_name="Adelaide")
    edit_profile(ada, by=make_superuser(), version=3, locale="en")
    response = client.post(path(ada), sent)
    assert response.status_code == 409
    assert questions(response) == {
        "first_name": ["Adelaide", "Ada"],
        "phone": ["", "12345"],
        "locale": ["en", ""],
    }


def test_a_version_that_is_yet_to_come_asks_too(client, agent, ada):
    response = client.post(path(ada), opened(client, ada) | {"phone": "12345", "version": "99"})
    assert (response.status_code, questions(response)) == (409, {"phone": ["", "12345"]})


def test_what_people_type_is_text_on_the_page_of_a_conflict(client, agent, ada):
    hostile = '"><script>alert(1)</script>'
    sent = opened(client, ada) | {"first_name": hostile}
    edit_profile(ada, by=make_superuser(first_name="<b>Ana</b>"), version=1, first_name="<i>x</i>")
    response = client.post(path(ada), sent)
    assert questions(response) == {"first_name": ["<i>x</i>", hostile, "Ada"]}
    assert "<b>Ana" not in response.content.decode()


@pytest.mark.sqlite  # of forms, and not of the database
@pytest.mark.parametrize("version", [None, "", "abc", "0", "-1", "1.5", str(2**31), str(2**70)])
def test_a_form_without_a_version_is_not_taken_and_says_so(client, agent, ada, version):
    sent = opened(client, ada) | {"first_name": "Augusta"}
    del sent["version"]
    response = client.post(path(ada), sent | ({} if version is None else {"version": version}))
    assert response.status_code == 422
    assert any("Reload" in error for error in errors_of(response)), errors_of(response)
    assert form(response, path(ada))["first_name"] == "Augusta"
    ada.refresh_from_db()
    assert ada.first_name == "Ada"


@pytest.mark.sqlite  # of forms, and not of the database
@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("username", "", "required"),
        ("username", "ada lovelace", "can’t be part of a username"),
        ("username", "a\u200bda", "invisible character"),
        ("username", "x" * 151, "at most 150"),
        ("username", "taken", "This username is taken."),
        ("username", "tаken", "too similar to the username “taken”"),  # a Cyrillic а
        ("username", "someone@else.example", "must be the account’s own address"),
        ("email", "no address", "valid email"),
        ("email", "a@b.co, e@evil.com", "valid email"),
        ("email", "taken@example.com", "Another account has this address."),
        ("email", "x" * 65 + "@example.com", "too long"),
        ("first_name", "x" * 151, "at most 150"),
        ("first_name", "a\x07b", "control character"),
        ("last_name", "a\x00b", "Null characters"),
        ("phone", "call me", "phone number"),
        ("locale", "english please", "language tag"),
        ("time_zone", "Europe/Atlantis", "time zone"),
    ],
)
def test_bad_input_is_named_and_kept(client, agent, ada, field, value, says):
    make_user(username="taken")
    response = client.post(path(ada), opened(client, ada) | {field: value})
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response)), errors_of(response)
    assert form(response, path(ada))[field] == value
    ada.refresh_from_db()
    assert ada.version == 1


@pytest.mark.sqlite  # of forms, and not of the database
@pytest.mark.parametrize("field", ["first_name", "last_name", "username", "email", "phone"])
def test_bytes_that_are_no_text_are_refused_and_not_guessed(client, agent, ada, field):
    """A lone surrogate, and Latin-1 where UTF-8 is expected."""
    for value in ("%ED%A0%80", "Jos%E9"):
        body = f"version=1&username=ada&{field}=x{value}"
        response = client.post(path(ada), body, content_type="application/x-www-form-urlencoded")
        assert response.status_code == 422
        ada.refresh_from_db()
        assert (ada.first_name, ada.version) == ("Ada", 1)


def test_an_empty_request_is_bad_input_and_not_a_fresh_form(client, agent, ada):
    assert client.post(path(ada)).status_code == 422


def test_an_account_that_is_gone_is_not_edited(client, agent):
    ada = make_user()
    typed = opened(client, ada) | {"first_name": "Ada"}
    User.objects.filter(pk=ada.pk).update(status="deleted", deleted_at=timezone.now())
    response = client.post(path(ada), typed)
    assert response.status_code == 409
    assert "and can’t be changed" in errors_of(response)[0]
    assert form(response, path(ada))["first_name"] == "Ada"


@pytest.mark.parametrize("role", ["Viewer", "Auditor"])
def test_whoever_only_looks_cannot_edit(client, ada, role):
    viewer = make_user(role)
    client.force_login(viewer)
    for method in (client.get, client.post):
        assert_denied(method(path(ada)), "users.edit_user", actor=viewer, target=ada, action="edit")


def test_a_support_agent_cannot_edit_a_colleague_or_a_superuser(client, agent):
    for target, missing, says in (
        (make_user("Viewer"), "users.manage_staff", "This is a staff account"),
        (make_superuser(), "", "Only a superuser"),
    ):
        response = client.post(path(target), {"version": 1, "username": "mine"})
        assert_denied(response, missing, actor=agent, target=target, action="edit")
        assert says in read(response).one("main").text
        target.refresh_from_db()
        assert target.version == 1


def test_somebody_who_is_not_staff_is_refused(client, ada):
    client.force_login(ada)
    assert_denied(
        client.post(path(ada), {"username": "x", "version": 1}), "", actor=ada, action="enter"
    )


def test_strangers_are_sent_to_sign_in(client, ada):
    assert_sent_to_sign_in(client, path(ada))


def test_an_unknown_id_is_not_found(client, agent):
    assert_not_found(client, "/users/{}/edit/")


def test_other_methods_are_refused(client, agent, ada):
    assert_wrong_method(client, path(ada), allowed="GET, HEAD, POST")
