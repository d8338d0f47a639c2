"""Undo, by the function and by its page: POST /jobs/<id>/undo/"""

import os
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_superuser, make_user
from tests.bulk.running import ended, run, work
from tests.pages import read
from users.audit.models import AuditEvent
from users.bulk import undo
from users.bulk.undo_rules import undo_refusal
from users.exceptions import JobRefused
from users.jobs import engine
from users.jobs.models import Job, JobItem
from users.models import User
from users.verbs.profile.verb import edit_profile
from users.verbs.reinstatement.verb import reinstate_account

pytestmark = pytest.mark.django_db
UNDONE = int(os.environ.get("UNDONE", "1000"))
EDITED = int(os.environ.get("EDITED", "25"))


@pytest.fixture
def agent(client):
    agent = make_user("Support")
    client.force_login(agent)
    return agent


def states(accounts) -> list[tuple]:
    found = User.objects.in_bulk([account.pk for account in accounts])
    return [
        (
            found[each.pk].status,
            found[each.pk].status_reason,
            found[each.pk].suspended_until,
            found[each.pk].valid_until,
        )
        for each in accounts
    ]


def test_each_account_is_what_it_was_to_the_microsecond(agent):
    now = timezone.now()
    accounts = [
        make_user(),
        make_user(status="invited"),
        make_user(valid_until=now),
        make_user(
            status="suspended", suspended_until=now - timedelta(days=1), status_reason="<Old>"
        ),
    ]
    before = states(accounts)
    job = run("suspension", accounts, by=agent)
    assert states(accounts) != before
    again = work(undo.undo_job(job, by=agent, reason="A mistake"))
    assert (ended(again), again.changed, again.parent) == ("done", 4, job)
    assert states(accounts) == before
    event = AuditEvent.objects.filter(target_id=accounts[0].pk).latest("id")
    assert (event.action, event.reason, event.job_id, event.target_version) == (
        "account.undone",
        "A mistake",
        again.pk,
        3,
    )
    assert event.before == {"status": "suspended", "status_reason": "A test"}
    assert event.after == {"status": "active", "status_reason": ""}
    assert User.objects.get(pk=accounts[0].pk).version == 3


def test_what_was_changed_since_is_left_alone_and_listed_with_who_did_it(agent):
    accounts = [make_user() for _ in range(4)]
    job = run("suspension", accounts, by=agent)
    other = make_user("Support", username="ben")
    edit_profile(accounts[1], by=other, version=None, phone="12345")
    User.objects.filter(pk=accounts[2].pk).update(version=9)
    again = work(undo.undo_job(job, by=agent, reason=""))
    assert (again.changed, again.skipped) == (2, 2)
    skipped = JobItem.objects.filter(job=again, outcome="skipped")
    reasons = {item.account_id: item.sentence for item in skipped}
    assert reasons[accounts[1].pk].startswith("Changed since by ben: Edited, ")
    assert reasons[accounts[2].pk] == "Changed since, outside Rollcall."
    assert [status for status, *_ in states(accounts)] == [
        "active",
        "suspended",
        "suspended",
        "active",
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"status_reason": "By hand"},
        {"status": "active", "status_reason": ""},
        {"suspended_until": timezone.now() + timedelta(days=1)},
    ],
    ids=["reason", "status", "until"],
)
def test_what_raw_sql_changed_without_a_version_is_left_alone(agent, change):
    yesterday = timezone.now() - timedelta(days=1)
    accounts = [make_user() for _ in range(3)]
    expired = {"status": "suspended", "suspended_until": yesterday, "status_reason": "<Old>"}
    accounts.append(make_user(**expired))
    before = states(accounts)
    job = run("suspension", accounts, by=agent)
    others = [accounts[0], accounts[2], accounts[3]]
    User.objects.filter(pk=accounts[1].pk).update(**change)
    left = states([accounts[1]])
    again = work(undo.undo_job(job, by=agent, reason=""))
    assert (again.changed, again.skipped) == (3, 1)
    assert states([accounts[1]]) == left
    assert states(others) == [before[0], before[2], before[3]]
    item = JobItem.objects.get(job=again, outcome="skipped")
    assert (item.account_id, item.sentence) == (accounts[1].pk, "Changed since, outside Rollcall.")
    User.objects.filter(pk=accounts[0].pk).update(status_reason="By hand")
    redone = work(undo.undo_job(again, by=agent, reason=""))
    assert (redone.changed, redone.skipped) == (2, 1)


def test_roles_that_raw_sql_gave_or_took_are_left_alone(agent):
    root = make_superuser()
    support, auditor = (Group.objects.get(name=name) for name in ("Support", "Auditor"))
    accounts = [make_user() for _ in range(3)]
    parameters = {"groups": [support.pk]}
    job = run("groups", accounts, by=root, parameters=parameters)
    accounts[1].groups.through.objects.create(user_id=accounts[1].pk, group_id=auditor.pk)
    again = work(undo.undo_job(job, by=root, reason=""))
    assert (again.changed, again.skipped) == (2, 1)
    assert set(accounts[1].groups.all()) == {support, auditor}
    support.name = "First line"
    support.save()
    redone = work(undo.undo_job(again, by=root, reason=""))
    assert redone.changed == 2


@pytest.mark.long
def test_of_many_accounts_those_that_were_edited_by_hand_are_left_and_all_others_are_back(
    agent, settings
):
    """1,000 and 25; or 100,000 and 500, with UNDONE=100000 EDITED=500."""
    settings.BULK_APPROVAL_ABOVE = UNDONE
    User.objects.bulk_create(
        (
            User(username=f"many{n}", email=f"many{n}@example.org", email_domain="example.org")
            for n in range(UNDONE)
        ),
        batch_size=2000,
    )
    newest = User.objects.latest("pk").pk
    fields = {
        "selection": f"all=1&domain=example.org&up_to={newest}&at=2026-01-01T00:00:00Z",
        "expected": UNDONE,
    }
    job = run("suspension", None, by=agent, **fields)
    assert (ended(job), job.changed) == ("done", UNDONE)
    edited = list(
        User.objects.filter(email_domain="example.org").order_by("pk")[:: UNDONE // EDITED]
    )
    for account in edited:
        edit_profile(account, by=agent, version=None, phone="12345")
    again = work(undo.undo_job(job, by=agent, reason=""))
    print(f"suspended in {job.duration}, taken back in {again.duration}")
    assert (ended(again), again.changed, again.skipped) == ("done", UNDONE - EDITED, EDITED)
    skipped = JobItem.objects.filter(job=again, outcome="skipped").select_related("actor")
    listed = {
        item.account_id for item in skipped if f"by {agent.username}: Edited" in item.sentence
    }
    assert listed == {account.pk for account in edited}
    assert (
        User.objects.filter(email_domain="example.org", status="active").count() == UNDONE - EDITED
    )


def test_an_undo_is_undone_and_that_too(agent):
    accounts = [make_user(), make_user(status="invited")]
    first = run("suspension", accounts, by=agent)
    suspended = states(accounts)
    second = work(undo.undo_job(first, by=agent, reason=""))
    third = work(undo.undo_job(second, by=agent, reason=""))
    assert states(accounts) == suspended
    fourth = work(undo.undo_job(third, by=agent, reason=""))
    assert [job.kind for job in (second, third, fourth)] == [
        "undo-suspend",
        "redo-suspend",
        "undo-suspend",
    ]
    assert [status for status, *_ in states(accounts)] == ["active", "invited"]
    assert {job.changed for job in (first, second, third, fourth)} == {2}


def test_undoing_a_reinstatement_ends_the_sessions_that_began_since(client, agent):
    from django.test import Client

    ada = make_user(status="suspended", last_login=timezone.now())
    job = run("reinstatement", [ada], by=agent)
    browser = Client()
    browser.force_login(User.objects.get(pk=ada.pk))
    work(undo.undo_job(job, by=agent, reason=""))
    reinstate_account(ada, by=make_superuser())
    answer = browser.get("/me/", follow=True)
    assert answer.redirect_chain == [("/login/?next=%2Fme%2F", 302)]
    note = read(answer).one("p", class_="note").text
    assert note.endswith(", because the account was suspended.")


def test_the_gate_is_asked_again_and_the_last_superuser_stays(agent):
    root = make_superuser()
    other = make_superuser(status="suspended")
    ada = make_user(status="suspended")
    job = run("reinstatement", [other, ada], by=root)
    assert job.changed == 2
    again = work(undo.undo_job(job, by=agent, reason=""))
    assert (again.changed, again.skipped) == (1, 1)
    assert (
        JobItem.objects.get(job=again, outcome="skipped").reason
        == "Only a superuser may change a superuser’s account."
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"state": "running"}, "has not finished"),
        ({"changed": 0, "selected": 0}, "changed nothing"),
        ({"ended_at": timezone.now() - timedelta(days=31)}, "more than 30 days ago"),
        ({"forgotten_at": timezone.now()}, "no longer kept"),
        ({"kind": "count"}, "can’t be undone"),
    ],
)
def test_what_can_not_be_undone_says_why(client, agent, change, says):
    job = run("suspension", [make_user()], by=agent)
    Job.objects.filter(pk=job.pk).update(**change)
    job.refresh_from_db()
    with pytest.raises(JobRefused, match=says):
        undo.undo_job(job, by=agent, reason="")
    assert client.get(f"/jobs/{job.pk}/undo/").status_code == 409
    response = client.post(f"/jobs/{job.pk}/undo/", {"reason": "x"})
    assert response.status_code == 409
    assert says in errors_of(response)[0]
    assert Job.objects.count() == 1


def test_a_job_is_undone_once_unless_that_was_cancelled(agent):
    job = run("suspension", [make_user()], by=agent)
    first = undo.undo_job(job, by=agent, reason="")
    with pytest.raises(JobRefused, match="is already undoing"):
        undo.undo_job(job, by=agent, reason="")
    engine.cancel_job(first, by=agent)
    assert work(undo.undo_job(job, by=agent, reason="")).changed == 1
    with pytest.raises(JobRefused, match="already"):
        undo.undo_job(job, by=agent, reason="")


def test_what_accounts_were_is_forgotten_in_time_and_what_became_of_them_is_not(
    agent, settings, monkeypatch
):
    monkeypatch.setattr(undo, "FORGET_BATCH", 2)
    accounts = [make_user() for _ in range(5)]
    old = run("suspension", accounts, by=agent)
    new = run("reinstatement", accounts, by=agent)
    Job.objects.filter(pk=old.pk).update(ended_at=timezone.now() - timedelta(days=31))
    assert (undo.forget_old_images(), undo.forget_old_images()) == (1, 0)
    assert JobItem.objects.filter(job=old, outcome="changed", before__isnull=True).count() == 5
    assert JobItem.objects.filter(job=new, before__isnull=False).count() == 5
    old.refresh_from_db()
    settings.BULK_UNDO_DAYS = 365
    assert "no longer kept" in undo_refusal(old)


def test_an_undone_job_says_so_until_its_undo_is_undone(client, agent):
    accounts = [make_user() for _ in range(3)]
    job = run("suspension", accounts, by=agent)
    reinstate_account(accounts[0], by=agent, reason="A mistake")
    again = work(undo.undo_job(job, by=agent, reason=""))
    page = read(client.get(f"/jobs/{job.pk}/"))
    assert page.one("a", class_="state job-undone").text == f"Partly undone by job {again.pk}"
    listed = {
        row.all("td")[0].one("a").text: row
        for row in read(client.get("/jobs/")).one("tbody").all("tr")
    }
    assert list(listed) == [f"Undo job {job.pk}: suspend 2 accounts", "Suspend 3 accounts"]
    state = listed["Suspend 3 accounts"].one("td", class_="c-state")
    assert state.one("a", href=f"/jobs/{again.pk}/").text == f"Partly undone by job {again.pk}"
    redo = work(undo.undo_job(again, by=agent, reason=""))
    page = read(client.get(f"/jobs/{redo.pk}/"))
    title = f"Undo job {again.pk}: suspend 2 accounts again"
    assert page.one("h1").text == f"{title} · Job {redo.pk}"
    assert page.one("a", href=f"/jobs/{again.pk}/?outcome=changed#accounts")
    assert not read(client.get(f"/jobs/{job.pk}/")).all("a", class_="state job-undone")


def test_an_undone_job_is_not_told_from_a_retry_or_a_cancelled_undo(client, agent):
    job = run("suspension", [make_user()], by=agent)
    Job.objects.create(kind="suspend", by=agent, parent=job, state="done", changed=1, selected=1)
    Job.objects.create(kind="undo-suspend", by=agent, parent=job, state="cancelled")
    assert not read(client.get(f"/jobs/{job.pk}/")).all("a", class_="state job-undone")


# --- the page -------------------------------------------------------------------------------------


def test_the_page_asks_and_starts_the_job_once(client, agent):
    ada = make_user()
    job = run("suspension", [ada], by=agent)
    path = f"/jobs/{job.pk}/undo/"
    assert "Restores 1 changed account" in client.get(path).content.decode()
    answers = [client.post(path, {"reason": "Oops"}) for _ in range(2)]
    again = Job.objects.exclude(pk=job.pk).get()
    assert {answer["Location"] for answer in answers} == {f"/jobs/{again.pk}/"}
    assert (work(again).changed, again.reason) == (1, "Oops")
    assert client.post(path, {"reason": "x" * 2001}).status_code == 422


def test_who_may_not_do_the_opposite_is_refused(client, agent):
    job = run("suspension", [make_user()], by=agent)
    auditor = make_user("Auditor")  # sees jobs
    client.force_login(auditor)
    for answer in (client.get(f"/jobs/{job.pk}/undo/"), client.post(f"/jobs/{job.pk}/undo/")):
        assert_denied(answer, "users.reinstate_user", actor=auditor, action="reinstate")


def test_whoever_may_not_see_jobs_does_not_learn_which_there_are(client, agent):
    job = run("suspension", [make_user()], by=agent)
    client.force_login(make_user("Viewer"))
    there, missing = (client.get(f"/jobs/{pk}/undo/") for pk in (job.pk, 999_999))
    assert there.status_code == missing.status_code == 403


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, "/jobs/1/undo/")


def test_an_unknown_id_is_not_found(client, agent):
    assert_not_found(client, "/jobs/{}/undo/")


def test_other_methods_are_refused(client, agent):
    assert_wrong_method(client, "/jobs/1/undo/", allowed="GET, HEAD, POST")
