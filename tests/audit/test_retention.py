"""Retention: old events lose their personal values, and the chain still verifies."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.utils import timezone

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method
from tests.audit.tampering import execute, in_session, mark_erased
from tests.builders import make_superuser, make_user
from tests.pages import read
from users.access import CommandActor
from users.audit import chain, retention
from users.audit.blanking import blank_events
from users.audit.former_rows import former_holders, former_values_of, value_digests
from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.audit.redaction import REDACTED_ACTION, SystemActor
from users.audit.tasks import apply_retention
from users.audit.verification.chain_check import verify_chain
from users.audit.verification.origin_changes import ORIGIN_CHANGED_ACTION
from users.history.past_state import reconstruct_account
from users.models import User
from users.permissions import load_permissions
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.django_db
PATH = "/audit/retention/"
YEAR = timedelta(days=366)


def edit(account: User, years_ago: float, last_name: str) -> User:
    at = timezone.now() - years_ago * YEAR
    with patch("users.audit.record.database_now", lambda: at):
        return edit_profile(account, by=CommandActor("test"), version=None, last_name=last_name)


@pytest.fixture
def kim(settings) -> User:
    """An account with an edit of five, three and one years ago; three years are kept."""
    settings.AUDIT_VALUE_YEARS = 3
    joined = timezone.now() - 9 * YEAR
    kim = make_user(username="kim", last_name="Doe", date_joined=joined)
    with in_session():
        kim = edit(kim, 5, "Roe")
    kim = edit(kim, 3.1, "Poe")
    kim = edit(kim, 1, "Moe")
    chain.seal_waiting_events()
    return kim


def test_old_values_are_gone_and_the_rest_stays(kim):
    apply_retention()
    first, second, third, record = AuditEvent.objects.order_by("pk")
    for event in (first, second):
        assert (event.before, event.after) == ({"last_name": None}, {"last_name": None})
        assert (event.target_text, event.target_id) == ("", kim.pk)
    assert third.before == {"last_name": "Poe"}
    assert record.after | {"before": ""} == {"position": 2, "events": 2, "before": ""}
    assert verify_chain().fault == ""
    apply_retention()
    assert AuditEvent.objects.count() == 4


def test_former_values_go_too_but_show_when_others_began(kim):
    apply_retention()
    assert former_holders(value_digests("doe"), limit=9) == []
    [row] = former_values_of(kim.pk, limit=9)
    assert (row.value, row.since) == ("Poe", AuditEvent.objects.order_by("pk")[1].at)


def test_the_account_on_an_old_date_is_not_known(kim):
    apply_retention()
    past = reconstruct_account(kim, load_permissions(kim), timezone.now() - 4 * YEAR)
    assert not past.line("last_name").known
    past = reconstruct_account(kim, load_permissions(kim), timezone.now() - 2 * YEAR)
    assert past.line("last_name").then == "Poe"


def test_batches_continue_and_a_setting_of_none_removes_none(kim, settings, monkeypatch):
    monkeypatch.setattr(retention, "BATCH_SIZE", 1)
    settings.AUDIT_VALUE_YEARS = 0
    assert retention.remove_old_values() == 0
    settings.AUDIT_VALUE_YEARS = 3
    assert retention.remove_old_values(seconds=0) == 1
    assert retention.removed_until() == 1
    assert retention.remove_old_values() == 1
    assert retention.removed_until() == 2
    assert len(retention.RecordedRemovals().removals) == 1
    with patch("users.audit.verification.range_check.erasure_position") as looked_up:
        assert verify_chain().fault == ""
    assert not looked_up.called


def test_events_about_no_account_and_of_the_trail_itself_keep_theirs(settings):
    settings.AUDIT_VALUE_YEARS = 3
    old = timezone.now() - 5 * YEAR
    ids = {"ids": [[7, 8]]}
    with patch("users.audit.record.database_now", lambda: old):
        record_event("audit.ids_unused", actor=SystemActor(), after=ids)
        record_event("job.done", actor=make_user(), after={"selected": 5}, job_id=1)
    chain.seal_waiting_events()
    apply_retention()
    unused, job, _ = AuditEvent.objects.order_by("pk")
    assert (unused.after, unused.actor_text) == (ids, "Rollcall")
    assert (job.after, job.actor_text) == ({"selected": 5}, "")
    assert verify_chain().fault == ""


def blank(position: int) -> None:
    """Removes the values of an event as whoever has the database may do."""
    event = AuditEvent.objects.filter(chain_position=position)
    blank_events(event, "target")


def test_values_that_no_record_names_are_missed(kim):
    apply_retention()
    blank(3)
    assert "lost its target, but account" in verify_chain().fault


def test_a_record_of_young_values_is_not_believed(kim):
    blank(3)
    after = {"position": 3, "before": timezone.now(), "events": 3}
    chain.seal_event(record_event(retention.REMOVED_ACTION, actor=SystemActor(), after=after))
    assert "lost its target, but account" in verify_chain().fault


def test_a_removal_needs_its_record(kim):
    apply_retention()
    record = AuditEvent.objects.get(action=retention.REMOVED_ACTION)
    execute("UPDATE users_auditevent SET action = 'x' WHERE id = %s", record.pk)
    assert "lost its target, but account" in verify_chain().fault


def test_records_of_another_form_count_for_nothing(client, kim):
    mark_erased(make_user())
    for action in (retention.REMOVED_ACTION, ORIGIN_CHANGED_ACTION, REDACTED_ACTION):
        for after in ({}, {"position": "x", "events": 5}, {"position": [], "events": [5]}):
            record_event(action, actor=SystemActor(), after=after)
    far = {"position": 10**6, "before": timezone.now() - 3 * YEAR, "events": 1}
    record_event(retention.REMOVED_ACTION, actor=SystemActor(), after=far)
    chain.seal_waiting_events()
    assert retention.remove_old_values() == 2
    assert verify_chain().fault == ""
    client.force_login(make_user("Auditor"))
    assert len(read(client.get(PATH)).one("tbody").all("tr")) == 1
    assert client.get("/audit/verification/").status_code == 200


def test_what_can_t_be_read_is_a_fault_of_its_event(kim):
    with patch("users.audit.verification.range_check.check_event", side_effect=TypeError("odd")):
        assert "position 1 can’t be read" in verify_chain().fault


def test_the_page_says_what_was_removed_and_when(client, kim):
    client.force_login(make_user("Auditor"))
    assert "Nothing removed yet" in read(client.get(PATH)).one("main").text
    apply_retention()
    [row] = read(client.get(PATH)).one("tbody").all("tr")
    cells = [" ".join(cell.text.split()) for cell in row.all("td")]
    assert cells[2:] == ["up to position 2", "2 events"]
    trail = read(client.get("/audit/")).one("main")
    assert trail.all("a", href=PATH)


def test_who_may_not_see_the_trail_learns_nothing(client):
    assert_sent_to_sign_in(client, PATH)
    clerk = make_user("Support")
    client.force_login(clerk)
    denied = client.get(PATH)
    assert_denied(denied, "users.view_auditevent", actor=clerk, action="view_audit")
    client.force_login(make_superuser())
    assert client.get(f"{PATH}?after=x").status_code == 400
    assert_wrong_method(client, PATH, allowed="GET, HEAD")
