"""A second person has to agree to large jobs, whatever the way to them."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_superuser, make_user
from tests.bulk.running import start, work
from tests.pages import read
from users import access
from users.audit.models import AuditEvent
from users.bulk import undo
from users.exceptions import JobRefused
from users.jobs import approval, engine, worker
from users.jobs.kinds import KINDS
from users.jobs.models import Job
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def threshold(settings):
    settings.BULK_APPROVAL_ABOVE = 2


@pytest.fixture
def agent():
    return make_user("Support")


@pytest.fixture
def boss(client):
    boss = make_user("Manager")
    client.force_login(boss)
    return boss


def people(number: int = 3) -> list[User]:
    return [make_user(email=f"p{n}@example.org") for n in range(number)]


def waiting(agent, **fields) -> Job:
    job = start("suspension", people(), by=agent, **fields)
    assert job.state == "waiting"
    return job


def actions() -> list[str]:
    return list(
        AuditEvent.objects.exclude(action__startswith="account")
        .order_by("id")
        .values_list("action", flat=True)
    )


def test_a_large_job_waits_until_a_second_person_approves_it(client, agent, boss):
    job = waiting(agent)
    assert worker.work_time_slice() is None
    assert client.get(f"/jobs/{job.pk}/approval/").status_code == 200
    response = client.post(f"/jobs/{job.pk}/approval/")
    assert response["Location"] == f"/jobs/{job.pk}/"
    assert work(job).changed == 3
    assert actions() == ["job.approval_asked", "job.approved", "job.done"]
    assert AuditEvent.objects.get(action="job.approved").actor_id == boss.pk


def test_whoever_approves_sees_what_it_would_touch(client, agent, boss):
    staff = make_user("Viewer", email="skipped@example.org")
    job = start("suspension", [*people(), staff], by=agent)
    text = read(client.get(f"/jobs/{job.pk}/approval/")).text
    assert "p0@example.org" in text
    assert "skipped@example.org" not in text
    assert "1 This is a staff account. Only a role that can manage staff accounts may" in text
    back = Job.objects.create(
        kind="undo-suspend",
        by=agent,
        up_to=1,
        state="waiting",
        selection="job=1&outcome=changed",
        parameters={"of": 1},
    )
    assert client.get(f"/jobs/{back.pk}/approval/").status_code == 200


def test_a_job_as_large_as_the_threshold_does_not_wait(agent):
    assert start("suspension", people(2), by=agent).state == "queued"


def test_what_the_caller_expects_is_not_believed(agent):
    assert waiting(agent, expected=1).expected == 3


def test_what_is_approved_is_what_its_initiator_could_find(boss):
    """Whoever sees addresses masked does not find parts of them; a manager would."""
    people()
    make_user(email="p9@example.net", first_name="P0", last_name="P1")
    agent = make_user("Viewer", is_staff=True)
    agent.user_permissions.add(Permission.objects.get(codename="suspend_user"))
    named = [make_user(first_name=f"Zoe{n}") for n in range(3)] + [
        make_user(email="zoe@example.net")
    ]
    job = start("suspension", None, by=User.objects.get(pk=agent.pk), selection="q=zoe&all=1")
    assert job.expected == 3
    assert approval.approve_job(job, by=boss).state == "queued"
    work(job)
    assert set(User.objects.filter(status="suspended")) == set(named[:3])


def test_a_declined_job_ends_with_the_reason_and_nothing_is_done(client, agent, boss):
    job = waiting(agent)
    response = client.post(f"/jobs/{job.pk}/refusal/", {"reason": "Too <many>"})
    assert response["Location"] == f"/jobs/{job.pk}/"
    job.refresh_from_db()
    assert (job.state, job.note) == ("cancelled", f"Declined by {boss.username}. Too <many>")
    assert not User.objects.filter(status="suspended").exists()
    assert actions() == ["job.approval_asked", "job.declined"]
    assert AuditEvent.objects.get(action="job.declined").reason == "Too <many>"


@pytest.mark.parametrize("verb", [approval.approve_job, approval.decline_job])
def test_nobody_decides_about_a_job_of_their_own(client, verb):
    for own in (make_user("Manager"), make_superuser()):
        job = start("suspension", people(), by=own)
        with pytest.raises(access.Denied, match="your own job"):
            verb(job, by=own)
        client.force_login(own)
        for path in ("approval", "refusal"):
            for answer in (
                client.get(f"/jobs/{job.pk}/{path}/"),
                client.post(f"/jobs/{job.pk}/{path}/"),
            ):
                assert_denied(answer, "", actor=own, action="approve_bulk")
        assert Job.objects.get(pk=job.pk).state == "waiting"
        User.objects.filter(email_domain="example.org").update(email_domain="example.net", email="")


@pytest.mark.parametrize("role", ["Viewer", "Support", "Auditor"])
def test_who_may_not_approve_is_refused(client, agent, role):
    job = waiting(agent)
    viewer = make_user(role)
    client.force_login(viewer)
    for path in ("approval", "refusal"):
        for answer in (
            client.get(f"/jobs/{job.pk}/{path}/"),
            client.post(f"/jobs/{job.pk}/{path}/"),
        ):
            assert_denied(answer, "users.approve_bulk", actor=viewer, action="approve_bulk")
    assert Job.objects.get(pk=job.pk).state == "waiting"


def test_whoever_may_approve_sees_what_waits(agent):
    approver = make_user("Viewer")
    approver.user_permissions.add(Permission.objects.get(codename="approve_bulk"))
    approver = User.objects.get(pk=approver.pk)
    job = waiting(agent)
    assert engine.may_see_job(approver, job)
    approval.approve_job(job, by=approver)
    assert not engine.may_see_job(approver, Job.objects.get(pk=job.pk))


def test_small_jobs_of_one_action_add_up(agent, boss):
    accounts = [make_user() for _ in range(5)]
    one, two, three = accounts[:1], accounts[1:2], accounts[2:3]
    assert start("suspension", one, by=agent).state == "queued"
    assert start("suspension", two, by=agent).state == "queued"
    third = start("suspension", three, by=agent)
    assert third.state == "waiting"
    # Another person, and another action, have counts of their own.
    assert start("suspension", accounts[3:], by=make_user("Support")).state == "queued"
    assert start("sessions-end", accounts[3:], by=agent).state == "queued"
    # An approved job is no reason to stop the next ones.
    approval.approve_job(third, by=boss)
    work(third)
    Job.objects.filter(frozen="").update(created_at=timezone.now() - timedelta(hours=25))
    assert start("suspension", accounts[3:], by=agent).state == "queued"


def test_jobs_over_a_filter_add_up_before_they_have_begun(agent):
    """Nobody counts a filter before the start, and the job has reached no account yet."""
    people(2)
    selection = {"selection": "all=1&domain=example.org"}
    first = start("suspension", None, by=agent, **selection)
    assert (first.state, first.expected, first.selected) == ("queued", 2, 0)
    assert start("suspension", None, by=agent, **selection).state == "waiting"


def test_a_cancelled_job_counts_as_far_as_it_went(agent):
    accounts = people(2)
    job = start("suspension", accounts, by=agent)
    engine.cancel_job(job, by=agent)
    assert approval.recent_accounts(KINDS["suspend"], agent.pk) == 0
    job = start("suspension", accounts, by=agent)
    time_slice = worker.TimeSlice(worker.claim_job())
    time_slice.size = 1
    time_slice.step()
    engine.cancel_job(job, by=agent)
    assert approval.recent_accounts(KINDS["suspend"], agent.pk) == 1


def test_the_preview_says_that_small_jobs_add_up(client, agent):
    client.force_login(agent)
    start("suspension", [make_user(), make_user()], by=agent)
    other = make_user()
    page = read(client.get(f"/users/bulk/suspension/?ids={other.pk}")).text
    assert "A second person must approve this job." in page
    client.force_login(make_user("Support"))
    page = read(client.get(f"/users/bulk/suspension/?ids={other.pk}")).text
    assert "A second person must approve this job." not in page


def test_a_limit_that_was_lowered_meanwhile_stops_the_next_job(agent, settings):
    accounts = people(3)
    assert start("suspension", accounts[:2], by=agent).state == "queued"
    settings.BULK_APPROVAL_ABOVE = 1
    assert start("suspension", accounts[2:], by=agent).state == "waiting"


@pytest.mark.parametrize(
    ("size", "share", "limit"),
    [
        (0, 5, 100),
        (1000, 5, 100),
        (10_001, 5, 500),
        (10_001, 2.5, 250),
        (10_001, 100, 10_000),
        (1_000_000, 5, 10_000),
    ],
)
def test_a_share_of_the_directory_needs_approval_too(settings, monkeypatch, size, share, limit):
    settings.BULK_APPROVAL_ABOVE = 10_000
    settings.BULK_APPROVAL_SHARE = share
    monkeypatch.setattr(approval, "directory_size", lambda: size)
    assert approval.approval_threshold(KINDS["suspend"]) == limit
    settings.BULK_APPROVAL_ABOVE_FOR = {"suspend": 10}
    assert approval.approval_threshold(KINDS["suspend"]) == 10


def test_one_person_cannot_suspend_most_of_a_directory(agent, settings):
    settings.BULK_APPROVAL_ABOVE = 10_000
    settings.BULK_APPROVAL_SHARE = 5
    User.objects.bulk_create(User(username=f"u{n}", email=f"u{n}@a.org") for n in range(120))
    assert approval.directory_size() >= 120
    job = start("suspension", None, by=agent)
    assert (job.state, job.expected) == ("waiting", User.objects.count())


@pytest.mark.parametrize("change", ["one less", "one more", "another one"])
def test_an_approval_dies_with_the_set_that_it_was_asked_for(client, agent, boss, change):
    accounts = people()
    late = make_user(email="late@example.net")
    fields = {"selection": "all=1&domain=example.org"}
    job = start("suspension", None, by=agent, **fields)
    if change != "one more":
        User.objects.filter(pk=accounts[0].pk).update(email_domain="example.net")
    if change != "one less":
        User.objects.filter(pk=late.pk).update(email_domain="example.org")
    text = read(client.get(f"/jobs/{job.pk}/approval/")).text
    assert "If the list has changed since the request, the job is cancelled." in text
    response = client.post(f"/jobs/{job.pk}/approval/")
    assert response.status_code == 409
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert "have changed since approval was requested" in job.note
    assert worker.work_time_slice() is None
    assert actions() == ["job.approval_asked", "job.cancelled"]


def test_a_set_with_the_same_sums_is_another_set(client, agent, boss):
    """Ids a + {0, 3, 5, 6} and a + {1, 2, 4, 7}: as many, with equal sums of ids and of squares."""
    base = 100_000
    accounts = [make_user(pk=base + number, email_domain="") for number in range(8)]
    User.objects.filter(pk__gte=base).update(email_domain="example.net")
    chosen = User.objects.filter(pk__in=[base, base + 3, base + 5, base + 6])
    chosen.update(email_domain="example.org")
    job = start("suspension", None, by=agent, selection="all=1&domain=example.org")
    assert (job.state, job.expected) == ("waiting", 4)
    chosen.update(email_domain="example.net")
    others = [base + 1, base + 2, base + 4, base + 7]
    User.objects.filter(pk__in=others).update(email_domain="example.org")
    assert client.post(f"/jobs/{job.pk}/approval/").status_code == 409
    assert Job.objects.get(pk=job.pk).state == "cancelled"
    assert not User.objects.filter(pk__in=[account.pk for account in accounts], status="suspended")


def test_an_approval_survives_a_new_secret_key(agent, boss, settings):
    job = waiting(agent)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "n3w" * 20
    assert approval.approve_job(job, by=boss).state == "queued"
    more = [make_user() for _ in range(3)]
    other = start("suspension", more, by=make_user("Support"))
    settings.SECRET_KEY_FALLBACKS = []
    settings.SECRET_KEY = "oth3r" * 20
    assert approval.approve_job(other, by=boss).state == "cancelled"


def test_a_set_that_changes_between_approval_and_begin_parks_the_job(client, agent, boss):
    accounts = people()
    job = start("suspension", None, by=agent, selection="all=1&domain=example.org")
    text = read(client.get(f"/jobs/{job.pk}/approval/")).text
    assert "between the approval and the start, the job stops without changing anything." in text
    approval.approve_job(job, by=boss)
    User.objects.filter(pk=accounts[0].pk).update(email_domain="example.net")
    assert work(job).state == "parked"
    assert "Start the job again" in job.note
    engine.resume_job(job, by=agent)
    assert work(job).state == "parked"
    assert not User.objects.filter(status="suspended").exists()


def test_an_approved_job_goes_on_though_it_changes_what_its_filter_finds(agent, boss, monkeypatch):
    people(3)
    job = start("suspension", None, by=agent, selection="all=1&domain=example.org&status=active")
    approval.approve_job(job, by=boss)
    time_slice = worker.TimeSlice(worker.claim_job())
    time_slice.size = 2
    time_slice.step()
    engine.pause_job(job, by=agent)
    engine.resume_job(job, by=agent)
    assert (work(job).state, job.changed) == ("done", 3)


def test_an_undo_of_many_needs_four_eyes_too(agent, boss):
    job = waiting(agent)
    approval.approve_job(job, by=boss)
    back = undo.undo_job(work(job), by=agent, reason="")
    assert back.state == "waiting"
    approval.approve_job(back, by=boss)
    assert work(back).changed == 3


def test_a_retry_of_many_needs_four_eyes_too(agent, boss, monkeypatch):
    job = waiting(agent)
    approval.approve_job(job, by=boss)
    kind = KINDS["suspend"]
    monkeypatch.setattr(kind, "run", lambda chunk: [chunk.failed(pk, "broken") for pk in chunk.ids])
    again = engine.retry_failed(work(job), by=agent)
    assert again.state == "waiting"


@pytest.mark.parametrize("rule", ["always", "never"])
def test_an_action_may_need_approval_always_or_never(agent, monkeypatch, rule):
    monkeypatch.setattr(KINDS["suspend"], "approval_rule", rule)
    assert start("suspension", people(1 if rule == "always" else 5), by=agent).state == {
        "always": "waiting"
    }.get(rule, "queued")


def test_only_what_waits_is_decided(client, agent, boss):
    job = start("suspension", people(1), by=agent)
    for path in ("approval", "refusal"):
        assert client.get(f"/jobs/{job.pk}/{path}/").status_code == 409
        response = client.post(f"/jobs/{job.pk}/{path}/")
        assert response.status_code == 409
        assert "queued" in errors_of(response)[0]


def test_a_job_that_waits_is_not_resumed_around_the_approval(agent):
    job = waiting(agent)
    for verb in (engine.pause_job, engine.resume_job):
        with pytest.raises(JobRefused):
            verb(job, by=agent)
    assert Job.objects.get(pk=job.pk).state == "waiting"


def test_bad_input_is_named(client, agent, boss):
    job = waiting(agent)
    assert client.post(f"/jobs/{job.pk}/refusal/", {"reason": "x" * 2001}).status_code == 422


@pytest.mark.parametrize("path", ["approval", "refusal"])
class TestLadder:
    def test_strangers_are_sent_to_sign_in(self, client, path):
        assert_sent_to_sign_in(client, f"/jobs/1/{path}/")

    def test_an_unknown_id_is_not_found(self, client, boss, path):
        assert_not_found(client, f"/jobs/{{}}/{path}/")

    def test_other_methods_are_refused(self, client, boss, path):
        assert_wrong_method(client, f"/jobs/1/{path}/", allowed="GET, HEAD, POST")
