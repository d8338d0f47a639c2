"""Pause, resume, cancel, retry and discard: POST /mail/campaigns/<id>/… and what follows."""

import pytest
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
)
from tests.builders import make_user
from tests.campaigns.running import draft, queued, readers, set_states, start, work
from tests.pages import read
from users.audit.models import AuditEvent
from users.campaigns import tasks
from users.campaigns.models import Campaign
from users.campaigns.retry_job import RetryAnnouncement
from users.campaigns.tasks import update_campaigns
from users.jobs import engine
from users.jobs.models import Job
from users.mail.message_content import compose_mail, drop_reason
from users.mail.models import Letter, Message
from users.models import User

pytestmark = pytest.mark.django_db
POSTED = ("test/", "pause/", "pause/end/", "retry/")
CONFIRMED = ("cancellation/", "discard/")


@pytest.fixture
def manager(client) -> User:
    manager = make_user("Manager", first_name="Mia")
    client.force_login(manager)
    return manager


def path(campaign: Campaign, rest: str = "") -> str:
    return f"/mail/campaigns/{campaign.pk}/{rest}"


def state(campaign: Campaign) -> tuple[str, bool]:
    campaign.refresh_from_db()
    letter = Letter.objects.get(pk=campaign.letter_id)
    return campaign.state, letter.paused_at is not None


def message_states(campaign: Campaign) -> list[str]:
    messages = Message.objects.filter(letter=campaign.letter_id).order_by("pk")
    return list(messages.values_list("state", flat=True))


def test_it_pauses_and_resumes_in_both_phases(client, manager):
    campaign = draft(manager, readers(1))
    start(client, campaign)
    assert state(campaign) == ("queueing", False)
    client.post(path(campaign, "pause/"))
    assert state(campaign) == ("paused", True)
    client.post(path(campaign, "pause/end/"))
    assert state(campaign) == ("queueing", False)
    client.post(path(campaign, "pause/"))
    work()
    # Messages are still queued, and wait.
    assert (state(campaign), message_states(campaign)) == (("paused", True), ["waiting"])
    client.post(path(campaign, "pause/end/"))
    assert state(campaign) == ("sending", False)
    assert client.post(path(campaign, "pause/end/")).status_code == 409
    actions = AuditEvent.objects.filter(action__startswith="campaign.").values_list("action")
    assert [action for (action,) in actions.order_by("id")][2:] == [
        "campaign.paused",
        "campaign.resumed",
    ] * 2


def test_a_cancelled_campaign_drops_what_waits_and_keeps_what_was_sent(
    client, manager, monkeypatch
):
    monkeypatch.setattr(tasks, "DROP_BATCH", 2)
    campaign = queued(client, manager, readers(6))
    set_states(campaign, "sent", "unknown", "waiting", "waiting", "waiting", "failed")
    assert "can’t be resumed" in read(client.get(path(campaign, "cancellation/"))).text
    client.post(path(campaign, "cancellation/"))
    # Nothing more is sent from this moment.
    assert state(campaign) == ("cancelled", True)
    update_campaigns()
    assert message_states(campaign) == [
        "sent",
        "unknown",
        "dropped",
        "dropped",
        "dropped",
        "failed",
    ]
    errors = Message.objects.filter(state="dropped").values_list("error", flat=True)
    assert set(errors) == {"The campaign was cancelled."}
    # One that was being sent comes back when the mail server defers it.
    Message.objects.filter(state="unknown").update(state="waiting")
    update_campaigns()
    assert message_states(campaign)[1] == "dropped"
    campaign.refresh_from_db()
    counts = {(name, fate): number for name, fate, number in campaign.counts}
    assert counts == {("sent", ""): 1, ("dropped", ""): 4, ("failed", ""): 1}
    for rest in ("pause/", "retry/", "cancellation/"):
        assert client.post(path(campaign, rest)).status_code == 409


@pytest.mark.parametrize("by_job", [False, True])
def test_a_cancellation_while_messages_are_queued_ends_the_job(client, manager, by_job):
    campaign = draft(manager, readers(2))
    start(client, campaign)
    job = Job.objects.get()
    if by_job:
        engine.cancel_job(job, by=manager)
    else:
        client.post(path(campaign, "cancellation/"))
    job.refresh_from_db()
    assert (job.state, state(campaign)) == ("cancelled", ("cancelled", True))
    assert AuditEvent.objects.filter(action="job.cancelled").count() == 1
    work()
    assert not Message.objects.exists()


def test_a_retry_of_the_queueing_adds_nothing_to_a_cancelled_campaign(client, manager):
    campaign = queued(client, manager, readers(2))
    job = Job.objects.get()
    client.post(path(campaign, "cancellation/"))
    Message.objects.all().delete()
    Job.objects.filter(pk=job.pk).update(state="queued", cursor=0)
    work()
    assert not Message.objects.exists()


def test_failed_emails_are_queued_again_and_unknown_ones_are_not(client, manager):
    campaign = queued(client, manager, readers(4))
    set_states(campaign, "failed/bounced", "unknown", "sent", "failed")
    Message.objects.filter(state="failed").update(attempts=12, error="550 no")
    update_campaigns()
    assert state(campaign) == ("done", False)
    response = client.post(path(campaign, "retry/"))
    assert response["Location"] == path(campaign)
    work()
    assert message_states(campaign) == ["waiting", "unknown", "sent", "waiting"]
    again = Message.objects.filter(state="waiting").values_list("attempts", "error")
    assert set(again) == {(0, "")}
    assert state(campaign) == ("sending", False)
    retried = AuditEvent.objects.get(action="campaign.retried")
    assert retried.after["messages"] == 2
    set_states(campaign, "sent", "unknown", "sent", "sent")
    assert client.post(path(campaign, "retry/")).status_code == 409
    update_campaigns()
    assert state(campaign) == ("done", False)


def test_a_retry_reports_what_it_did_not_queue(client, manager, monkeypatch):
    campaign = queued(client, manager, readers(2))
    set_states(campaign, "failed", "failed")
    update_campaigns()
    assert "Retry failed emails" in read(client.get(path(campaign))).text
    assert client.post(path(campaign, "retry/")).status_code == 302
    # Pressed again on a page that is still open.
    assert client.post(path(campaign, "retry/")).status_code == 409
    window = RetryAnnouncement.window

    def read_late(*args):
        found = window(*args)
        set_states(campaign, "sent", "failed")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(RetryAnnouncement, "window", read_late)
        work()
    job = Job.objects.get(kind="retry-announcement")
    assert (job.unchanged, job.skipped) == (1, 1)
    assert "Retry failed emails" not in read(client.get(path(campaign))).text
    set_states(campaign, "sent", "failed")
    assert client.post(path(campaign, "retry/")).status_code == 302
    client.post(path(campaign, "cancellation/"))
    work()
    job = Job.objects.filter(kind="retry-announcement").latest("pk")
    assert (job.unchanged, job.skipped) == (0, 1)


def test_a_finished_campaign_whose_last_email_waits_again_goes_on(client, manager):
    campaign = queued(client, manager, readers(2))
    # The last one is being handed over.
    set_states(campaign, "sent", "unknown")
    update_campaigns()
    assert state(campaign) == ("done", False)
    set_states(campaign, "sent", "waiting")
    update_campaigns()
    assert state(campaign) == ("sending", False)
    assert campaign.ended_at is None
    assert client.post(path(campaign, "pause/")).status_code == 302


def test_nobody_gets_a_campaign_twice(client, manager):
    queued(client, manager, readers(3))
    Job.objects.update(state="queued", cursor=0)
    work()
    assert Message.objects.count() == 3


def test_a_test_goes_to_oneself_and_does_not_count_as_an_email_of_the_campaign(client, manager):
    campaign = draft(manager, [manager])
    User.objects.filter(pk=manager.pk).update(email_verified_at=timezone.now())
    assert client.post(path(campaign, "test/"))["Location"] == path(campaign)
    [message] = Message.objects.all()
    assert (message.kind, message.account_id, message.is_bulk) == ("test", manager.pk, False)
    assert drop_reason(message) == ""
    mail = compose_mail(message)
    assert "This is a test of an announcement" in mail.body
    assert (mail.subject, "List-Unsubscribe" in mail.extra_headers) == ("News, Mia", False)
    assert message_states(campaign) == []
    assert AuditEvent.objects.latest("id").action == "campaign.tested"
    Letter.objects.filter(pk=campaign.letter_id).update(text="")
    assert client.post(path(campaign, "test/")).status_code == 409


def test_a_draft_is_discarded_with_its_text(client, manager):
    campaign = draft(manager, readers(1))
    assert client.get(path(campaign, "discard/")).status_code == 200
    assert client.post(path(campaign, "discard/"))["Location"] == "/mail/"
    assert not Letter.objects.exists()
    assert AuditEvent.objects.latest("id").action == "campaign.discarded"


def test_wrong_role_bad_id_wrong_method_signed_out(client, manager):
    campaign = draft(manager, readers(1))
    for rest in (*POSTED, *CONFIRMED):
        methods = ("post",) if rest in POSTED else ("get", "post")
        allowed = "POST" if rest in POSTED else "GET, HEAD, POST"
        assert_not_found(client, "/mail/campaigns/{}/" + rest, methods=methods)
        assert_wrong_method(client, path(campaign, rest), allowed=allowed)
    support = make_user("Support")
    client.force_login(support)
    for rest in (*POSTED, *CONFIRMED):
        assert_denied(
            client.post(path(campaign, rest)),
            "users.send_campaigns",
            actor=support,
            action="send_campaigns",
        )
    assert state(campaign) == ("draft", False)


def test_signed_out(client):
    for rest in (*POSTED, *CONFIRMED):
        methods = ("post",) if rest in POSTED else ("get", "post")
        assert_sent_to_sign_in(client, f"/mail/campaigns/1/{rest}", methods=methods)
