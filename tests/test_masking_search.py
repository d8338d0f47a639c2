"""Searches, orders and counts tell nobody a value that is masked for them."""

import pytest
from django.http import QueryDict

from tests.builders import make_superuser, make_user
from tests.masked_viewers import everything_but
from tests.pages import read
from users.bulk.selection_kind import filtered_accounts
from users.directory import saved_searches
from users.directory.filter import BadFilter, Filter
from users.models import User


@pytest.fixture
def jane(db) -> User:
    make_user(username="other", email="other@example.net", first_name="Somebody", last_name="Else")
    return make_user(
        username="smith77",
        email="jane.roe@example.com",
        first_name="Maria",
        last_name="Lang",
        phone="+4915799887766",
    )


def found(client, q: str) -> set[str]:
    response = client.get("/users/", {"q": q})
    assert response.status_code == 200
    return {link.text for body in read(response).all("tbody") for link in body.all("a")}


PARTS = [
    "j",
    "ja",
    "jan",
    "jane",
    "jane.roe",
    "roe",
    "jane.roe@",
    "jane.roe@example.co",
    "@example.com",
    "example",
    "email:jane",
    "email:j",
    "+491579988776",
    "+49",
    "1579988",
    "7766",
    "99887766",
    "maria jane.roe",
    '"jane roe"',
    "jane maria",
    "email:jane.roe@example.co",
]


@pytest.mark.parametrize("q", PARTS)
def test_no_part_of_an_address_or_number_finds_anybody(client, jane, q):
    client.force_login(make_user("Viewer", username="viewer", email="viewer@example.net"))
    assert "Maria Lang" not in found(client, q)


def test_those_who_may_see_them_find_by_most_parts(client, jane):
    client.force_login(make_user("Support", username="viewer", email="viewer@example.net"))
    assert [q for q in PARTS if "Maria Lang" not in found(client, q)] == ['"jane roe"']


@pytest.mark.parametrize(
    "q",
    [
        "jane.roe@example.com",
        "Jane.Roe@Example.com",
        "email:jane.roe@example.com",
        "+4915799887766",
        "+49 157 998 877 66",
        "smith77",
        "smi",
        "ith7",
        "sm",
        "maria",
        "lang",
        "la",
        "ari",
        "maria lang",
        "lang maria",
        "Lang, Maria",
        "Maria Lang <jane.roe@example.com>",
        "mailto:jane.roe@example.com",
        "username:smi",
        "name:lang",
        "maria jane.roe@example.com",
    ],
)
def test_whole_values_find_and_so_do_parts_of_names(client, jane, q):
    client.force_login(make_user("Viewer", username="viewer", email="viewer@example.net"))
    assert "Maria Lang" in found(client, q)


def test_a_username_that_is_an_address_is_found_whole_alone(client, jane):
    User.objects.filter(pk=jane.pk).update(username="jane@example.org")
    jane.refresh_from_db()
    jane.save()
    client.force_login(make_user("Viewer", username="viewer", email="viewer@example.net"))
    assert [
        q
        for q in ("jane", "ja", "username:jan", "jane@example.or", "example.org")
        if "Maria Lang" in found(client, q)
    ] == []
    assert "Maria Lang" in found(client, "jane@example.org")


@pytest.mark.parametrize("sort", ["email", "-email", "username", "-username"])
def test_no_order_tells_them(client, jane, sort):
    client.force_login(make_user("Viewer"))
    response = client.get(f"/users/?sort={sort}")
    assert response.status_code == 400
    assert "masked for you" in read(response).one("main").text
    heads = read(client.get("/users/")).one("thead")
    assert [link.text for link in heads.all("a")] == ["Name", "Joined", "Last seen"]


def test_counts_and_selections_tell_no_more_than_the_list(client, jane):
    viewer = make_user("Viewer")
    client.force_login(viewer)
    for path in (
        "/users/selection/?all=1&q=jane.roe",
        "/users/?q=jane.roe",
        "/users/count/?q=jane.roe",
    ):
        response = client.get(path, follow=True)
        assert response.status_code == 200
        assert b"Maria" not in response.content
    assert Filter(q="jane.roe").digest != Filter(q="jane.roe", masked=True).digest
    assert [Filter(q="jane.roe", masked=masked).apply().count() for masked in (False, True)] == [
        1,
        0,
    ]


def test_a_selection_of_somebody_for_whom_they_are_masked_is_no_other_in_a_job(jane):

    for by, number in ((everything_but(), 0), (make_superuser(), 1), (None, 1)):
        assert filtered_accounts(QueryDict("q=jane.roe&all=1"), by).count() == number


def test_the_doctor_names_nobody_for_an_address_that_is_nearly_right(client, jane):
    client.force_login(make_user("Viewer"))
    nearly = "/users/doctor/?q=jane.roee%40example.com"
    assert b"Maria" not in client.get(nearly).content
    assert (
        client.get("/users/doctor/?q=jane.roe%40example.com")["Location"]
        == f"/users/{jane.pk}/doctor/"
    )
    client.force_login(make_user("Support"))
    assert b"Maria" in client.get(nearly).content


def test_a_shared_view_that_searches_for_an_address_is_not_offered(client, jane):
    root = make_superuser()
    viewer = make_user("Viewer")
    hidden = [
        saved_searches.create_saved_search(
            Filter.parse(QueryDict(query)), by=root, name=name, shared=True
        )
        for name, query in (
            ("one", "q=jane.roe%40example.com"),
            ("two", "q=99887766"),
            ("jane@example.com", "status=active"),
            ("four digits", "q=%2B49+171+234+5678"),
            ("dashes", "q=0171-234-56-78"),
            ("wide", "q=jane.roe%EF%BC%A0example.com"),
            ("in words", "q=jane.roe+(at)+example.com"),
        )
    ]
    shown = saved_searches.create_saved_search(
        Filter.parse(QueryDict("q=maria")), by=root, name="three", shared=True
    )
    ordered = saved_searches.create_saved_search(
        Filter.parse(QueryDict("sort=email")), by=root, name="four", shared=True
    )
    client.force_login(viewer)
    assert set(saved_searches.visible_searches(viewer)) == {shown, ordered}
    assert len(saved_searches.visible_searches(root)) == 9
    for view in hidden:
        assert client.get(f"/users/?view={view.pk}").status_code == 404
    assert client.get(f"/users/?view={ordered.pk}")["Location"] == f"/users/views/{ordered.pk}/"
    assert client.get(f"/users/views/{ordered.pk}/").status_code == 200


def test_a_masked_filter_says_why_it_has_no_such_order():
    with pytest.raises(BadFilter, match="masked"):
        Filter.parse(QueryDict("sort=email"), masked=True)
