"""A directory in which every page of the site has something to show, for tests that visit all."""

from dataclasses import dataclass

from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.builders import PASSWORD, make_superuser, make_user
from tests.campaigns import running as campaigns
from tests.directory.lists.pasting import paste_list
from tests.factors.factors import give_app
from tests.full_history import live
from tests.pages import form
from users.campaigns.models import EmailTemplate
from users.directory.models import SavedView, ViewPage
from users.mail.models import Suppression
from users.mail.suppressions import suppress_address
from users.models import User
from users.role_models import RoleSettings
from users.staff.requests.decisions import request_role
from users.staff.reviews.opening import open_review
from users.transfer.exports.schedules import create_schedule
from users.transfer.models import ImportFile, SavedMapping

STAFF_ROLES = ["Viewer", "Support", "Auditor", "Manager", "Administrator"]
PEOPLE = b"E-Mail,Given name\nada@example.org,Ada\nno address,Cy\n"


@dataclass(frozen=True)
class Site:
    """The viewers by role ("superuser" and "nobody" among them), and the marked person, whose
    values no one else has (tests/full_history.py).
    """

    viewers: dict[str, User]
    person: User


def fill_site(person: User) -> Site:
    """Gives the person a history, and every room something to show."""
    person = live(person)
    viewers = {role: make_user(role, password=PASSWORD) for role in STAFF_ROLES}
    viewers["superuser"] = make_superuser(password=PASSWORD)
    viewers["nobody"] = make_user(password=PASSWORD)
    root = viewers["superuser"]
    for status in ("invited", "suspended"):
        make_user(status=status)
    fill_staff(viewers)
    fill_mail(root)
    fill_files(root)
    fill_lists(root)
    return Site(viewers, person)


def fill_staff(viewers: dict[str, User]) -> None:
    """Adds a role that can be requested, requests for it, a review and second factors."""
    role = Group.objects.create(name="Night shift")
    RoleSettings.objects.create(group=role, requestable=True)
    for name in ("Viewer", "superuser"):
        request_role(by=viewers[name], group=role, days=3, reason="Holiday cover")
    open_review(by=viewers["superuser"], name="Autumn", role=None, days=14, outcome="remove")
    for name in ("superuser", "nobody"):
        give_app(viewers[name])


def fill_mail(root: User) -> None:
    EmailTemplate.objects.create(name="Move", subject="Hello", text="Dear {name}")
    campaigns.draft(root, campaigns.readers(2), name="A draft")
    client = Client()
    client.force_login(root)
    campaigns.queued(client, root, campaigns.readers(2), name="A queued one")
    suppress_address("gone@example.org", Suppression.Source.COMPLAINT)


def fill_files(root: User) -> None:
    """Uploads a file, checks another one, and schedules an export."""
    client = Client()
    client.force_login(root)
    for name in ("first.csv", "second.csv"):
        client.post("/imports/", {"file": SimpleUploadedFile(name, PEOPLE)})
    path = f"/imports/{ImportFile.objects.latest('pk').pk}/mapping/"
    assert client.post(path, form(client.get(path), path)).status_code == 302
    SavedMapping.objects.create(by=root, name="Usual")
    parameters = {"columns": ["id"], "format": "jsonl"}
    create_schedule(
        by=root,
        view=None,
        parameters=parameters,
        interval="day",
        changes_only=False,
        reason="Nightly",
    )
    campaigns.work()


def fill_lists(root: User) -> None:
    paste_list(root, "ada", "nobody at all")
    trail = {"page": ViewPage.TRAIL, "query": "action=account.suspended"}
    SavedView.objects.create(owner=root, name="Suspensions", **trail)
