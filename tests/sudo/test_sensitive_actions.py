"""Sensitive actions beside the verbs, each before and after the confirmation: files with personal
data, the undo of a large job, the start of campaigns and imports, roles.
"""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from tests.builders import PASSWORD, make_superuser, make_users
from tests.bulk.running import run
from tests.campaigns import running as campaigns
from tests.transfer.imports.test_import_pages import check_file, start_import
from users.jobs.models import Job
from users.models import User
from users.sudo.recent import SUDO_KEY
from users.transfer.imports.start_views import grants_access
from users.transfer.models import ImportFile

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of pages, and not of the database

CSV = {"columns": ["id", "email"], "format": "csv"}


@pytest.fixture
def root(client, settings) -> User:
    settings.SUDO_BULK_ABOVE = 1
    root = make_superuser(password=PASSWORD)
    client.force_login(root)
    return root


def asks(client: Client, path: str) -> bool:
    """Returns whether the page asks who is at the keyboard some time after signing in, and no
    longer does after the password.
    """
    forget(client)
    response = client.get(path, follow=True)
    asked = response.request["PATH_INFO"] == "/sudo/"
    assert client.post("/sudo/", {"password": PASSWORD}).status_code == 302
    response = client.get(path, follow=True)
    assert response.status_code in (200, 405)
    assert response.request["PATH_INFO"] != "/sudo/"
    return asked


def forget(client: Client) -> None:
    session = client.session
    session[SUDO_KEY] = {"at": 0, "method": "sign-in"}
    session.save()


def test_the_file_of_an_export(client, root):
    job = run("export", make_users(1), by=root, parameters=CSV)
    path = f"/exports/{job.export.pk}/file/"
    forget(client)
    refused = client.get(path)
    assert (refused.status_code, refused["Location"].partition("?")[0]) == (302, "/sudo/")
    assert asks(client, path)


def test_the_undo_of_a_large_job_and_of_no_small_one(client, root):
    large = run("suspension", make_users(2), by=root)
    small = run("suspension", make_users(1), by=root)
    assert asks(client, f"/jobs/{large.pk}/undo/")
    assert not asks(client, f"/jobs/{small.pk}/undo/")
    forget(client)
    assert client.post(f"/jobs/{large.pk}/undo/", {"reason": "x"})["Location"].startswith("/sudo/")
    assert not Job.objects.filter(parent=large).exists()


@pytest.mark.parametrize(("kind", "failed"), [("suspension", 2), ("erasure", 1)])
def test_the_retry_of_a_large_job_and_of_a_sensitive_one(client, root, kind, failed):
    job = run(kind, make_users(failed), by=root)
    Job.objects.filter(pk=job.pk).update(state="done", changed=0, failed=failed)
    path = f"/jobs/{job.pk}/retry/"
    forget(client)
    assert client.post(path)["Location"].startswith("/sudo/")
    assert not Job.objects.filter(parent=job).exists()
    assert client.post("/sudo/", {"password": PASSWORD}).status_code == 302
    assert client.post(path)["Location"] == f"/jobs/{Job.objects.latest('pk').pk}/"


def test_a_review_that_may_remove_roles_by_itself(client, root):
    assert asks(client, "/staff/reviews/new/")


def test_the_start_of_a_campaign_to_many(client, root):
    campaign = campaigns.draft(root, campaigns.readers(2))
    path = f"/mail/campaigns/{campaign.pk}/start/"
    assert asks(client, path)
    forget(client)
    assert client.post(path, {"count": "2"})["Location"].startswith("/sudo/")
    campaign.refresh_from_db()
    assert campaign.state == "draft"


def test_the_start_of_an_import(client, root):
    file = check_file(client)
    forget(client)
    assert start_import(client, file)["Location"].startswith("/sudo/")
    file.refresh_from_db()
    assert file.job is None
    assert client.post("/sudo/", {"password": PASSWORD}).status_code == 302
    assert start_import(client, file)["Location"] == f"/imports/{file.pk}/"


@pytest.mark.parametrize(
    ("rules", "asks_always"),
    [
        ({"fields": {"email": "{mail}"}}, False),
        ({"fields": {"groups": "{role}"}}, True),
        ({"fields": {}, "groups": ["Support"]}, True),
        ({"fields": {"password_hash": "{hash}"}}, True),
        ({"fields": {"password": "{pw}"}}, True),
    ],
)
def test_a_small_import_of_roles_or_passwords(rules, asks_always):
    assert grants_access(ImportFile(rules=rules)) is asks_always


def test_roles_themselves(client, root):
    role = Group.objects.get(name="Viewer")
    for path in ("new/", f"{role.pk}/edit/", f"{role.pk}/delete/"):
        assert asks(client, f"/staff/roles/{path}"), path
