"""GET /users/selection/, and the ticks of the list"""

from datetime import UTC, datetime
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import OperationalError
from django.http import QueryDict
from playwright.sync_api import expect

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method
from tests.builders import PASSWORD, make_user
from tests.pages import read
from users.bulk import selection
from users.bulk.selection import Selection
from users.directory.filter import BadFilter
from users.models import User

pytestmark = pytest.mark.django_db
PATH = "/users/selection/"


@pytest.fixture
def viewer(client):
    viewer = make_user("Viewer")
    client.force_login(viewer)
    return viewer


def names(response) -> list[str]:
    return [row.all("a")[0].text for row in read(response).one("tbody").all("tr")]


def test_the_list_has_a_named_box_for_each_row_and_a_form_that_takes_them(client):
    agent = make_user("Support")
    client.force_login(agent)
    ada = make_user(first_name="Ada", last_name="<b>L</b>")
    page = read(client.get("/users/"))
    boxes = page.all("input", type="checkbox", form="selection")
    assert [box.attributes["value"] for box in boxes] == [str(ada.pk), str(agent.pk)]
    assert boxes[0].attributes["aria-label"] == "Select Ada <b>L</b>"
    assert page.one("form", id="selection").attributes["action"] == PATH


def test_ticked_accounts_are_shown(client, viewer):
    ada = make_user(first_name="Ada")
    _ = make_user()
    ben = make_user(first_name="<i>Ben</i>")
    response = client.get(PATH, {"ids": [ben.pk, ada.pk, ada.pk]})
    assert read(response).one("h1").text == "2 accounts selected"
    assert names(response) == ["Ada", "<i>Ben</i>"]
    says_why = "Your role doesn’t allow bulk actions."
    assert says_why in read(response).one("main").text
    client.force_login(make_user("Support"))
    assert says_why not in read(client.get(PATH, {"ids": [ben.pk]})).one("main").text


def test_accounts_that_are_gone_are_said_to_be(client, viewer):
    response = client.get(PATH, {"ids": [viewer.pk, 10**9]})
    assert read(response).one("h1").text == "1 account selected"
    assert "1 of the 2 selected accounts no longer exists." in read(response).text


def test_all_that_match_are_pinned_to_this_moment(client):
    client.force_login(make_user("Support"))
    make_user(status="suspended", first_name="Ada")
    (link,) = [
        a.attributes["href"]
        for a in read(client.get("/users/?status=suspended")).all("a")
        if a.text == "Select all 1 matching"
    ]
    pinned = client.get(link)["Location"]
    asked = dict(parse_qsl(urlsplit(pinned).query))
    assert asked.pop("at")
    assert asked == {"status": "suspended", "all": "1", "up_to": str(User.objects.latest("pk").pk)}
    make_user(status="suspended", first_name="Late")
    response = client.get(pinned)
    assert read(response).one("h1").text == "1 account selected"
    assert names(response) == ["Ada"]
    assert "All matching accounts: suspended accounts, as of" in read(response).text
    assert (
        read(response).all("a", class_="button")[0].attributes["href"] == "/users/?status=suspended"
    )


def test_everybody_is_counted_up_to_a_cap_with_ten_examples(client, viewer, monkeypatch):
    for _ in range(12):
        make_user()
    response = client.get(PATH + "?all=1", follow=True)
    assert read(response).one("h1").text == "13 accounts selected"
    assert len(names(response)) == 10
    monkeypatch.setattr(selection, "SELECTION_CAP", 5)
    with patch("users.bulk.selection_views.SELECTION_CAP", 5):
        assert (
            read(client.get(PATH + "?all=1", follow=True)).one("h1").text
            == "10,000+ accounts selected"
        )


def test_a_count_that_takes_too_long_is_no_number(client, viewer):
    with patch.object(
        Selection,
        "accounts",
        side_effect=OperationalError("canceling statement due to statement timeout"),
    ):
        response = client.get(PATH + "?all=1", follow=True)
    assert read(response).one("h1").text == "Many accounts selected"


def test_a_search_is_a_filter_like_others(client, viewer):
    make_user(username="ada.lovelace")
    response = client.get(PATH + "?all=1&q=lovelace", follow=True)
    assert names(response) == ["ada.lovelace"]
    assert "all matching accounts: accounts matching “lovelace”" in read(response).text.lower()


def test_a_selection_is_the_same_after_its_own_text():
    for given in (
        "ids=7&ids=3",
        "all=1&status=active&q=%C3%A9a%26b&up_to=17&at=2026-01-31T12:30:00Z",
    ):
        chosen = Selection.parse(QueryDict(given))
        assert Selection.parse(QueryDict(chosen.query)) == chosen
    assert chosen.at == datetime(2026, 1, 31, 12, 30, tzinfo=UTC)
    assert chosen.up_to == 17


def test_no_request_grows_beyond_two_kilobytes():
    ids = Selection(ids=tuple(range(10**8, 10**8 + selection.MAX_TICKED)))
    assert len(ids.url) < 2048
    assert len(Selection.now(Selection.parse(QueryDict("all=1&status=active")).filter).url) < 200


def test_whoever_stops_to_match_is_out():
    ada = make_user(status="suspended")
    chosen = Selection.parse(
        QueryDict(f"all=1&status=suspended&up_to={ada.pk}&at=2026-01-31T12:30:00Z")
    )
    assert list(chosen.accounts()) == [ada]
    User.objects.filter(pk=ada.pk).update(status="active", status_reason="")
    assert list(chosen.accounts()) == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("", "ids"),
        ("ids=", "ids"),
        ("ids=x", "ids"),
        ("ids=0", "ids"),
        ("ids=-1", "ids"),
        ("ids=²", "ids"),
        (f"ids={2**63}", "ids"),
        ("ids=" + "9" * 5000, "ids"),
        ("&".join(f"ids={pk}" for pk in range(1, 102)), "ids"),
        ("ids=1&all=1", "ids"),
        ("ids=1&status=active", "status"),
        ("status=active", "status"),
        ("all=yes", "all"),
        ("all=1&all=1", "all"),
        ("all=1&status=odd", "status"),
        ("all=1&groups__permissions=1", "groups__permissions"),
        ("all=1&up_to=5", "at"),
        ("all=1&at=2026-01-31T12:30:00Z", "up_to"),
        ("all=1&up_to=x&at=2026-01-31T12:30:00Z", "up_to"),
        ("all=1&up_to=1&up_to=2&at=2026-01-31T12:30:00Z", "up_to"),
        ("all=1&up_to=5&at=2026-02-31T12:30:00Z", "at"),
        ("all=1&up_to=5&at=9999-01-31T12:30:00Z", "at"),
        ("all=1&up_to=5&at=%00", "at"),
    ],
)
def test_bad_input_is_named(client, viewer, query, parameter):
    with pytest.raises(BadFilter):
        Selection.parse(QueryDict(query))
    response = client.get(f"{PATH}?{query}")
    assert response.status_code == 400
    assert read(response).one("code").text == parameter


def test_whoever_may_not_see_accounts_selects_none(client):
    staff = make_user(is_staff=True)
    client.force_login(staff)
    assert_denied(client.get(PATH + "?ids=1"), "users.view_user", actor=staff, action="view")


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, PATH, methods=("get",))


def test_other_methods_are_refused(client, viewer):
    assert_wrong_method(client, PATH, allowed="GET, HEAD")


# --- in a browser ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_rows_are_ticked_by_mouse_and_by_keyboard(page):
    for name in ("Ada", "Ben", "Cleo"):
        make_user(first_name=name)
    viewer = make_user("Support", password=PASSWORD)
    page.goto("/login/")
    page.fill("[name=login]", viewer.username)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/users/")
    bar = page.locator("#selection")
    assert not bar.is_visible()

    page.get_by_label("Select Cleo").check()
    assert page.locator("#ticked").inner_text() == "1 selected"
    page.keyboard.press("j")  # from Cleo's box to Ben's row
    page.keyboard.press("x")
    assert page.locator("#ticked").inner_text() == "2 selected"
    assert page.get_by_label("Select Ben").is_checked()
    page.keyboard.press("x")
    assert not page.get_by_label("Select Ben").is_checked()

    page.get_by_label("Select all on this page").check()
    assert page.locator("#ticked").inner_text() == "4 selected"
    page.get_by_role("button", name="Clear").click()
    expect(bar).not_to_be_visible()
    expect(
        page.get_by_label("Select all on this page")
    ).not_to_be_checked()  # it follows the rows, after the event

    page.get_by_label("Select Ada").check()
    page.get_by_role("button", name="Review selection").click()
    page.wait_for_url("**/users/selection/?ids=*")
    assert page.locator("h1").inner_text() == "1 account selected"
    page.go_back()
    page.get_by_role("cell", name="Ada").first.get_by_role("link").click()
    page.wait_for_url(f"**/users/{User.objects.get(first_name='Ada').pk}/")
