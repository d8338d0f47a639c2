"""GET and POST /users/<id>/notes/"""

import pytest
from django.utils import timezone

from tests.answers import assert_denied, errors_of
from tests.builders import make_superuser, make_user
from tests.caching.looking import ask, tree
from tests.pages import form, read
from tests.plans import assert_no_sort, plans
from users.account.account_query import load_for_page
from users.account.tabs import TABS
from users.audit.models import AuditEvent
from users.notes.changes import PINNED_MAX, add_note, pin_note
from users.notes.models import TEXT_MAX, Note
from users.notes.note_list import SIZE, notes_page

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>\n\njavascript:alert(1) שלום https://example.com {{ 7 }}"


@pytest.fixture
def agent(client):
    agent = make_user("Support", username="agent")
    client.force_login(agent)
    return agent


def path(account) -> str:
    return f"/users/{account.pk}/notes/"


def shown(response) -> list[str]:
    return [
        text.raw_text
        for item in read(response).all("ol", class_="remarks")
        for text in item.all("p", class_="remark")
    ]


def test_a_support_agent_writes_a_note(client, agent):
    ada = make_user()
    assert form(client.get(path(ada)), path(ada)) == {"text": ""}
    response = client.post(path(ada), {"text": " Calls on Mondays.\r\nPrefers mail. "}, follow=True)
    assert response.redirect_chain == [(path(ada), 302)]
    assert shown(response) == ["Calls on Mondays.\nPrefers mail."]
    note = Note.objects.get()
    assert (note.account_id, note.author_id, note.author_text, note.pinned) == (
        ada.pk,
        agent.pk,
        "agent",
        False,
    )
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.target_id) == ("note.added", agent.pk, ada.pk)
    assert event.after == {"note": note.pk}
    assert "Monday" not in str(vars(event))
    ada.refresh_from_db()
    assert ada.version == 1


@pytest.mark.parametrize("path", [tab.path for tab in TABS])
def test_a_pinned_note_stands_on_every_tab_at_once_and_so_does_its_end(client, agent, path):
    ada = make_user()
    address = ""
    for expected in ([], ["Call first"], []):
        address = f"/users/{ada.pk}/{path}"
        found = [
            item.one("p", class_="remark").text
            for item in tree(ask(client, address)).all("ul", class_="pinned")
        ]
        assert found == expected
        if not expected and not Note.objects.exists():
            client.post(f"/users/{ada.pk}/notes/", {"text": "Call first", "pinned": "on"})
        elif expected:
            pin_note(Note.objects.get(), by=agent, pinned=False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "required"),
        (" \n ", "required"),
        ("x" * (TEXT_MAX + 1), f"at most {TEXT_MAX}"),
        ("a\x00b", "Null characters"),
        ("a\ufffdb", "unreadable character"),
    ],
)
def test_bad_input_is_named_and_kept(client, agent, text, says):
    ada = make_user()
    response = client.post(path(ada), {"text": text})
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response)), errors_of(response)
    assert form(response, path(ada))["text"] == text
    assert not Note.objects.exists()
    assert not AuditEvent.objects.exists()


def test_the_text_is_shown_as_it_was_typed_and_does_nothing(client, agent):
    ada = make_user()
    client.post(path(ada), {"text": HOSTILE})
    page = read(client.get(path(ada)))
    [item] = page.one("ol", class_="remarks").all("p", class_="remark")
    assert item.raw_text == HOSTILE
    assert item.children == [HOSTILE]
    assert item.attributes["dir"] == "auto"


def test_a_form_that_is_sent_twice_is_one_note(client, agent):
    ada = make_user()
    for _ in range(2):
        assert client.post(path(ada), {"text": "Call first"}).status_code == 302
    assert Note.objects.count() == AuditEvent.objects.count() == 1
    add_note(ada, by=make_superuser(), text="Call first")
    assert Note.objects.count() == 2
    Note.objects.update(created_at=timezone.now() - timezone.timedelta(minutes=2))
    add_note(ada, by=make_superuser(), text="Call first")
    assert Note.objects.count() == 3


def test_there_is_room_for_a_few_pinned_notes(client, agent):
    ada = make_user()
    for number in range(PINNED_MAX):
        client.post(path(ada), {"text": f"note {number}", "pinned": "on"})
    response = client.post(path(ada), {"text": "one more", "pinned": "on"})
    assert response.status_code == 409
    assert "Unpin one first." in errors_of(response)[0]
    assert form(response, path(ada)) == {"text": "one more", "pinned": ["on"]}
    assert len(load_for_page(ada.pk).pinned) == Note.objects.count() == PINNED_MAX


@pytest.mark.parametrize("role", ["Viewer", "Auditor"])
def test_who_may_only_look_reads_notes_and_writes_none(client, role):
    viewer = make_user(role)
    ada = make_user()
    add_note(ada, by=make_superuser(), text="Call first")
    client.force_login(viewer)
    response = client.get(path(ada))
    assert shown(response) == ["Call first"]
    assert read(response).all("form") == []
    assert_denied(
        client.post(path(ada), {"text": "x"}),
        "users.add_note",
        actor=viewer,
        target=ada,
        action="add_note",
    )
    assert Note.objects.count() == 1


def test_nobody_writes_about_those_above_them(client, agent):
    root = make_superuser()
    assert_denied(
        client.post(path(root), {"text": "x"}), "", actor=agent, target=root, action="add_note"
    )


def test_pinning_takes_a_right_of_its_own(client, agent):
    agent.groups.get().permissions.remove(agent.groups.get().permissions.get(codename="pin_note"))
    ada = make_user()
    assert form(client.get(path(ada)), path(ada)) == {"text": ""}
    client.post(path(ada), {"text": "Call first", "pinned": "on"})
    assert not Note.objects.get().pinned


def test_nothing_more_is_written_about_an_erased_account(client, agent):
    ada = make_user(status="erased", deleted_at=timezone.now())
    response = client.post(path(ada), {"text": "Call first"})
    assert response.status_code == 409
    assert not Note.objects.exists()


def test_pages_follow_each_other_without_gaps(client, agent):
    ada = make_user()
    Note.objects.bulk_create(
        Note(account=ada, author_text="x", text=f"note {number}") for number in range(2 * SIZE + 1)
    )
    seen = []
    address = path(ada)
    while address:
        response = client.get(address)
        seen += shown(response)
        Note.objects.create(account=ada, author_text="x", text="late")
        address = next(
            (link.attributes["href"] for link in read(response).all("a", rel="next")), ""
        )
    assert seen == [f"note {number}" for number in reversed(range(2 * SIZE + 1))]


@pytest.mark.parametrize(
    ("query", "parameter"), [("after=x", "after"), ("after=-1", "after"), ("by=me", "by")]
)
def test_a_parameter_that_means_nothing_is_named(client, agent, query, parameter):
    ada = make_user()
    response = client.get(f"{path(ada)}?{query}")
    assert response.status_code == 400
    assert parameter in read(response).one("main").text


def test_a_page_is_one_range_of_an_index():
    ada = make_user()
    for account in (ada, make_user()):
        Note.objects.bulk_create(
            Note(account=account, author_text="x", text="x", pinned=not number % 50)
            for number in range(300)
        )

    class Query(dict):
        def lists(self):
            return [(name, [value]) for name, value in self.items()]

    middle = str(Note.objects.filter(account=ada)[150].pk)
    for ask_for in (lambda: notes_page(ada, Query()), lambda: notes_page(ada, Query(after=middle))):
        [plan] = plans(ask_for)
        assert_no_sort(plan)
        assert "note_by_account" in plan, plan
    [plan] = plans(lambda: load_for_page(ada.pk))
    assert "note_pinned" in plan, plan
    assert "audit_by_target" in plan, plan
