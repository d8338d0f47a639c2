"""The ticket that is typed beside a reason stands in every event of the change."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.http import QueryDict

from tests.builders import make_superuser, make_user
from tests.bulk.running import run, start, work
from tests.campaigns import running as campaigns
from tests.pages import form, read
from tests.transfer.imports.importer import import_file
from users.audit.models import AuditEvent
from users.bulk.selection import Selection
from users.jobs import engine
from users.jobs.models import Job
from users.mail.models import Suppression
from users.models import User
from users.privacy.tasks import redact_waiting_texts
from users.verbs.erasure.verb import NAMED_IN_TICKET, erase_account

pytestmark = pytest.mark.django_db
PATTERN = {"TICKET_PATTERN": "[A-Z]+-[0-9]+", "TICKET_EXAMPLE": "SUP-123"}


@pytest.fixture
def root(client) -> User:
    root = make_superuser()
    client.force_login(root)
    return root


@pytest.fixture
def patterned(settings):
    for name, value in PATTERN.items():
        setattr(settings, name, value)


def tickets(**conditions) -> dict[str, set[str]]:
    """Returns the tickets of the stored events, by action."""
    found: dict[str, set[str]] = {}
    for event in AuditEvent.objects.filter(**conditions):
        found.setdefault(event.action, set()).add(event.ticket)
    return found


def test_a_verb_takes_a_ticket_and_keeps_what_was_typed_with_a_wrong_one(client, root, patterned):
    ada = make_user()
    path = f"/users/{ada.pk}/suspension/"
    wrong = {"version": 1, "reason": "Spam & fraud", "ticket": "Anna’s", "lasts": "7"}
    response = client.post(path, wrong)
    assert response.status_code == 422
    page = read(response)
    assert "SUP-123" in page.one("p", id="id_ticket_error").text
    assert "autofocus" in page.one("input", id="id_ticket").attributes
    kept = form(response, path)
    assert {name: kept[name] for name in ("reason", "ticket", "lasts")} == {
        "reason": "Spam & fraud",
        "ticket": "Anna’s",
        "lasts": "7",
    }
    assert tickets() == {}
    assert client.post(path, kept | {"ticket": " SUP-17 "}).status_code == 302
    assert tickets() == {"account.suspended": {"SUP-17"}}


def test_a_reason_of_any_other_page_takes_one(client, root):
    ada = make_user(last_name="Lee")
    role = {"groups": [], "is_staff": "on", "typed_username": ada.username}
    typed = {"version": 1, "reason": "Asked", "ticket": "SUP-17"}
    client.post(f"/users/{ada.pk}/roles/", role | typed)
    client.post("/mail/suppressions/new/", typed | {"address": "x@example.org"})
    pasted = typed | {"text": "y@example.org"}
    preview = form(client.post("/mail/suppressions/import/", pasted), "/mail/suppressions/import/")
    assert preview["ticket"] == "SUP-17"
    client.post("/mail/suppressions/import/", preview)
    row = Suppression.objects.latest("pk")
    client.post(f"/mail/suppressions/{row.pk}/end/", typed)
    found = tickets()
    assert found.keys() >= {"account.roles_assigned", "suppression.added", "suppression.lifted"}
    assert set().union(*found.values()) == {"SUP-17"}


def test_an_address_is_no_ticket_of_a_suppression(client, root):
    typed = {"address": "x@example.org", "reason": "Asked", "ticket": "x@example.org"}
    response = client.post("/mail/suppressions/new/", typed)
    assert read(response).one("p", id="id_ticket_error").text
    assert not Suppression.objects.exists()


def test_all_events_of_a_job_and_of_its_retry_have_its_ticket(client, root):
    accounts = [make_user(email=f"p{n}@example.org") for n in range(2)]
    query = Selection.parse(QueryDict("all=1&domain=example.org")).query
    path = f"/users/bulk/suspension/?{query}"
    sent = form(client.get(path), path) | {"reason": "Spam", "count": "2", "ticket": "SUP-17"}
    client.post(path, sent)
    job = work(Job.objects.get())
    assert (job.ticket, job.changed, "ticket" in job.parameters) == ("SUP-17", 2, False)
    assert tickets(job_id=job.pk) == {
        "job.started": {"SUP-17"},
        "account.suspended": {"SUP-17"},
        "job.done": {"SUP-17"},
    }
    shown = read(client.get(f"/jobs/{job.pk}/")).one("span", class_="tag ticket").text
    assert shown == "SUP-17"
    Job.objects.filter(pk=job.pk).update(failed=1, selected=3)
    job.refresh_from_db()
    again = engine.retry_failed(job, by=root)
    assert again.ticket == "SUP-17"
    # An undo is another change, with a ticket of its own.
    client.post(f"/jobs/{job.pk}/undo/", {"reason": "Wrong list", "ticket": "SUP-18"})
    undone = work(Job.objects.get(kind="undo-suspend"))
    assert undone.changed == 2
    assert set().union(*tickets(job_id=undone.pk).values()) == {"SUP-18"}
    assert set(User.objects.filter(pk__in=[a.pk for a in accounts]).values_list("status")) == {
        ("active",)
    }


def test_a_decision_may_have_another_ticket_than_the_job(client, root, settings):
    settings.BULK_APPROVAL_ABOVE = 0
    agent = make_user("Support")
    job = start("suspension", [make_user()], by=agent, ticket="SUP-17")
    other = start("suspension", [make_user()], by=agent, ticket="SUP-17")
    path = f"/jobs/{job.pk}/refusal/"
    assert "SUP-17" in read(client.get(path)).one("main").text
    client.post(path, {"reason": "No", "ticket": "SUP-18"})
    engine.cancel_job(other, by=agent)
    assert tickets(action__startswith="job.") == {
        "job.approval_asked": {"SUP-17"},
        "job.declined": {"SUP-18"},
        "job.cancelled": {"SUP-17"},
    }


def test_an_export_and_its_download_have_the_ticket(client, root):
    columns = {"columns": ["id"], "format": "csv"}
    job = run("export", [make_user()], by=root, parameters=columns, ticket="SUP-17")
    client.get(f"/exports/{job.export.pk}/file/")
    client.post(f"/exports/{job.export.pk}/end/")
    found = tickets()
    assert found.keys() >= {"export.made", "export.downloaded", "export.removed"}
    assert set().union(*found.values()) == {"SUP-17"}


def test_a_campaign_has_the_ticket_of_its_start(client, root):
    campaign = campaigns.draft(root, campaigns.readers(1))
    path = f"/mail/campaigns/{campaign.pk}/start/"
    sent = form(client.get(path), path) | {"count": "1", "ticket": "SUP-17"}
    assert client.post(path, sent).status_code == 302
    client.post(f"/mail/campaigns/{campaign.pk}/pause/")
    found = tickets()
    assert found.pop("campaign.created") == {""}
    assert found.keys() >= {"campaign.started", "campaign.paused", "job.started"}
    assert set().union(*found.values()) == {"SUP-17"}


def test_commands_take_a_ticket(tmp_path, patterned):
    make_superuser(username="ann")
    make_user(email="p1@example.org")
    shared = {"by": "ann", "reason": "Spam", "filter": "domain=example.org", "here": True}
    with pytest.raises(CommandError, match=r"--ticket: Enter a ticket such as SUP-123"):
        call_command("bulk", "suspend", ticket="x", **shared)
    call_command("bulk", "suspend", ticket="SUP-17", stdout=io.StringIO(), **shared)
    file = tmp_path / "people.csv"
    file.write_text("Username\nben\n")
    refused = import_file(file, "--ticket=x")
    assert (refused.code, "--ticket: Enter a ticket such as" in refused.errors) == (1, True)
    assert import_file(file, "--ticket=SUP-17").counts == (1, 0, 0, 0)
    found = tickets()
    assert found.keys() >= {"account.suspended", "account.imported", "job.done"}
    assert set().union(*found.values()) == {"SUP-17"}


def test_a_required_ticket_is_required_of_commands(tmp_path, settings):
    settings.TICKET_FIELD = "required"
    file = tmp_path / "people.csv"
    file.write_text("Username\nben\n")
    assert "--ticket: Enter a ticket." in import_file(file).errors
    assert not User.objects.filter(username="ben").exists()


def test_the_ticket_of_an_erasure_does_not_name_the_person(client, root):
    ada = make_user(username="ada", email="quaxi@example.org")
    path = f"/users/{ada.pk}/erasure/"
    typed = {"version": 1, "reason": "Request 17", "confirm": "ada", "ticket": "Quaxi@example.org"}
    response = client.post(path, typed)
    assert read(response).one("p", id="id_ticket_error").text == NAMED_IN_TICKET
    assert client.post(path, typed | {"ticket": "SUP-17"}).status_code == 302
    assert tickets(action="account.erased") == {"account.erased": {"SUP-17"}}


def test_an_erased_person_is_removed_from_tickets_about_others(root):
    ada = make_user(email="quaxi1902@example.org")
    job = run("suspension", [make_user()], by=root, ticket="of quaxi1902@example.org")
    erase_account(ada, by=root, reason="Request 17")
    redact_waiting_texts()
    job.refresh_from_db()
    assert job.ticket == "of [erased]"
    assert set().union(*tickets(job_id=job.pk).values()) == {"of [erased]"}


def test_pages_show_the_ticket_with_its_link_and_masked_as_the_reason(client, root, settings):
    settings.TICKET_URL = "https://tickets.example.com/{ticket}"
    ada = make_user()
    client.post(
        f"/users/{ada.pk}/suspension/",
        {"version": 1, "reason": "Spam", "ticket": "4711004711"},
    )
    pages = (f"/audit/?target={ada.pk}", f"/users/{ada.pk}/", f"/users/{ada.pk}/activity/")
    for path in pages:
        tag = read(client.get(path)).one("a", class_="tag ticket")
        assert tag.text == "4711004711"
        assert tag.attributes["href"] == "https://tickets.example.com/4711004711"
    client.force_login(make_user("Viewer"))
    for path in pages[1:]:
        # As many digits may be a phone number, whose link would show it.
        response = client.get(path)
        assert read(response).one("span", class_="tag ticket").text == "•••• 11"
        assert "4711004711" not in response.content.decode()
