"""Ending the sessions of many leaves those of whoever asks, unless that is said."""

import pytest

from tests.builders import make_superuser, make_user
from tests.bulk.running import run, work
from tests.pages import form, read
from users.jobs.models import Job

pytestmark = pytest.mark.django_db
PATH = "/users/bulk/sessions-end/"
OPEN = "Your own sessions stay open, so that you can follow the job."


@pytest.fixture
def root(client):
    root = make_superuser()
    client.force_login(root)
    return root


def sent(client, accounts, *counts: str, **typed) -> dict:
    """Types each of `counts`, since ending one's own sessions changes what is to be typed."""
    path = f"{PATH}?" + "&".join(f"ids={account.pk}" for account in accounts)
    page = response = client.get(path)
    for count in counts:
        response = client.post(path, form(response, path) | {"count": count} | typed)
    return {"page": read(page).text, "job": work(Job.objects.get())}


def test_whoever_asks_stays_signed_in_and_is_told_before(client, root, client_factory):
    ada = make_user("Support")
    other = client_factory(ada)
    answer = sent(client, [root, ada], "1")
    assert OPEN in answer["page"]
    assert "Active sessions 1 will end" in answer["page"]
    assert (answer["job"].changed, answer["job"].skipped) == (1, 1)
    assert client.get(f"/jobs/{answer['job'].pk}/").status_code == 200
    assert other.get("/users/").status_code == 302


def test_whoever_says_so_is_signed_out_too(client, root, client_factory):
    ada = make_user("Support")
    client_factory(ada)
    answer = sent(client, [root, ada], "1", "2", include_own="on")
    assert (answer["job"].changed, answer["job"].skipped) == (2, 0)
    assert client.get("/users/").status_code == 302


def test_a_job_from_the_shell_leaves_them_too(client, root):
    assert run("sessions-end", [root], by=root).skipped == 1
    assert client.get("/users/").status_code == 200


def test_the_page_for_ones_own_account_warns(client, root):
    text = read(client.get(f"/users/{root.pk}/sessions/end/")).text
    assert "This is your own account: you will be signed out too." in text
