"""Each action from its page to its job, and back where there is a way back."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.account_rows import row
from tests.answers import errors_of
from tests.builders import make_superuser, make_user
from tests.bulk.running import run, work
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.bulk import undo
from users.bulk.registry import ACTIONS_BY_SLUG
from users.bulk.undo_rules import undo_refusal
from users.jobs import approval
from users.jobs.models import Job, JobItem
from users.models import User

pytestmark = pytest.mark.django_db
GONE = {"status": "deleted", "deleted_at": timezone.now()}
# Accounts that each changes, and what is typed beside the reason and the number.
FITTING: dict[str, dict] = {
    "reinstatement": {"status": "suspended"},
    "end-date-removal": {"valid_until": "2999-01-01T00:00:00Z"},
    "password-change": {"password": "a-long-enough-passphrase"},
    "restoration": GONE,
    "letter": {"email_verified_at": timezone.now()},
}
TYPED: dict[str, dict] = {
    "end-date": {"until": "2999-01-31T12:30"},
    "groups": {"groups": ["1"]},
    "export": {"columns": ["email", "status"], "format": "csv"},
    "letter": {"subject": "Hello {name}", "text": "Dear {first_name}"},
    "groups-removal": {"groups": ["1"]},
    "attribute": {"field": "time_zone", "value": "Europe/Lisbon"},
}


@pytest.fixture(autouse=True)
def no_second_person(settings):
    settings.BULK_APPROVAL_ABOVE_FOR = {}


@pytest.fixture
def root(client):
    make_superuser()
    root = make_superuser()
    client.force_login(root)
    return root


def fitting(slug: str) -> list[User]:
    accounts = [make_user(**FITTING.get(slug, {})) for _ in range(2)]
    if slug == "groups-removal":
        for account in accounts:
            account.groups.add(*Group.objects.order_by("id")[:2])
    if slug == "sessions-end":
        for account in accounts:
            Client().force_login(account)
    return accounts


def typed(slug: str) -> dict:
    own = TYPED.get(slug, {})
    first = str(Group.objects.order_by("id").values_list("pk", flat=True)[0])
    return {"reason": "A test"} | own | ({"groups": [first]} if "groups" in own else {})


@pytest.mark.parametrize("slug", ACTIONS_BY_SLUG)
def test_its_page_starts_the_job(client, root, slug):
    accounts = fitting(slug)
    path = f"/users/bulk/{slug}/?" + "&".join(f"ids={account.pk}" for account in accounts)
    response = client.get(path)
    assert read(response).one("h1").text == ACTIONS_BY_SLUG[slug].confirmation_question(
        "2 accounts"
    )
    response = client.post(path, form(response, path) | {"count": "2"} | typed(slug))
    assert response.status_code == 302, errors_of(response)
    job = Job.objects.get()
    if job.state == "waiting":
        approval.approve_job(job, by=make_superuser())
    assert (work(job).state, job.changed + job.unchanged) == ("done", 2)
    assert client.get(f"/jobs/{job.pk}/").status_code == 200


@pytest.mark.parametrize(
    ("slug", "parameters", "title"),
    [
        ("suspension", {"until": None}, "Suspend 1,234 accounts"),
        (
            "suspension",
            {"until": "2999-01-31T12:30:00+00:00"},
            "Suspend 1,234 accounts until 31 Jan 2999, 12:30 UTC",
        ),
        (
            "end-date",
            {"until": "2999-01-31T12:30:00+00:00"},
            "Set end date of 1,234 accounts to 31 Jan 2999, 12:30 UTC",
        ),
        (
            "groups",
            {"groups": [1], "names": ["Friends {0}", "<b>"]},
            "Add Friends {0}, <b> to 1,234 accounts",
        ),
        (
            "groups-removal",
            {"groups": [1], "names": ["Friends"]},
            "Remove Friends from 1,234 accounts",
        ),
        (
            "attribute",
            {"field": "locale", "value": "de"},
            "Set language of 1,234 accounts to “de”",
        ),
        (
            "erasure",
            {"reserve": False},
            "Permanently erase 1,234 accounts and release the names",
        ),
        ("sessions-end", {}, "End all sessions of 1,234 accounts"),
    ],
)
def test_its_job_is_called_what_it_does(client, root, slug, parameters, title):
    job = Job.objects.create(
        kind=ACTIONS_BY_SLUG[slug].name, by=root, up_to=1, parameters=parameters, expected=1234
    )
    page = read(client.get(f"/jobs/{job.pk}/"))
    assert page.one("h1").text == f"{title} · Job {job.pk}"
    assert page.one("title").text.startswith(f"{title} · Job {job.pk}")
    Job.objects.update(state="done", changed=1, skipped=1, selected=2)
    assert "1 account" in read(client.get("/jobs/")).one("table").text


def kept(account: User) -> dict:
    return {
        name: value
        for name, value in row(account).items()
        if name not in ("version", "updated_at", "session_epoch")
    }


@pytest.mark.parametrize(
    "slug", [slug for slug, action in ACTIONS_BY_SLUG.items() if action.undo_action]
)
def test_undo_puts_everything_back_and_undo_of_that_brings_it_again(client, root, slug):
    accounts = fitting(slug)
    before = [kept(account) for account in accounts]
    path = f"/users/bulk/{slug}/?" + "&".join(f"ids={account.pk}" for account in accounts)
    client.post(path, form(client.get(path), path) | {"count": "2"} | typed(slug))
    job = work(Job.objects.get())
    changed = [kept(account) for account in accounts]
    assert changed != before
    back = work(undo.undo_job(job, by=root, reason=""))
    assert (back.changed, [kept(account) for account in accounts]) == (2, before)
    again = work(undo.undo_job(back, by=root, reason=""))
    assert (again.changed, [kept(account) for account in accounts]) == (2, changed)
    assert [User.objects.get(pk=account.pk).version for account in accounts] == [4, 4]


@pytest.mark.parametrize(
    ("slug", "change", "says"),
    [
        ("end-date", {"until": "2020-01-01T00:00"}, "Choose a time in the future."),
        ("end-date", {"until": ""}, "required"),
        ("groups", {"groups": []}, "required"),
        ("groups", {"groups": ["999999"]}, "not one of the available choices"),
        ("attribute", {"field": "time_zone", "value": "Mars"}, "time zone"),
        ("attribute", {"field": "username", "value": "x"}, "not one of the available choices"),
        ("attribute", {"field": "locale", "value": "<b>"}, "language"),
    ],
)
def test_bad_input_is_named(client, root, slug, change, says):
    [account, _] = fitting(slug)
    path = f"/users/bulk/{slug}/?ids={account.pk}"
    response = client.post(
        path, form(client.get(path), path) | {"count": "1"} | typed(slug) | change
    )
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response)), errors_of(response)
    assert not Job.objects.exists()


@pytest.mark.postgresql
def test_events_have_the_time_of_the_database_whatever_the_clock_of_the_host_says(monkeypatch):
    accounts = [make_user(), make_user()]
    root = make_superuser()
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        before = cursor.fetchone()[0]
    monkeypatch.setattr("django.utils.timezone.now", lambda: before + timedelta(hours=2))
    job = run("suspension", accounts, by=root)
    work(undo.undo_job(job, by=root, reason=""))
    times = AuditEvent.objects.filter(target_id=accounts[0].pk).values_list("at", flat=True)
    assert len(times) == 2
    assert all(before < at < before + timedelta(hours=1) for at in times)


def test_groups_are_not_given_back_by_somebody_who_does_not_have_their_rights():
    """Taking a group away needs less than giving it."""
    root = make_superuser()
    manager = make_user("Manager")
    ada = make_user()
    support = Group.objects.get(name="Support")
    ada.groups.add(support)
    support.permissions.add(*Group.objects.get(name="Administrator").permissions.all())
    job = run("groups-removal", [ada], by=root, parameters={"groups": [support.pk]})
    back = work(undo.undo_job(job, by=User.objects.get(pk=manager.pk), reason=""))
    assert (back.changed, back.skipped) == (0, 1)
    assert (
        "Only someone with these permissions can grant them" in JobItem.objects.get(job=back).reason
    )
    assert not ada.groups.exists()


def test_a_group_that_is_gone_by_then_is_not_given_back(root):
    ada = make_user()
    club = Group.objects.create(name="Club")
    ada.groups.add(club, Group.objects.get(name="Viewer"))
    job = run(
        "groups-removal",
        [ada],
        by=root,
        parameters={"groups": [club.pk, Group.objects.get(name="Viewer").pk]},
    )
    club.delete()
    assert work(undo.undo_job(job, by=root, reason="")).changed == 1
    assert list(ada.groups.values_list("name", flat=True)) == ["Viewer"]


def test_what_is_erased_is_not_taken_back(root):
    job = run("erasure", [make_user()], by=root, reason="Asked for it")
    assert (job.state, job.changed) == ("done", 1)
    assert "can’t be undone" in undo_refusal(job)


def test_more_than_ten_are_erased_by_two_people_only(root, settings):
    settings.BULK_APPROVAL_ABOVE_FOR = {"erase": 1}
    assert run("erasure", [make_user(), make_user()], by=root).state == "waiting"
    assert run("erasure", [make_user()], by=root).state == "done"
