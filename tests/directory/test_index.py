"""GET /users/"""

import json
from base64 import urlsafe_b64encode
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method
from tests.builders import make_superuser, make_user
from tests.directory.listing import HTMX, PATH, get, make_many, rows, step, usernames
from tests.pages import read
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(client):
    """Signed in, and older than everybody whom a test makes."""
    viewer = make_user(
        "Support", username="viewer", date_joined=timezone.now() - timedelta(days=9999)
    )
    client.force_login(viewer)
    return viewer


def cursor(*data) -> str:
    return urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


def test_the_newest_accounts_stand_first(client, viewer):
    make_many(3)
    response = get(client)
    assert response.status_code == 200
    assert usernames(response) == ["name002", "name001", "name000", "viewer"]
    assert [
        head.attributes.get("aria-sort")
        for head in read(response).all("th")
        if head.attributes.get("aria-sort")
    ] == ["descending"]


def test_a_row_shows_who_it_is_and_leads_to_the_account(client, viewer):
    ada = make_user(
        username="ada",
        first_name="Ada",
        last_name="<i>Lovelace</i>",
        status="suspended",
        date_joined=timezone.now(),
    )
    row = rows(get(client))[0]
    assert row.all("a")[0].attributes["href"] == f"/users/{ada.pk}/"
    for shown in ("Ada <i>Lovelace</i>", "ada", "ada@example.com", "Suspended", "–"):
        assert shown in row.text


@pytest.mark.parametrize("size", [25, 50, 100])
def test_next_and_previous_lead_through_all_pages_and_back(client, viewer, size):
    make_many(2 * size + 3)
    everybody = [f"name{number:03}" for number in reversed(range(2 * size + 3))] + ["viewer"]
    pages = [get(client, f"?size={size}")]
    while step(pages[-1], "next"):
        pages.append(client.get(step(pages[-1], "next")))
    assert [len(rows(page)) for page in pages] == [size, size, 4]
    assert [name for page in pages for name in usernames(page)] == everybody
    back = [pages[-1]]
    while step(back[-1], "previous"):
        back.append(client.get(step(back[-1], "previous")))
    assert [usernames(page) for page in back] == [usernames(page) for page in reversed(pages)]
    assert step(pages[0], "first") == step(pages[0], "previous") == ""
    assert step(pages[-1], "next") == step(pages[-1], "last") == ""


def test_last_is_a_full_page_and_first_leads_back(client, viewer):
    make_many(60)
    last = client.get(step(get(client, "?size=25"), "last"))
    assert usernames(last) == [f"name{number:03}" for number in reversed(range(24))] + ["viewer"]
    first = step(last, "first")
    assert first == "/users/?size=25"
    assert usernames(client.get(first))[0] == "name059"


@pytest.mark.parametrize("sort", ["username", "email", "name", "joined", "seen"])
def test_each_order_runs_in_both_directions_over_all_pages(client, viewer, sort):
    make_many(30)
    for number, account in enumerate(User.objects.filter(username__startswith="name")):
        account.first_name = "Ada" if number % 2 else ""
        account.last_name = "Zoë" if number % 3 else "Ågren"
        account.last_seen_at = timezone.now() - timedelta(hours=number) if number % 4 else None
        account.save()

    def walk(query: str) -> list[str]:
        response = get(client, query)
        links = []
        while True:
            links += [row.all("a")[0].attributes["href"] for row in rows(response)]
            if not step(response, "next"):
                return links
            response = client.get(step(response, "next"))

    up = walk(f"?sort={sort}&size=25")
    down = walk(f"?sort=-{sort}&size=25")
    assert len(up) == len(set(up)) == 31
    assert up == down[::-1]


def test_a_click_on_a_head_sorts_and_a_second_one_turns_the_order(client, viewer):
    make_many(2)

    def click(response, label: str):
        (link,) = [
            link
            for head in read(response).all("th")
            for link in head.all("a")
            if link.text == label
        ]
        assert link.attributes["hx-get"] == link.attributes["href"]
        return client.get(link.attributes["href"])

    up = click(get(client, "?q=name"), "Username")
    assert usernames(up) == ["name000", "name001"]
    assert usernames(click(up, "Username")) == ["name001", "name000"]


@pytest.mark.parametrize("state", ["invited", "active", "suspended", "ended", "deleted"])
def test_a_status_shows_who_is_in_it_at_this_moment(client, viewer, state):
    past = timezone.now() - timedelta(days=1)
    future = timezone.now() + timedelta(days=1)
    make_user(username="invited", status="invited")
    make_user(username="active")
    make_user(username="back", status="suspended", suspended_until=past)
    make_user(username="suspended", status="suspended")
    make_user(username="until", status="suspended", suspended_until=future)
    make_user(username="ended", valid_until=past)
    make_user(username="deleted", status="deleted", deleted_at=past)
    expected = {"active": {"active", "back", "viewer"}, "suspended": {"suspended", "until"}}.get(
        state, {state}
    )
    assert set(usernames(get(client, f"?status={state}"))) == expected


def test_a_role_shows_staff_or_superusers(client, viewer):
    make_superuser(username="root")
    make_user(username="ada")
    assert set(usernames(get(client, "?role=staff"))) == {"viewer", "root"}
    assert usernames(get(client, "?role=superuser")) == ["root"]


@pytest.mark.parametrize(
    "term",
    [
        "ada",
        "ADA",
        "lovelace",
        "ovela",
        "Ada Love",
        "love ada",
        "ada@example.com",
        "555 0199",
        "5550199",
        "zoe",
        "Zoë",
        "ad",
        "a",
    ],
)
def test_a_search_finds_parts_of_names_usernames_addresses_and_phones(client, viewer, term):
    make_user(username="ada", first_name="Ada Zoë", last_name="Lovelace", phone="+15550199")
    make_user(username="grace", first_name="Grace", last_name="Hopper")
    found = usernames(get(client, f"?q={quote(term)}"))
    assert found == ["Ada Zoë Lovelace"]


def test_an_id_or_an_address_in_full_finds_that_account_alone(client, viewer):
    ada = make_user(username="ada")
    make_user(username=f"ada{ada.pk}", email="ada@example.com.au")
    assert usernames(get(client, f"?q={ada.pk}")) == ["ada"]
    assert usernames(get(client, "?q=ada@example.com")) == ["ada"]


@pytest.mark.parametrize(
    "term",
    [
        "%",
        "_",
        "\\",
        "'",
        '"',
        "%%%",
        "a_a",
        "AND",
        "a* OR b*",
        "(",
        "NEAR(a b)",
        "-",
        "ada%",
        "{x}",
    ],
)
def test_signs_that_databases_know_are_only_signs(client, viewer, term):
    make_user(username="ada")
    response = get(client, f"?q={quote(term)}")
    assert response.status_code == 200
    assert usernames(response) == []
    assert read(response).one("input", id="q").attributes["value"] == term


def test_filters_in_force_can_be_taken_away_one_by_one(client, viewer):
    make_user(username="ada", status="suspended")
    response = get(client, "?q=ada&status=suspended&sort=username")
    chips = read(response).one("div", class_="chips").all("a")
    assert {chip.attributes["href"] for chip in chips} >= {
        "/users/?status=suspended&sort=username",
        "/users/?q=ada&sort=username",
        "/users/",
    }


def test_an_empty_list_says_so_and_leads_back(client, viewer):
    response = get(client, "?q=nobody-has-this")
    assert rows(response) == []
    assert "No matching accounts" in read(response).one("main").text
    links = [link.attributes["href"] for link in read(response).one("div", class_="empty").all("a")]
    assert links == [PATH, "/users/doctor/?q=nobody-has-this"]


def test_only_who_may_invite_is_offered_it(client, viewer):
    assert not read(get(client)).all("a", href="/users/new/")
    client.force_login(make_user("Manager"))
    assert read(get(client)).all("a", href="/users/new/")


def test_a_page_of_fifty_costs_as_many_queries_as_a_page_of_one(client, viewer):
    get(client)
    caches["pages"].clear()
    with CaptureQueriesContext(connection) as one:
        assert len(rows(get(client))) == 1
    make_many(120)
    second = step(get(client), "next")
    for address in (
        PATH,
        second,
        step(client.get(second), "next"),
        step(client.get(second), "last"),
    ):
        caches["pages"].clear()
        with CaptureQueriesContext(connection) as fifty:
            assert len(rows(client.get(address))) in (50, 21)
        assert len(one) == len(fifty), "\n".join(captured["sql"] for captured in [*one, *fifty])
    assert not [captured["sql"] for captured in fifty if "OFFSET" in captured["sql"]]


BAD = [
    ("sort=x", "sort"),
    ("sort=password", "sort"),
    ("sort=--joined", "sort"),
    ("size=0", "size"),
    ("size=51", "size"),
    ("size=-50", "size"),
    ("size=1e9", "size"),
    ("colour=red", "colour"),
    ("status=active&status=invited", "status"),
    ("after=x", "after"),
    ("after=%C3%A9", "after"),
    ("before=" + "A" * 3000, "before"),
    ("before=END", "before"),
    ("after=a&before=b", "before"),
    ("after=" + cursor("username", "ada", 1), "after"),
    ("after=" + cursor("-joined", "yesterday", 1), "after"),
    ("after=" + cursor("-joined", "2026-01-01T00:00:00", 1), "after"),
    ("after=" + cursor("-joined", "0001-01-01T00:00:00+14:00", 1), "after"),
    ("after=" + cursor("-joined", "9999-12-31T23:59:59-14:00", 1), "after"),
    ("after=" + cursor("-joined", "2026-01-01T00:00:00+00:00", 2**63), "after"),
    ("after=" + cursor("-joined", "2026-01-01T00:00:00+00:00", "1"), "after"),
    ("after=" + cursor("-joined", "2026-01-01T00:00:00+00:00"), "after"),
    ("after=" + cursor("-joined", None, 1), "after"),
    ("sort=username&after=" + cursor("username", "\ud800", 1), "after"),
    ("sort=username&after=" + cursor("username", "a\x00", 1), "after"),
    ("sort=username&after=" + cursor("username", ["a"], 1), "after"),
]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "partial"])
@pytest.mark.parametrize(("query", "parameter"), BAD)
def test_a_parameter_that_means_nothing_is_named_with_a_way_back(
    client, viewer, query, parameter, headers
):
    response = get(client, f"?{query}", **headers)
    assert response.status_code == 400
    page = read(response)
    assert page.one("code").text == parameter
    assert page.all("a", href=PATH)
    assert bool(headers) != bool(page.all("html"))


def test_staff_without_a_role_are_refused(client):
    clerk = make_user(is_staff=True)
    client.force_login(clerk)
    assert_denied(get(client), "users.view_user", actor=clerk, action="view")


def test_somebody_who_is_not_staff_is_refused(client):
    ada = make_user()
    client.force_login(ada)
    assert_denied(get(client), "", actor=ada, action="enter")


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, PATH)


def test_the_list_is_only_read(client, viewer):
    assert_wrong_method(client, PATH, allowed="GET, HEAD")
