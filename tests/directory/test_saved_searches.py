"""Saved views: GET and POST /users/views/, /users/views/new/, /users/views/<id>/, its deletion, and
/users/?view=<id>
"""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.account_rows import events_refused
from tests.answers import (
    BAD_IDS,
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_superuser, make_user
from tests.directory.saved_views import PATH, make_view
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.directory import saved_searches
from users.directory.models import SavedView

pytestmark = pytest.mark.django_db
PARTS = "/me/parts/?views=directory"
NASTY = "<script>alert(1)</script>"


@pytest.fixture
def viewer(client):
    viewer = make_user("Viewer")
    client.force_login(viewer)
    return viewer


@pytest.fixture
def manager(client):
    manager = make_user("Manager")
    client.force_login(manager)
    return manager


def names(response) -> list[str]:
    return [link.text for link in read(response).one("nav", class_="views").all("a")]


def only_view() -> SavedView:
    return SavedView.objects.get()


# --- a new one ------------------------------------------------------------------------------------


def test_a_viewer_saves_the_filter_that_they_see(client, viewer):
    page = read(client.get("/users/?sort=name&joined_from=-30d&status=suspended"))
    (link,) = [link.attributes["href"] for link in page.all("a") if link.text == "Save view"]
    sent = form(client.get(link), PATH)
    assert sent["query"] == "status=suspended&joined_from=-30d&sort=name"
    response = client.post(PATH, sent | {"name": " New and suspended "})
    view = only_view()
    assert (view.owner, view.name, view.query, view.shared) == (
        viewer,
        "New and suspended",
        sent["query"],
        False,
    )
    assert response["Location"] == f"/users/?view={view.pk}"
    assert not AuditEvent.objects.exists()
    again = client.get(response["Location"])
    assert again["Location"] == "/users/?status=suspended&joined_from=-30d&sort=name"
    note = read(client.get(again["Location"])).one("p", class_="note success")
    assert note.text == "View “New and suspended” saved."


@pytest.mark.parametrize(
    ("sort", "words"),
    [
        ("-seen", ", sorted by last seen, latest first."),
        ("joined", ", sorted by joined, earliest first."),
        ("name", ", sorted by name, A to Z."),
        ("-username", ", sorted by username, Z to A."),
        ("-joined", "active accounts."),
    ],
)
def test_the_form_names_the_order_in_words(client, manager, sort, words):
    page = read(client.get(f"/users/views/new/?status=active&sort={sort}"))
    text = page.all("p", class_="help")[0].text
    assert text.startswith("Filter: active accounts")
    assert text.endswith(words)


def test_the_unfiltered_list_offers_nothing_to_save(client, viewer):
    assert "Save view" not in read(client.get("/users/")).text
    assert client.post(PATH, {"name": "Everybody", "query": ""}).status_code == 302
    assert client.get(f"/users/?view={only_view().pk}")["Location"] == "/users/"


def test_what_is_stored_is_the_canonical_text(client, viewer):
    client.post(PATH, {"name": "x", "query": "sort=-joined&size=50&status=&domain=@EXAMPLE.com&q="})
    assert only_view().query == "domain=example.com"


def test_a_manager_shares_a_view_and_the_trail_has_it(client, manager):
    client.post(PATH, {"name": "Suspended", "query": "status=suspended", "shared": "on"})
    view = only_view()
    assert view.shared
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.target_id) == ("view.created", manager.pk, None)
    assert event.after == {
        "view": view.pk,
        "page": "directory",
        "name": "Suspended",
        "query": "status=suspended",
        "shared": True,
    }


def test_sharing_takes_its_own_permission(client, viewer):
    response = client.post(PATH, {"name": "x", "query": "status=suspended", "shared": "on"})
    assert_denied(response, "users.share_view", actor=viewer, action="share_view")
    view = make_view(viewer)
    changed = {"name": "x", "position": 1, "version": 1, "shared": "on"}
    client.post(f"{PATH}{view.pk}/", changed)
    view.refresh_from_db()
    assert not view.shared
    assert (
        "disabled" in read(client.get(f"{PATH}{view.pk}/")).one("input", name="shared").attributes
    )


def test_no_event_no_shared_view(client, manager):
    with events_refused(), pytest.raises(IntegrityError), transaction.atomic():
        client.post(PATH, {"name": "x", "query": "status=suspended", "shared": "on"})
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "required"),
        ("  ", "required"),
        ("x" * 61, "at most 60"),
        ("a\x00b", "Null"),
        ("a\x07b", "control"),
        ("taken", "already"),
    ],
)
def test_a_bad_name_is_named_and_the_filter_kept(client, viewer, name, says):
    make_view(viewer, "taken")
    response = client.post(PATH, {"name": name, "query": "status=suspended"})
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response)), errors_of(response)
    assert form(response, PATH)["query"] == "status=suspended"
    assert SavedView.objects.count() == 1


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("status=odd", "status"),
        ("groups__permissions=1", "groups__permissions"),
        ("q=" + "x" * 201, "q"),
        ("sort=password", "sort"),
    ],
)
def test_a_bad_filter_is_named(client, viewer, query, parameter):
    for response in (
        client.post(PATH, {"name": "x", "query": query}),
        client.get(f"{PATH}new/?{query}"),
    ):
        assert response.status_code == 400
        assert read(response).one("code").text == parameter
    assert not SavedView.objects.exists()


def test_two_people_may_use_the_same_name(client, viewer):
    make_view(make_user("Viewer"), "Mine")
    assert client.post(PATH, {"name": "Mine", "query": "status=suspended"}).status_code == 302


def test_a_person_has_at_most_a_hundred_views(client, viewer):
    SavedView.objects.bulk_create(
        SavedView(owner=viewer, name=f"{number}", query="")
        for number in range(saved_searches.SEARCHES_PER_OWNER)
    )
    response = client.post(PATH, {"name": "One more", "query": ""})
    assert response.status_code == 422
    assert "You already have 100 views" in errors_of(response)[0]


# --- the list -------------------------------------------------------------------------------------


def test_views_are_ones_own_in_order_and_then_what_others_share(client, viewer):
    other = make_user("Manager", username="mona")
    make_view(viewer, "Second", position=2)
    make_view(viewer, "First", position=1)
    make_view(other, "Alpha", shared=True)
    make_view(other, "Hidden")
    assert names(client.get(PARTS)) == ["First", "Second", "Alpha"]
    cells = [row.all("a")[0].text for row in read(client.get(PATH)).one("tbody").all("tr")]
    assert cells == ["First", "Second", "Alpha"]
    assert "by mona" in read(client.get(PATH)).text


def test_the_views_come_to_their_place_and_none_leave_no_word_there(client, viewer):
    page = read(client.get("/users/"))
    assert page.one(hx_get=PARTS)
    there = page.one("nav", class_="views")
    assert there.text == ""
    assert page.one("main").one("a", href=PATH).text == "Views"
    assert read(client.get(PARTS)).one("nav").attributes["id"] == there.attributes["id"]
    assert names(client.get(PARTS)) == []


def test_hostile_names_are_text(client, manager):
    view = make_view(manager, NASTY, query="q=%3Cimg+src%3Dx%3E", shared=True)
    for response in (
        client.get(PATH),
        client.get(PARTS),
        client.get(f"{PATH}{view.pk}/"),
        client.post(f"{PATH}{view.pk}/", {"name": NASTY}),
        client.post(PATH, {"name": NASTY, "query": ""}),
        client.get(f"{PATH}new/?{view.query}"),
        client.post(f"{PATH}{view.pk}/deletion/", follow=True),
    ):
        page = read(response)
        assert not [script for script in page.all("script") if "alert" in script.raw_text]
        assert not page.all("img", src="x")


@pytest.mark.parametrize("count", [1, 50])
def test_the_links_take_as_many_queries_whatever_there_is(client, manager, count):
    for number in range(count):
        make_view(make_user("Viewer"), f"view {number}", shared=True)
    with CaptureQueriesContext(connection) as queries:
        client.get(PARTS)
    assert len(queries) == 6


# --- opening --------------------------------------------------------------------------------------


def test_a_shared_view_opens_for_everybody_who_sees_the_directory(client, viewer):
    view = make_view(make_user("Manager"), shared=True)
    assert client.get(f"/users/?view={view.pk}")["Location"] == "/users/?status=suspended"


def test_a_private_view_of_somebody_else_is_not_there_even_for_a_superuser(client):
    view = make_view(make_user("Manager"))
    client.force_login(make_superuser())
    for response in (
        client.get(f"/users/?view={view.pk}"),
        client.get(f"{PATH}{view.pk}/"),
        client.post(f"{PATH}{view.pk}/", {"name": "x"}),
        client.post(f"{PATH}{view.pk}/deletion/"),
    ):
        assert response.status_code == 404
    assert SavedView.objects.count() == 1


@pytest.mark.parametrize(
    "query",
    ["view={}&status=active", "view={}&view={}", "view=x", "view=-1", "view=" + "9" * 20],
)
def test_a_view_comes_alone_and_as_a_number(client, viewer, query):
    response = client.get("/users/?" + query.replace("{}", str(make_view(viewer).pk)))
    assert response.status_code == 400
    assert read(response).one("code").text == "view"


@pytest.mark.parametrize("number", ["0", "999999", str(2**63 - 1), str(2**63)])
def test_an_unknown_view_is_not_found(client, viewer, number):
    assert client.get(f"/users/?view={number}").status_code == 404


def test_a_view_that_means_nothing_any_more_says_so_and_can_be_deleted(client, viewer):
    view = make_view(viewer, query="colour=<b>blue</b>")
    response = client.get(f"/users/?view={view.pk}", follow=True)
    assert response.redirect_chain == [(f"{PATH}{view.pk}/", 302)]
    page = read(response)
    assert "can no longer be opened" in page.one("p", class_="note error").text
    assert page.one("form", action=f"{PATH}{view.pk}/deletion/")
    assert client.post(f"{PATH}{view.pk}/deletion/").status_code == 302
    assert not SavedView.objects.exists()


# --- changing and deleting ------------------------------------------------------------------------


# --- the rest of the ladder -----------------------------------------------------------------------


def test_whoever_may_not_see_accounts_has_no_views(client):
    staff = make_user(is_staff=True)
    view = make_view(staff)
    client.force_login(staff)
    one = f"{PATH}{view.pk}/"
    for response in (
        client.get(PATH),
        client.post(PATH),
        client.get(PATH + "new/"),
        client.get(one),
        client.post(one),
        client.post(one + "deletion/"),
        client.get(f"/users/?view={view.pk}"),
    ):
        assert_denied(response, "users.view_user", actor=staff, action="view")


def test_strangers_are_sent_to_sign_in(client):
    for path in (PATH, f"{PATH}1/"):
        assert_sent_to_sign_in(client, path)
    assert_sent_to_sign_in(client, f"{PATH}new/", methods=("get",))
    assert_sent_to_sign_in(client, f"{PATH}1/deletion/", methods=("post",))


def test_an_unknown_id_is_not_found(client, viewer):
    assert BAD_IDS
    assert_not_found(client, PATH + "{}/")
    assert_not_found(client, PATH + "{}/deletion/", methods=("post",))


def test_other_methods_are_refused(client, viewer):
    view = make_view(viewer)
    assert_wrong_method(client, PATH, allowed="GET, HEAD, POST")
    assert_wrong_method(client, PATH + "new/", allowed="GET, HEAD")
    assert_wrong_method(client, f"{PATH}{view.pk}/", allowed="GET, HEAD, POST")
    assert_wrong_method(client, f"{PATH}{view.pk}/deletion/", allowed="POST")
