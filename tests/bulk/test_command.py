"""manage.py bulk ACTION"""

import io

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.builders import make_superuser, make_user
from users.audit.models import AuditEvent
from users.jobs import approval, worker
from users.jobs.kinds import KINDS
from users.jobs.models import Job
from users.mail.models import Message
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent():
    return make_user("Support", username="ann")


@pytest.fixture
def accounts():
    return [make_user(email=f"p{n}@example.org") for n in range(3)]


def bulk(
    action="suspend", *, by="ann", reason="Spam", filter="domain=example.org", **options
) -> str:
    out = io.StringIO()
    call_command("bulk", action, by=by, reason=reason, filter=filter, stdout=out, **options)
    return out.getvalue()


def refused(*args, **options) -> str:
    with pytest.raises(CommandError) as caught:
        bulk(*args, **options)
    assert caught.value.returncode == 2
    assert not Job.objects.exists()
    return str(caught.value)


def test_it_does_what_the_page_does_and_reconciles(agent, accounts):
    make_superuser(email="root@example.org")
    said = bulk(here=True)
    assert (
        said.splitlines()[-1]
        == "Done: 4 accounts = 3 changed + 1 skipped + 0 failed + 0 unchanged."
    )
    assert User.objects.filter(status="suspended", status_reason="Spam").count() == 3
    job = Job.objects.get()
    assert (job.by, job.words, job.expected) == (agent, "accounts at example.org", 4)
    assert "Requested from a shell on the server." in {line.sentence for line in job.lines.all()}
    assert (
        AuditEvent.objects.filter(
            action="account.suspended", actor_id=agent.pk, job_id=job.pk
        ).count()
        == 3
    )


def test_a_dry_run_shows_what_it_would_touch_and_starts_nothing(agent, accounts):
    make_superuser(email="root@example.org")
    said = bulk(dry_run=True)
    assert "Suspend 3 of 4 accounts: accounts at example.org" in said
    assert "1. Only a superuser may change a superuser’s account." in said
    assert "Nothing was started." in said
    assert not Job.objects.exists()


def test_it_goes_without_waiting(agent, accounts):
    assert "is queued" in bulk(no_wait=True)
    assert Job.objects.get().state == "queued"


def test_a_large_job_waits_for_a_second_person_here_too(agent, accounts, settings):
    settings.BULK_APPROVAL_ABOVE = 2
    said = bulk(here=True)
    job = Job.objects.get()
    assert f"Job {job.pk} must be approved by a second person" in said
    assert worker.work_time_slice() is None
    approval.approve_job(job, by=make_user("Manager"))
    worker.work_time_slice()
    assert User.objects.filter(status="suspended").count() == 3


def test_whoever_may_not_is_refused_and_that_is_in_the_trail(accounts):
    viewer = make_user("Viewer", username="vic")
    assert "vic may not do this" in refused(by="vic")
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.after["action"]) == ("denied", viewer.pk, "suspend")


def test_what_an_action_asks_for_is_set(agent, accounts):
    root = make_superuser(username="root")
    friends = Group.objects.create(name="Friends")
    bulk("add-to-groups", by=root.username, set=["groups=Friends", "groups=Viewer"], here=True)
    assert friends.user_set.count() == 3
    bulk(
        "set-attribute", by=root.username, reason="", set=["field=locale", "value=pt-BR"], here=True
    )
    assert User.objects.filter(locale="pt-BR").count() == 3


@pytest.mark.parametrize("role", ["Administrator", "Superuser"])
def test_roles_with_power_are_granted_to_one_account_at_a_time(accounts, role):
    make_superuser(username="root")
    said = refused("add-to-groups", by="root", set=["groups=Support", f"groups={role}"])
    assert role in said
    assert not User.objects.filter(groups__isnull=False).exists()
    assert not User.objects.filter(email__endswith="@example.org", is_superuser=True).exists()


def test_people_are_written_to(agent):
    ada = make_user(email="ada@example.org", email_verified_at=timezone.now())
    bulk(
        "write",
        reason="",
        set=["subject=News, {name}", "text=Dear {name},\nnew terms = 1"],
        here=True,
    )
    message = Message.objects.get()
    assert (message.account, message.letter.text) == (ada, "Dear {name},\nnew terms = 1")


def test_accounts_are_exported(accounts):
    auditor = make_user("Auditor", username="aud")
    bulk("export", by="aud", set=["columns=id", "columns=email", "format=jsonl"], here=True)
    job = Job.objects.get()
    assert (job.by, job.export.pieces.get().rows) == (auditor, 3)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"action": "explode"}, "Unknown action “explode”"),
        ({"by": "nobody"}, "There is no account “nobody”"),
        ({"filter": "status=odd"}, "--filter: status"),
        ({"filter": "ids=1"}, "--filter: ids"),
        ({"reason": ""}, "--reason: This field is required."),
        ({"set": ["until=soon"]}, "--set until"),
        ({"set": ["colour=red"]}, "does not accept colour"),
        ({"action": "write", "set": ["subject=x", "text=y"]}, "does not accept reason"),
        (
            {"action": "write", "reason": "", "set": ["subject=x", "text={y}"]},
            "--set text: Unknown placeholder {y}.",
        ),
        ({"action": "export", "by": "aud"}, "--set columns: Choose at least one column."),
    ],
)
def test_what_makes_no_sense_is_named(agent, accounts, options, says):
    make_user("Auditor", username="aud")
    assert says in refused(**options)


def test_a_job_that_does_not_end_well_is_an_exit_code(agent, accounts, monkeypatch):
    monkeypatch.setattr(
        KINDS["suspend"],
        "run",
        lambda chunk: [chunk.failed(pk, "broken") for pk in chunk.ids],
    )
    with pytest.raises(SystemExit) as caught:
        bulk(here=True)
    assert caught.value.code == 1


def test_nobody_is_no_error(agent):
    assert "Nothing was started." in bulk()
