"""GET and POST /users/bulk/<action>/"""

from unittest.mock import patch

import pytest
from django.core import signing
from django.http import QueryDict

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method, errors_of
from tests.builders import make_superuser, make_user
from tests.bulk.running import work
from tests.pages import form, read
from users.bulk import selection_count
from users.bulk.selection import Selection
from users.jobs.models import Job
from users.models import User

pytestmark = pytest.mark.django_db
PATH = "/users/bulk/suspension/"


@pytest.fixture
def agent(client):
    agent = make_user("Support")
    client.force_login(agent)
    return agent


def address(query: str = "all=1&domain=example.org") -> str:
    return f"{PATH}?{Selection.parse(QueryDict(query)).query}"


def people(number: int = 3, **fields) -> list[User]:
    return [make_user(email=f"p{n}@example.org", **fields) for n in range(number)]


def filled(response, path: str, **typed) -> dict:
    """The form as the page has it, with the reason and the number typed."""
    return form(response, path) | {"reason": "Spam", "count": "3"} | typed


def test_a_selection_is_previewed_confirmed_and_becomes_a_job(client, agent):
    accounts = people()
    path = address()
    response = client.get(path)
    page = read(response)
    assert page.one("h1").text == "Suspend 3 accounts?"
    assert "accounts at example.org" in page.text
    assert "p0@example.org" in page.text
    sent = filled(response, path)
    response = client.post(path, sent)
    job = Job.objects.get()
    assert response["Location"] == f"/jobs/{job.pk}/"
    assert (job.kind, job.by, job.reason, job.expected, job.state) == (
        "suspend",
        agent,
        "Spam",
        3,
        "queued",
    )
    assert job.words == "accounts at example.org"
    work(job)
    assert (job.state, job.changed) == ("done", 3)
    assert {User.objects.get(pk=each.pk).status_reason for each in accounts} == {"Spam"}


def test_ticked_rows_are_a_selection(client, agent):
    ada, _, ben = people()
    path = f"{PATH}?ids={ada.pk}&ids={ben.pk}"
    client.post(path, filled(client.get(path), path, count="2"))
    assert work(Job.objects.get()).changed == 2


def test_all_that_match_get_an_address_that_stays_what_it_is(client, agent):
    people()
    response = client.get(f"{PATH}?all=1&domain=example.org")
    assert response.status_code == 302
    assert "up_to=" in response["Location"]
    assert "at=" in response["Location"]


def test_the_selection_offers_what_the_viewer_may_do(client, agent):
    nobody = f"ids={10**9}"
    links = [a.attributes["href"] for a in read(client.get(f"/users/selection/?{nobody}")).all("a")]
    assert f"{PATH}?{nobody}" not in links
    ada = make_user()
    links = [
        a.attributes["href"] for a in read(client.get(f"/users/selection/?ids={ada.pk}")).all("a")
    ]
    assert f"{PATH}?ids={ada.pk}" in links
    client.force_login(make_user("Viewer"))
    assert not [
        a
        for a in read(client.get(f"/users/selection/?ids={ada.pk}")).all("a")
        if "bulk" in a.attributes["href"]
    ]


def test_the_preview_says_what_it_touches_and_whom_it_leaves_alone(client, agent):
    people(2)
    make_user("Viewer", email="staff@example.org")
    make_superuser(email="root@example.org")
    make_user(email="s@example.org", status="suspended")
    page = read(client.get(address()))
    text = page.text
    boxes = page.one("dl", class_="touches").all("div")
    figures = {box.one("dt").text: box.one("dd").text for box in boxes}
    assert figures["Staff accounts included"] == "2 1 of them superuser"
    assert (figures["Accounts you may not change"], figures["Never signed in"]) == (
        "2",
        "5 (100%)",
    )
    assert "Only a superuser may change a superuser’s account." in text
    assert "This account is already suspended." in text


def test_a_double_click_and_a_browser_that_asks_once_more_make_one_job(client, agent):
    people()
    path = address()
    sent = filled(client.get(path), path)
    first = client.post(path, sent)
    work(Job.objects.get())  # by now nothing is as it was confirmed
    again = client.post(path, sent)
    assert first["Location"] == again["Location"]
    assert Job.objects.count() == 1


def test_a_selection_that_changed_is_asked_about_again_and_what_was_typed_stays(client, agent):
    people()
    path = address()
    sent = filled(client.get(path), path)
    User.objects.filter(email="p1@example.org").update(email_domain="example.net")
    response = client.post(path, sent)
    assert response.status_code == 409
    assert "You confirmed 3 accounts; now there are 2." in read(response).text
    assert not Job.objects.exists()
    again = form(response, path)
    assert (again["reason"], again["count"]) == ("Spam", "")
    assert client.post(path, again | {"count": "2"}).status_code == 302
    assert Job.objects.get().expected == 2


def test_a_confirmation_is_worth_nothing_for_another_filter_or_moment_or_action(client, agent):
    people()
    path = address()
    sent = filled(client.get(path), path)
    narrower = address("all=1&domain=example.org&status=active")
    make_user(email="late@example.net")
    for other in (narrower, address(), path.replace("suspension", "reinstatement")):
        assert other != path
        assert client.post(other, sent).status_code == 409
    for token in ("", "x", sent["token"][:-2], signing.dumps([1], salt="users.bulk.confirmation")):
        assert client.post(path, sent | {"token": token}).status_code == 409
    assert not Job.objects.exists()


@pytest.mark.sqlite  # of forms, and not of the database
@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("count", "4", "That doesn’t match. Type 3 to confirm."),
        ("count", "", "required"),
        ("count", "all", "whole number"),
        ("count", "-3", "greater"),
        ("reason", " ", "required"),
        ("reason", "x" * 2001, "at most 2000"),
        ("reason", "a\x00b", "Null characters"),
        ("until", "soon", "valid date/time"),
    ],
)
def test_bad_input_is_named_and_kept(client, agent, field, value, says):
    people()
    path = address()
    response = client.post(path, filled(client.get(path), path) | {field: value})
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response)), errors_of(response)
    assert form(response, path)[field] == value
    assert not Job.objects.exists()


def test_a_number_may_be_typed_as_it_is_shown(client, agent):
    people()
    path = address()
    count = selection_count.SelectionCount(1234)
    with (
        patch("users.bulk.preview.count_selection", return_value=count),
        patch("users.bulk.preview.count_changing", return_value=count),
    ):
        assert client.post(path, filled(client.get(path), path, count="1,234")).status_code == 302


def test_what_takes_too_long_to_count_is_guessed_and_said_to_be(client, agent):
    people()
    path = address()
    with patch(
        "users.bulk.preview.count_selection",
        return_value=selection_count.SelectionCount(7_810_000, exact=False),
    ):
        response = client.get(path)
        sent = filled(response, path, count="7,810,000")
    assert read(response).one("h1").text == "Suspend about 7.8 million accounts?"
    assert "(estimated number)" in read(response).text
    with patch(
        "users.bulk.preview.count_selection",
        return_value=selection_count.SelectionCount(7_820_000, exact=False),
    ):  # as near as guesses are
        assert client.post(path, sent).status_code == 302
    assert Job.objects.get().expected == 3  # counted at the start


def test_the_request_that_starts_a_job_over_everybody_is_small(client, agent):
    people()
    path = address("all=1&status=active&domain=example.org&joined_from=-30d&never_seen=yes")
    sent = filled(
        client.get(path),
        path,
        reason="Never came back. Asked for in ticket 4711 by the heads of all departments.",
    )
    body = QueryDict(mutable=True)
    body.update(sent | {"csrfmiddlewaretoken": "x" * 64})
    assert len(path) + len(body.urlencode()) < 1500


def test_too_many_jobs_of_one_person_are_refused_and_nothing_typed_is_lost(client, agent):
    people()
    path = address()
    with patch("users.jobs.engine.JOBS_PER_PERSON", 0):
        response = client.post(path, filled(client.get(path), path))
    assert response.status_code == 409
    assert form(response, path)["reason"] == "Spam"


@pytest.mark.parametrize("query", ["", "ids=x", "all=1&status=odd", "all=1&up_to=5", "ids=1&all=1"])
def test_a_selection_that_means_nothing_is_named(client, agent, query):
    assert client.get(f"{PATH}?{query}").status_code == 400
    assert client.post(f"{PATH}?{query}").status_code == 400


def test_who_may_not_suspend_is_refused(client):
    viewer = make_user("Viewer")
    client.force_login(viewer)
    for answer in (client.get(address()), client.post(address())):
        assert_denied(answer, "users.suspend_user", actor=viewer, action="suspend")


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, PATH + "?ids=1")


def test_an_unknown_action_is_not_found(client, agent):
    assert client.get("/users/bulk/destruction/?ids=1").status_code == 404
    assert client.post("/users/bulk/destruction/?ids=1").status_code == 404


def test_other_methods_are_refused(client, agent):
    assert_wrong_method(client, address(), allowed="GET, HEAD, POST")
