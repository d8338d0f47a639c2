"""Writing to many: POST /users/bulk/letter/ and its sample, and what the job leaves behind."""

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method, errors_of
from tests.builders import make_superuser, make_user
from tests.bulk.running import run, start, work
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.bulk.registry import ACTIONS_BY_SLUG
from users.bulk.undo_rules import undo_refusal
from users.jobs import engine
from users.jobs.models import Job, JobItem
from users.mail.delivery import deliver_due_messages
from users.mail.models import Letter, Message
from users.models import User

pytestmark = pytest.mark.django_db
SENT = {"subject": "News, {first_name}", "text": "Dear {name},\nnew terms."}
NOW = timezone.now()


@pytest.fixture
def agent(client) -> User:
    agent = make_user("Support")
    client.force_login(agent)
    return agent


def people(number: int = 3, **fields) -> list[User]:
    return [
        make_user(first_name=f"P{n}", **{"email_verified_at": NOW} | fields) for n in range(number)
    ]


def address(accounts: list[User], rest: str = "") -> str:
    return f"/users/bulk/letter/{rest}?" + "&".join(f"ids={account.pk}" for account in accounts)


def test_each_gets_one_mail_of_the_one_letter_and_one_event(client, agent):
    accounts = people()
    path = address(accounts)
    response = client.post(path, form(client.get(path), path) | SENT | {"count": "3"})
    job = work(Job.objects.get())
    assert response["Location"] == f"/jobs/{job.pk}/"
    letter = Letter.objects.get()
    assert (letter.subject, letter.text, letter.is_bulk) == (*SENT.values(), True)
    assert (job.state, job.changed, job.parameters) == ("done", 3, {"letter": letter.pk})
    found = Message.objects.values_list("account_id", "letter_id", "kind", "is_bulk", "state")
    assert sorted(found) == [
        (account.pk, letter.pk, "letter", True, "waiting") for account in accounts
    ]
    events = AuditEvent.objects.filter(action="account.written_to").order_by("target_id")
    assert [(event.target_id, event.after, event.job_id) for event in events] == [
        (account.pk, {"letter": letter.pk}, job.pk) for account in accounts
    ]
    assert {
        account.version for account in User.objects.filter(pk__in=[each.pk for each in accounts])
    } == {1}
    assert undo_refusal(job) == "This job can’t be undone."
    page = read(client.get(f"/jobs/{job.pk}/")).text
    assert "News, {first_name}" in page
    assert "new terms." in page


def test_the_text_stands_in_the_letter_alone():
    job = start("letter", people(1), by=make_superuser(), reason="", parameters=SENT)
    assert "new terms" not in repr(Job.objects.filter(pk=job.pk).values())
    assert "new terms" not in repr(list(AuditEvent.objects.values()))


def test_who_can_not_be_reached_is_skipped_with_the_reason():
    root = make_superuser()
    accounts = [
        *people(1),
        *people(1, email_bounced_at=NOW),
        make_user(),
        *people(1, email=""),
        *people(1, status="deleted", deleted_at=NOW),
    ]
    job = run("letter", accounts, by=root, reason="", parameters=SENT)
    assert (job.changed, job.skipped) == (1, 4)
    reasons = (
        JobItem.objects.filter(job=job, outcome="skipped")
        .order_by("account_id")
        .values_list("reason", flat=True)
    )
    assert [reason.partition(":")[0] for reason in reasons] == [
        "Emails to this address bounce.",
        "This address is not verified and may belong to someone else.",
        "This account has no address.",
        "This account is deleted and can’t be changed. Restore it first.",
    ]


def test_nobody_gets_a_letter_twice_whatever_is_tried():
    root = make_superuser()
    accounts = people()
    job = run("letter", accounts, by=root, reason="", parameters=SENT)
    again = engine.start_job(
        "write", by=root, selection=job.selection, up_to=job.up_to, parameters=job.parameters
    )  # as a job over those that failed would
    assert work(again).changed == 0
    assert set(JobItem.objects.filter(job=again).values_list("reason", flat=True)) == {
        "This email was already sent to this user."
    }
    assert (Letter.objects.count(), Message.objects.count()) == (1, 3)
    message = Message.objects.first()
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.create(
            account=message.account, letter=message.letter, kind="letter", to=message.to
        )


def test_more_than_so_many_are_approved_by_somebody_who_sees_the_text(client, settings):
    settings.BULK_APPROVAL_ABOVE_FOR = {"write": 2}
    job = start("letter", people(), by=make_user("Support"), reason="", parameters=SENT, expected=3)
    assert job.state == "waiting"
    manager = make_user("Manager")
    client.force_login(manager)
    assert "Dear {name}" in read(client.get(f"/jobs/{job.pk}/approval/")).text
    client.post(f"/jobs/{job.pk}/approval/")
    assert work(job).changed == 3


def test_who_loses_the_right_writes_no_more():
    agent = make_user("Support")
    accounts = people()
    job = start("letter", accounts, by=agent, reason="", parameters=SENT)
    agent.groups.clear()
    assert work(job).state == "parked"
    assert not Message.objects.exists()


def test_the_mails_leave_each_with_what_is_the_persons_own(mailoutbox):
    run("letter", people(2), by=make_superuser(), reason="", parameters=SENT)
    assert deliver_due_messages() == 2
    assert [mail.subject for mail in mailoutbox] == ["News, P0", "News, P1"]
    assert "Dear P1,\nnew terms." in mailoutbox[1].body


def test_what_one_of_them_gets_is_shown_and_nothing_is_started(client, agent):
    accounts = [make_user(first_name="Unverified"), *people(1)]
    whole = client.post(address(accounts, "sample/"), SENT)
    part = client.post(address(accounts, "sample/"), SENT, headers={"HX-Request": "true"})
    for response in (whole, part):
        assert response.status_code == 200
        assert read(response).one("article", class_="sheet").one("h3").text == "News, P0"
    assert errors_of(whole) == []
    again = form(whole, address(accounts))
    assert client.post(address(accounts), again | {"count": "1"}).status_code == 302
    assert Job.objects.count() == 1


def test_a_sample_says_what_is_wrong_and_keeps_what_was_typed(client, agent):
    accounts = people(1)
    response = client.post(
        address(accounts, "sample/"), SENT | {"text": "Dear {nobody}", "count": "17"}
    )
    assert response.status_code == 422
    assert any("Unknown placeholder {nobody}" in error for error in errors_of(response))
    assert form(response, address(accounts))["count"] == "17"
    nobody = client.post(address([User(pk=10**9)], "sample/"), SENT)
    assert nobody.status_code == 200
    assert not read(nobody).all("form", class_="form")


def test_a_sample_shows_nothing_that_is_masked(client):
    clerk = make_user(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "write_mail"]))
    client.force_login(clerk)
    accounts = people(1, email="ada@example.com", username="ada@example.com")
    sent = {"subject": "{email}", "text": "{username}"}
    for headers in ({}, {"HX-Request": "true"}):
        response = client.post(address(accounts, "sample/"), sent, headers=headers)
        assert "ada@example.com" not in response.content.decode()
        assert "a•••@example.com" in response.content.decode()
        assert (
            response.context["form"].person.email == "a•••@example.com"
        )  # masked before the page is looked through


def test_the_ladder_of_the_sample(client):
    [ada], suspension = people(1), "/users/bulk/suspension/sample/?ids=1"
    assert_sent_to_sign_in(client, address([ada], "sample/"), background=True)
    auditor = make_user("Auditor")
    client.force_login(auditor)
    assert_denied(
        client.post(address([ada], "sample/"), SENT),
        "users.write_mail",
        actor=auditor,
        action="write",
    )
    client.force_login(make_superuser())
    assert client.post("/users/bulk/nothing/sample/?ids=1").status_code == 404
    assert client.post(suspension).status_code == 404  # it has nothing to show
    assert client.post("/users/bulk/letter/sample/?ids=x", SENT).status_code == 400
    assert_wrong_method(client, address([ada], "sample/"), allowed="POST")
    assert ACTIONS_BY_SLUG["letter"].has_sample
