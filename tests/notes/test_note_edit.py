"""GET and POST /users/<id>/notes/<note>/edit/, and POST …/pin/ and …/pin/end/"""

import pytest
from django.utils import timezone

from tests.account_rows import events, events_refused
from tests.answers import (
    BAD_IDS,
    assert_denied,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from users.forgetting import ERASED_PERSON
from users.notes.changes import PINNED_MAX, add_note, edit_note, pin_note
from users.notes.forgetting import blank_notes
from users.notes.models import Note

pytestmark = pytest.mark.django_db
ACTIONS = ["edit", "pin", "pin/end"]


@pytest.fixture
def agent(client):
    agent = make_user("Support")
    client.force_login(agent)
    return agent


@pytest.fixture
def note(agent) -> Note:
    return add_note(make_user(), by=agent, text="Call first")


def path(note: Note, action: str = "edit") -> str:
    return f"/users/{note.account_id}/notes/{note.pk}/{action}/"


def test_a_note_of_ones_own_is_edited(client, note):
    assert form(client.get(path(note)), path(note)) == {"text": "Call first", "version": "1"}
    response = client.post(path(note), {"text": "Call last", "version": 1}, follow=True)
    assert response.redirect_chain == [(f"/users/{note.account_id}/notes/", 302)]
    assert "Call last" in read(response).one("ol", class_="remarks").text
    note.refresh_from_db()
    assert (note.text, note.version) == ("Call last", 2)
    assert note.edited_at
    event = events(note.account)[-1]
    assert (event.action, event.after) == ("note.edited", {"note": note.pk})
    assert "Call" not in str(vars(event))


def test_the_same_text_again_changes_nothing(client, note):
    assert client.post(path(note), {"text": "Call first", "version": 1}).status_code == 302
    note.refresh_from_db()
    assert (note.version, note.edited_at, len(events(note.account))) == (1, None, 1)


def test_a_note_that_was_changed_in_another_window_is_asked_about(client, agent, note):
    edit_note(note, by=agent, text="Write first", version=1)
    response = client.post(path(note), {"text": "Call last", "version": 1})
    assert response.status_code == 409
    assert "“Write first”" in errors_of(response)[0]
    again = form(response, path(note))
    assert again == {"text": "Call last", "version": "2"}
    assert client.post(path(note), again).status_code == 302
    note.refresh_from_db()
    assert note.text == "Call last"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [("text", "", "required"), ("text", "x" * 4001, "at most 4000"), ("version", "x", "Reload")],
)
def test_bad_input_is_named_and_kept(client, note, field, value, says):
    response = client.post(path(note), {"text": "Call last", "version": 1} | {field: value})
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response))
    assert form(response, path(note))[field] == value


@pytest.mark.parametrize("make", [lambda: make_user("Administrator"), make_superuser])
def test_nobody_changes_the_words_of_a_colleague(client, note, make):
    other = make()
    client.force_login(other)
    for answer in (client.get(path(note)), client.post(path(note), {"text": "x", "version": 1})):
        assert_denied(answer, "", actor=other, target=note.account, action="edit_note")
    note.refresh_from_db()
    assert note.text == "Call first"
    links = read(client.get(f"/users/{note.account_id}/notes/")).all("a", href=path(note))
    assert links == []


def test_a_note_is_pinned_and_let_go(client, note):
    for action, pinned, event in (
        ("pin", True, "note.pinned"),
        ("pin", True, "note.pinned"),
        ("pin/end", False, "note.unpinned"),
    ):
        response = client.post(path(note, action))
        assert response["Location"] == f"/users/{note.account_id}/notes/"
        note.refresh_from_db()
        assert note.pinned == pinned
        assert events(note.account)[-1].action == event
    assert len(events(note.account)) == 3  # pinned twice is pinned once


def test_a_pinned_note_has_no_space_before_its_comma(client, note):
    client.post(path(note, "pin"))
    head = read(client.get(f"/users/{note.account_id}/")).one("p", class_="remark-head")
    texts = [child.strip() for child in head.children if isinstance(child, str)]
    assert not any(texts)  # each part of the line stands apart from the next


def test_the_buttons_do_what_they_say(client, note):
    for label, action in (("Pin", "pin"), ("Unpin", "pin/end")):
        page = read(client.get(f"/users/{note.account_id}/notes/"))
        assert page.one("form", action=path(note, action)).one("button").text == label
        client.post(path(note, action))


def test_one_pinned_note_too_many_is_refused(client, agent, note):
    for number in range(PINNED_MAX):
        add_note(note.account, by=agent, text=f"note {number}", pinned=True)
    response = client.post(path(note, "pin"))
    assert response.status_code == 409
    assert "Unpin one first." in read(response).one("main").text


@pytest.mark.parametrize("action", ACTIONS)
def test_who_may_only_look_is_refused(client, note, action):
    viewer = make_user("Viewer")
    client.force_login(viewer)
    permission, name = (
        ("users.add_note", "edit_note") if action == "edit" else ("users.pin_note", "pin_note")
    )
    response = client.post(path(note, action), {"text": "x", "version": 1})
    assert_denied(response, permission, actor=viewer, target=note.account, action=name)


@pytest.mark.parametrize("action", ACTIONS)
def test_the_note_of_another_account_is_not_found_under_this_one(client, note, action):
    other = make_user()
    for pk, number in [
        (other.pk, note.pk),
        *((note.account_id, bad) for bad in BAD_IDS),
        (10**9, note.pk),
    ]:
        assert (
            client.post(
                f"/users/{pk}/notes/{number}/{action}/", {"text": "x", "version": 1}
            ).status_code
            == 404
        )
    note.refresh_from_db()
    assert (note.text, note.pinned) == ("Call first", False)


@pytest.mark.parametrize(
    ("action", "allowed"), [("edit", "GET, HEAD, POST"), ("pin", "POST"), ("pin/end", "POST")]
)
def test_other_methods_are_refused(client, note, action, allowed):
    assert_wrong_method(client, path(note, action), allowed=allowed)


@pytest.mark.parametrize("action", ACTIONS)
def test_strangers_are_sent_to_sign_in(client, action):
    assert_sent_to_sign_in(client, f"/users/{make_user().pk}/notes/1/{action}/", methods=("post",))


@pytest.mark.parametrize(
    "ask",
    [
        lambda note, by: add_note(note.account, by=by, text="x"),
        lambda note, by: edit_note(note, by=by, text="x", version=1),
        lambda note, by: pin_note(note, by=by),
    ],
)
def test_without_its_event_nothing_is_written(agent, note, ask):
    from django.db import DatabaseError, transaction

    with pytest.raises(DatabaseError, match="full_disk"), transaction.atomic(), events_refused():
        ask(note, agent)
    assert list(Note.objects.values_list("text", "pinned")) == [("Call first", False)]


def test_what_is_forgotten_leaves_that_there_was_a_note(client, agent, note):
    about_other = add_note(make_user(), by=make_superuser(pk=10**6, username="ada"), text="Other")
    pin_note(note, by=agent)
    assert blank_notes(note.account_id) == 1
    assert blank_notes(10**6) == 0
    note.refresh_from_db()
    about_other.refresh_from_db()
    assert (note.text, note.pinned, note.author_id) == ("", False, agent.pk)
    assert (about_other.text, about_other.author_text) == ("Other", ERASED_PERSON)
    assert "Text erased." in read(client.get(f"/users/{note.account_id}/notes/")).one("main").text


def test_an_erased_accounts_notes_stand_as_they_are(client, note):
    type(note.account).objects.filter(pk=note.account_id).update(
        status="erased", deleted_at=timezone.now()
    )
    for action in ("edit", "pin"):
        assert client.post(path(note, action), {"text": "x", "version": 1}).status_code == 409
    note.refresh_from_db()
    assert (note.text, note.pinned) == ("Call first", False)
