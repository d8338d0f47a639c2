"""The bar below the list: actions for the ticked rows, and the ticks of other pages."""

import pytest

from tests.builders import make_superuser, make_user
from tests.directory.listing import HTMX, get, make_many, rows, step
from tests.pages import Element, form, read
from users.bulk.registry import ACTIONS_BY_SLUG

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(client):
    agent = make_user("Support", username="viewer")
    client.force_login(agent)
    return agent


def bar(response) -> Element:
    return read(response).one("form", id="selection")


def actions(response) -> set[str]:
    buttons = bar(response).all("button")
    return {one.attributes["formaction"] for one in buttons if "formaction" in one.attributes}


def ticked(response) -> list[str]:
    boxes = read(response).all("input", form="selection", checked="")
    return [box.attributes["value"] for box in boxes]


def test_each_action_that_the_viewer_may_take_is_a_button(client, agent):
    offered = actions(get(client))
    assert "/users/bulk/suspension/" in offered
    assert "/users/bulk/erasure/" not in offered
    client.force_login(make_superuser())
    bulk = {f"/users/bulk/{slug}/" for slug in ACTIONS_BY_SLUG}
    assert actions(get(client)) == bulk | {"/mail/campaigns/new/"}


def test_a_button_asks_about_the_ticked_rows(client, agent):
    ada = make_user(first_name="Ada")
    answer = client.get("/users/bulk/suspension/", {"ids": ada.pk})
    assert read(answer).one("h1").text == "Suspend 1 account?"


def test_whoever_may_do_nothing_with_them_ticks_no_rows(client):
    client.force_login(make_user("Viewer"))
    for answer in (get(client), get(client, **HTMX), get(client, "?ids=1")):
        assert not read(answer).one("section", id="results").all("input", type="checkbox")
        assert not read(answer).all("form", id="selection")


def test_ticks_of_other_pages_are_carried_without_scripts(client, agent):
    make_many(60)
    first = get(client, "?size=25")
    chosen = [row.one("input").attributes["value"] for row in rows(first)[:2]]
    to = bar(first).one("button", name="to").attributes["value"]
    assert to == step(first, "next")
    moved = client.get("/users/selection/", {"ids": chosen, "to": to})
    second = client.get(moved["Location"])
    assert len(rows(second)) == 25
    assert ticked(second) == []
    hidden = bar(second).all("input", type="hidden", name="ids")
    assert [field.attributes["value"] for field in hidden] == chosen
    assert "2 selected on other pages." in bar(second).text
    back = [one.attributes["value"] for one in bar(second).all("button", name="to")]
    third = client.get(client.get("/users/selection/", {"ids": chosen, "to": back[0]})["Location"])
    assert ticked(third) == chosen
    assert not bar(third).all("input", type="hidden", name="ids")
    review = client.get("/users/selection/", {"ids": chosen})
    link = read(review).all("a", class_="button", data_back="")[0].attributes["href"]
    assert set(ticked(client.get(link))) == set(chosen)


@pytest.mark.parametrize("page", ["https://evil.example/users/?q=a", "http://[", "", "/users/x/"])
def test_back_from_the_selection_keeps_the_filter_without_scripts(client, agent, page):
    make_many(30)
    first = "http://testserver/users/?q=name&size=25&ids=77"
    chosen = [row.one("input").attributes["value"] for row in rows(client.get(first))[:2]]

    def back(referer: str) -> str:
        review = client.get(
            "/users/selection/", {"ids": chosen}, headers={"Referer": referer} if referer else {}
        )
        return read(review).one("a", class_="button", data_back="").attributes["href"]

    assert back(first).startswith("/users/?q=name&size=25&ids=")
    assert set(ticked(client.get(back(first)))) == set(chosen)
    elsewhere = page.replace("/users/x/", "http://testserver/users/x/?q=a")
    assert back(elsewhere).startswith("/users/?ids=")


def test_an_action_that_is_not_taken_leads_back_to_its_list_without_scripts(client, agent):
    make_many(30)
    first = "http://testserver/users/?q=name&size=25"
    chosen = [row.one("input").attributes["value"] for row in rows(client.get(first))[1::-1]]
    path = f"/users/bulk/suspension/?ids={chosen[0]}&ids={chosen[1]}"

    def back(page) -> str:
        crumb, cancel = (
            read(page).one("a", class_=style, data_back="").attributes["href"]
            for style in ("crumb", "button plain")
        )
        assert crumb == cancel
        return crumb

    asked = client.get(path, headers={"Referer": first})
    assert back(asked).startswith("/users/?q=name&size=25&ids=")
    assert set(ticked(client.get(back(asked)))) == set(chosen)
    refused = client.post(path, form(asked, path), headers={"Referer": f"http://testserver{path}"})
    assert (refused.status_code, back(refused)) == (422, back(asked))
    forged = client.post(path, form(asked, path) | {"list": "//evil.example/users/"})
    assert "evil.example" not in forged.content.decode()


@pytest.mark.parametrize("query", ["ids=x", "ids=0", "ids=1&ids=", "ids=1%00"])
@pytest.mark.parametrize("path", ["/users/?", "/users/selection/?to=/users/&"])
def test_ticks_that_mean_nothing_are_named(client, agent, path, query):
    response = client.get(path + query)
    assert response.status_code == 400
    assert read(response).one("code").text == "ids"
    many = "&".join(f"ids={number}" for number in range(1, 102))
    assert client.get(path + many).status_code == 400


@pytest.mark.parametrize(
    "to", ["", "/", "/audit/", "//evil.example", "https://evil.example/users/?", "/users/x"]
)
def test_nobody_is_led_elsewhere(client, agent, to):
    response = client.get("/users/selection/", {"ids": "1", "to": to})
    assert response.status_code == 400
    assert read(response).one("code").text == "to"


def test_a_page_without_ticks_leads_on(client, agent):
    assert client.get("/users/selection/?to=/users/?q=a")["Location"] == "/users/?q=a"
