"""GET and POST /mail/campaigns/<id>/start/, and what the job leaves behind."""

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
from tests.builders import make_user
from tests.campaigns.running import draft, queued, readers, start, work
from tests.pages import read
from users.audit.models import AuditEvent
from users.campaigns import control_views, lifecycle
from users.campaigns.models import Campaign
from users.jobs import approval
from users.jobs.models import Job, JobItem
from users.mail.models import Letter, Message, Suppression
from users.mail.suppressions import address_digest
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client) -> User:
    manager = make_user("Manager")
    client.force_login(manager)
    return manager


def suppress(account: User) -> None:
    Suppression.objects.create(digest=address_digest(account.email), source="complaint")


def test_each_gets_one_message_and_the_others_are_skipped_with_the_reason(client, manager):
    reached = readers(3)
    no_consent = readers(2, accepts_announcements=False)
    suppressed = readers(1)
    suppress(suppressed[0])
    others = [
        *readers(1, email_verified_at=None),
        *readers(1, email=""),
        *readers(1, email_bounced_at=timezone.now()),
        *readers(1, status="deleted", deleted_at=timezone.now()),
    ]
    everyone = [*reached, *no_consent, *suppressed, *others]
    campaign = draft(manager, everyone)
    page = client.get(f"/mail/campaigns/{campaign.pk}/start/")
    preview = page.context["preview"]
    assert (preview.count.value, preview.confirmed_count.value) == (10, 3)
    shown = {reason: number for number, reason in preview.skips}
    response = start(client, campaign)
    assert response["Location"] == f"/mail/campaigns/{campaign.pk}/"
    work()
    campaign.refresh_from_db()
    assert campaign.state == "sending"
    found = Message.objects.filter(letter=campaign.letter_id).order_by("account_id")
    expected = [(one.pk, one.email) for one in reached]
    assert [(each.account_id, each.to) for each in found] == expected
    assert len({each.message_id for each in found}) == 3
    job = Job.objects.get(pk=campaign.job_id)
    counts = (job.selected, job.unchanged, job.skipped, job.changed, job.failed)
    assert (job.state, *counts) == ("done", 10, 3, 7, 0, 0)
    # What was shown is what was done, and adds up.
    assert {reason: str(number) for reason, number in campaign.skipped.items()} == shown
    assert sum(campaign.skipped.values()) == JobItem.objects.filter(outcome="skipped").count() == 7
    assert set(JobItem.objects.values_list("outcome", flat=True)) == {"skipped"}
    skip = JobItem.objects.get(account=suppressed[0].pk)
    assert skip.sentence == "This address is on the suppression list."
    shown_page = read(client.get(response["Location"])).text
    assert "This person does not accept announcements." in shown_page


def test_a_message_made_by_sql_is_one_made_by_the_model(client, manager):
    campaign = queued(client, manager, readers(1))
    row = Message.objects.values().get(letter=campaign.letter_id)
    made = Message(
        account_id=row["account_id"],
        kind="announcement",
        letter_id=campaign.letter_id,
        to=row["to"],
        is_bulk=True,
    )
    differing = {"id", "message_id", "created_at", "due_at"}
    expected = {field.attname: getattr(made, field.attname) for field in Message._meta.fields}
    assert {name: row[name] for name in row.keys() - differing} == {
        name: expected[name] for name in row.keys() - differing
    }
    assert len(row["message_id"]) == 32
    assert set(row["message_id"]) <= set("0123456789abcdef")


def test_the_campaign_has_the_events_and_the_accounts_have_none(client, manager):
    people = readers(2)
    campaign = queued(client, manager, people)
    events = AuditEvent.objects.order_by("id").values_list("action", flat=True)
    assert list(events) == ["campaign.created", "job.started", "campaign.started", "job.done"]
    started = AuditEvent.objects.get(action="campaign.started")
    assert started.after == {
        "campaign": campaign.pk,
        "name": "New terms",
        "letter": campaign.letter_id,
        "state": "queueing",
        "selection": "2 selected accounts",
    }
    assert (started.actor_id, started.job_id) == (manager.pk, campaign.job_id)
    assert not AuditEvent.objects.filter(target_id__in=[one.pk for one in people]).exists()
    assert "new terms" not in repr(list(AuditEvent.objects.values()))


def test_a_filter_is_applied_as_of_the_moment_that_was_confirmed(client, manager):
    readers(2)
    campaign = draft(manager, query="all=1&domain=example.com")
    response = client.get(f"/mail/campaigns/{campaign.pk}/start/")
    assert response.status_code == 302
    assert "up_to=" in response["Location"]
    assert "domain" not in response["Location"]
    assert start(client, campaign).status_code == 302
    readers(1)
    work()
    assert Message.objects.filter(letter=campaign.letter_id).count() == 2


def test_another_number_starts_nothing_and_a_second_click_no_second_job(client, manager):
    campaign = draft(manager, readers(2))
    response = start(client, campaign, number=3)
    assert response.status_code == 422
    assert "That doesn’t match. Type 2 to confirm." in errors_of(response)
    assert not Job.objects.exists()
    page = client.get(f"/mail/campaigns/{campaign.pk}/start/")
    sent = {"token": page.context["form"].initial["token"], "count": "2"}
    for _ in range(2):
        response = client.post(f"/mail/campaigns/{campaign.pk}/start/", sent)
        assert response["Location"] == f"/mail/campaigns/{campaign.pk}/"
    assert Job.objects.count() == 1
    other_token = sent | {"token": "x"}
    response = client.post(f"/mail/campaigns/{campaign.pk}/start/", other_token)
    assert response.status_code == 409


def test_a_draft_that_changes_before_the_lock_is_not_started(client, manager, monkeypatch):
    campaign = draft(manager, readers(1))
    is_confirmed = control_views.is_confirmed

    def confirm_late(*args):
        Campaign.objects.filter(pk=campaign.pk).update(version=2)
        return is_confirmed(*args)

    monkeypatch.setattr(control_views, "is_confirmed", confirm_late)
    response = start(client, campaign)
    assert response.status_code == 409
    assert any("changed this draft" in error for error in errors_of(response))
    assert not Job.objects.exists()


def test_a_large_campaign_waits_for_a_second_person(client, manager, settings):
    settings.BULK_APPROVAL_ABOVE_FOR = {"announce": 1}
    campaign = draft(manager, readers(2))
    german = {"de": {"subject": "Neues", "text": "Neue Bedingungen"}}
    Letter.objects.update(translations=german)
    response = start(client, campaign)
    page = read(client.get(response["Location"])).text
    assert "A second person must approve this campaign." in page
    job = Job.objects.get()
    assert job.state == "waiting"
    colleague = make_user("Manager")
    client.force_login(colleague)
    page = read(client.get(f"/jobs/{job.pk}/approval/")).text
    assert "new terms." in page
    assert "Neue Bedingungen" in page
    approval.decline_job(job, by=colleague, reason="Not now")
    campaign.refresh_from_db()
    assert (campaign.state, campaign.ended_at is not None) == ("cancelled", True)
    assert not Message.objects.exists()


def test_access_is_checked_again_when_the_job_runs(client, manager):
    campaign = draft(manager, readers(2))
    start(client, campaign)
    Permission.objects.get(codename="send_campaigns").group_set.clear()
    work()
    assert not Message.objects.exists()
    assert Job.objects.get().state == "parked"
    page = read(client.get(f"/mail/campaigns/{campaign.pk}/")).text
    assert "Queueing has stopped." in page


def test_wrong_role_signed_out_bad_id_wrong_method(client, manager):
    campaign = draft(manager, readers(1))
    path = f"/mail/campaigns/{campaign.pk}/start/"
    assert_not_found(client, "/mail/campaigns/{}/start/")
    assert_wrong_method(client, path, allowed="GET, HEAD, POST")
    support = make_user("Support")
    client.force_login(support)
    for method in (client.get, client.post):
        assert_denied(
            method(path),
            "users.send_campaigns",
            actor=support,
            action="send_campaigns",
        )


def test_signed_out(client):
    assert_sent_to_sign_in(client, "/mail/campaigns/1/start/")


def test_a_campaign_is_started_once(client, manager):
    campaign = queued(client, manager, readers(1))
    response = client.get(f"/mail/campaigns/{campaign.pk}/start/")
    assert response.status_code == 409
    assert "it can’t be started" in read(response).text
    with pytest.raises(lifecycle.JobRefused):
        lifecycle.discard_campaign(campaign, by=manager)
    assert Campaign.objects.count() == 1
