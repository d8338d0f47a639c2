"""The preview of a bulk action: its number is that of the accounts that will change."""

from unittest.mock import patch

import pytest
from django.contrib.auth.models import Group
from django.http import QueryDict

from tests.answers import errors_of
from tests.builders import make_superuser, make_user
from tests.bulk.running import start, work
from tests.pages import form, read
from users.bulk import preview, selection_count
from users.bulk.selection import Selection
from users.bulk.selection_count import SelectionCount
from users.jobs.models import Job
from users.models import User

pytestmark = pytest.mark.django_db
PATH = "/users/bulk/suspension/"


@pytest.fixture
def root(client):
    root = make_superuser()
    client.force_login(root)
    return root


def address(accounts: list[User], path: str = PATH) -> str:
    return f"{path}?" + "&".join(f"ids={account.pk}" for account in accounts)


def people(active: int = 2, suspended: int = 3) -> list[User]:
    states = ["active"] * active + ["suspended"] * suspended
    return [make_user(status=state) for state in states]


def test_the_number_that_will_change_is_shown_typed_and_kept(client, root):
    path = address(people())
    response = client.get(path)
    page = read(response)
    assert page.one("h1").text == "Suspend 2 of 5 accounts?"
    assert page.one("div", class_="confirm").one("strong").text == "2"
    sent = form(response, path) | {"reason": "Spam"}
    refused = client.post(path, sent | {"count": "5"})
    assert "That doesn’t match. Type 2 to confirm." in errors_of(refused)
    client.post(path, sent | {"count": "2"})
    job = Job.objects.get()
    assert (job.planned, job.expected) == (2, 5)
    title = f"Suspend 2 accounts · Job {job.pk}"
    page = read(client.get(f"/jobs/{job.pk}/"))
    assert page.one("h1").text == title
    selected = path.replace(PATH, "/users/selection/")
    assert page.one("a", href=selected).text == "5 selected accounts"
    assert work(job).changed == 2
    assert read(client.get(f"/jobs/{job.pk}/")).one("h1").text == title


def test_the_link_to_the_selection_tells_no_masked_viewer_what_was_searched(client, root):
    ada = make_user(email="ada@example.org")
    job = start("suspension", None, by=root, selection="all=1&q=ada@example.org", up_to=ada.pk)
    path = f"/jobs/{job.pk}/"
    assert "q=ada%40example.org" in client.get(path).content.decode()
    viewer = make_user("Viewer")
    Job.objects.filter(pk=job.pk).update(by=viewer)
    client.force_login(viewer)
    assert "ada%40" not in client.get(path).content.decode()


def test_where_nobody_would_change_there_is_no_confirmation_but_the_reason(client, root):
    path = address(people(active=0))
    response = client.get(path)
    page = read(response)
    assert page.one("h1").text == "Suspend"
    assert "None of the 3 accounts would change." in page.text
    assert "This account is already suspended." in page.one("ul", class_="skips").text
    assert not page.one("main").all("form")
    assert client.post(path, {"reason": "Spam", "count": "3", "token": ""}).status_code == 409
    assert not Job.objects.exists()


def test_accounts_that_changed_since_the_preview_are_asked_about_again(client, root):
    accounts = people()
    path = address(accounts)
    sent = form(client.get(path), path) | {"reason": "Spam", "count": "2"}
    User.objects.filter(pk=accounts[0].pk).update(status="suspended", status_reason="x")
    response = client.post(path, sent)
    assert response.status_code == 409
    assert "You confirmed 2 accounts; now 1 would change." in errors_of(response)[0]
    assert not Job.objects.exists()
    assert client.post(path, form(response, path) | {"count": "1"}).status_code == 302


def test_what_is_chosen_counts_too(client, root):
    first = Group.objects.order_by("id")[0]
    accounts = [make_user(first.name), make_user()]
    path = address(accounts, "/users/bulk/groups/")
    response = client.get(path)
    assert read(response).one("h1").text == "Add roles to 2 accounts?"
    chosen = {"groups": [str(first.pk)], "reason": "Asked"}
    sent = form(response, path) | chosen | {"count": "2"}
    response = client.post(path, sent)
    assert response.status_code == 409
    assert read(response).one("h1").text == "Add roles to 1 of 2 accounts?"
    examples = read(response).one("ul", class_="among").all("a")
    assert [link.text for link in examples] == [accounts[1].display_name], "none that is skipped"
    again = form(response, path)
    assert again["count"] == ""
    client.post(path, again | chosen | {"count": "1"})
    assert work(Job.objects.get()).changed == 1


def test_a_choice_that_changes_nobody_can_be_made_anew(client, root):
    first = Group.objects.order_by("id")[0]
    path = address([make_user(first.name)], "/users/bulk/groups/")
    chosen = {"groups": [str(first.pk)], "reason": "Asked", "count": "1"}
    sent = form(client.get(path), path) | chosen
    page = read(client.post(path, sent))
    assert "No account would change with these values." in page.text
    assert page.all("form", action=path)
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("count", "question"),
    [
        (SelectionCount(500), "Suspend 200 of 500 accounts?"),
        (SelectionCount(500, exact=False), "Suspend about 200 of about 500 accounts?"),
    ],
)
def test_a_large_selection_is_counted_or_estimated_from_its_sample(client, root, count, question):
    states = ["active"] * 200 + ["suspended"] * 300
    User.objects.bulk_create(
        User(username=f"u{n}", status=state, status_reason="x", source="big")
        for n, state in enumerate(states)
    )
    path = client.get(f"{PATH}?all=1&source=big")["Location"]
    ids = list(User.objects.filter(source="big").values_list("pk", flat=True))
    with (
        patch.object(preview, "SELECTION_CAP", 100),
        patch.object(preview, "sample_ids", return_value=ids),
        patch.object(preview, "count_selection", return_value=count),
    ):
        response = client.get(path)
        assert read(response).one("h1").text == question
        sent = form(response, path) | {"reason": "Spam", "count": "200"}
        assert client.post(path, sent).status_code == 302


def test_an_estimate_from_too_few_accounts_is_not_asked_for(client, root):
    User.objects.bulk_create(
        User(
            username=f"u{n}",
            status="active" if n < 2 else "suspended",
            status_reason="x",
            source="big",
        )
        for n in range(300)
    )
    path = client.get(f"{PATH}?all=1&source=big")["Location"]
    count = SelectionCount(300, exact=False)
    with patch.object(preview, "count_selection", return_value=count):
        page = read(client.get(path))
    assert page.one("h1").text == "Suspend about 300 accounts?"


def test_a_suggested_reason_is_a_link_that_keeps_the_selection(client, root):
    path = address(people())
    page = read(client.get(path))
    link = page.one("nav", class_="suggestions").all("a")[0]
    assert link.attributes["href"].startswith(f"{path}&template=")
    filled = client.get(link.attributes["href"])
    assert form(filled, path)["reason"] == link.attributes["data-text"]
    assert "not to the users" in page.text


def test_the_figures_leave_no_empty_cell(client, root):
    figures = read(client.get(address(people()))).one("dl", class_="touches").all("div")
    assert len(figures) == 5
    assert all(each.one("dt").text and each.one("dd").text for each in figures)


def test_the_sample_of_a_selection_stays_the_same(client, root):
    users = [User(username=f"u{n}", source="big") for n in range(30)]
    User.objects.bulk_create(users)
    path = client.get(f"{PATH}?all=1&source=big")["Location"]
    selection = Selection.parse(QueryDict(path.partition("?")[2]))
    with (
        patch.object(selection_count, "SAMPLE_RUNS", 5),
        patch.object(selection_count, "SAMPLE_RUN_LENGTH", 2),
    ):
        samples = [selection_count.sample_ids(selection) for _ in range(2)]
    assert samples[0] == samples[1]
