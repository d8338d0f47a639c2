"""The head of the audit trail: how far it is verified, and the last checkpoint."""

from datetime import datetime

import pytest
from django.http import HttpResponse

from tests.audit.tree.logs import grow, use_key
from tests.builders import make_user
from tests.pages import read
from users.audit.models import AuditEvent
from users.audit.tasks import verify_audit_trail
from users.audit.verification.models import VerificationRun
from users.web.time_html import second_time_html

pytestmark = pytest.mark.django_db


def shown_time(at: datetime) -> str:
    return read(HttpResponse(second_time_html(at))).text


@pytest.fixture
def head(client, settings, tmp_path):
    """Returns a function that reads the head of the page, of a log with three verified events."""
    use_key(settings, tmp_path)
    client.force_login(make_user("Auditor"))
    grow(3)
    verify_audit_trail()
    return lambda: read(client.get("/audit/")).one(class_="seal")


def test_it_names_the_newest_verified_event_and_the_last_checkpoint(head):
    newest = AuditEvent.objects.get(chain_position=3)
    checkpoint = grow(2)
    text = head().text
    assert f"verified up to {shown_time(newest.at)}" in text
    assert f"last checkpoint {shown_time(checkpoint.at)}" in text


@pytest.mark.parametrize("kind", ["quick", "full"])
def test_a_fault_of_either_check_is_named(head, kind):
    VerificationRun.objects.filter(kind=kind).update(fault_kind="edited", fault="Event 1")
    text = head().text
    assert "verification found a fault" in text
    assert "verified up to" not in text


def test_the_quick_check_alone_verifies_no_event(head):
    VerificationRun.objects.filter(kind="full").delete()
    assert "not verified yet" in head().text


def test_the_time_of_a_pruned_event_is_not_named(head):
    VerificationRun.objects.update(position=1_000)
    assert "verified" not in head().text
